locals {
  stage = "prod"

  # One for each route key of the router in app.py, and the predefined ones.
  route_keys = [
    "$connect",
    "$disconnect",
    "$default",
    "message",
    "subscribe",
    "unsubscribe",
  ]

  # The stage knows its URL too, but comes after the function, which has to be told.
  websocket_url = "${aws_apigatewayv2_api.chat.api_endpoint}/${local.stage}"
  callback_url  = replace(local.websocket_url, "wss://", "https://")
}

resource "aws_apigatewayv2_api" "chat" {
  name                       = var.name
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.type"
}

resource "aws_apigatewayv2_integration" "chat" {
  api_id             = aws_apigatewayv2_api.chat.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = aws_lambda_function.chat.invoke_arn
  # API Gateway waits no longer.
  timeout_milliseconds = 29000
}

resource "aws_apigatewayv2_route" "chat" {
  for_each = toset(local.route_keys)

  api_id             = aws_apigatewayv2_api.chat.id
  route_key          = each.value
  target             = "integrations/${aws_apigatewayv2_integration.chat.id}"
  authorization_type = each.value == "$connect" && var.tokens != null ? "CUSTOM" : "NONE"
  authorizer_id      = each.value == "$connect" && var.tokens != null ? aws_apigatewayv2_authorizer.tokens[0].id : null
}

resource "aws_apigatewayv2_stage" "chat" {
  api_id      = aws_apigatewayv2_api.chat.id
  name        = local.stage
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = 1000
    throttling_burst_limit = 500
  }

  # An API without routes cannot be deployed.
  depends_on = [aws_apigatewayv2_route.chat]
}

resource "aws_lambda_permission" "api" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.chat.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.chat.execution_arn}/${local.stage}/*"
}
