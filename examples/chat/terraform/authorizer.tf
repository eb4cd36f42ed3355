# Nothing of this is there unless var.tokens says whose tokens let a client in.
locals {
  authorizers = var.tokens == null ? 0 : 1
}

resource "aws_apigatewayv2_authorizer" "tokens" {
  count = local.authorizers

  api_id           = aws_apigatewayv2_api.chat.id
  name             = "tokens"
  authorizer_type  = "REQUEST"
  authorizer_uri   = aws_lambda_function.authorizer[0].invoke_arn
  identity_sources = ["route.request.querystring.token"]

  # Without tokens any more, the route lets go of it first: API Gateway deletes no
  # authorizer that a route names.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "authorizer" {
  count = local.authorizers

  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.authorizer[0].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.chat.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.tokens[0].id}"
}

resource "aws_lambda_function" "authorizer" {
  count = local.authorizers

  function_name    = "${var.name}-authorizer"
  filename         = "${path.module}/authorizer.zip"
  source_code_hash = filebase64sha256("${path.module}/authorizer.zip")
  handler          = "authorizer.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = 1024
  timeout          = 29
  role             = aws_iam_role.authorizer[0].arn

  environment {
    variables = {
      JWKS_URL        = var.tokens.jwks_url
      JWT_ISSUER      = var.tokens.issuer
      JWT_AUDIENCE    = var.tokens.audience
      ALLOWED_ORIGINS = var.tokens.allowed_origins
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.authorizer[0].name
  }
}

resource "aws_cloudwatch_log_group" "authorizer" {
  count = local.authorizers

  name              = "/aws/lambda/${var.name}-Authorizer"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "authorizer" {
  count = local.authorizers

  name               = "${var.name}-authorizer"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "authorizer" {
  count = local.authorizers

  name   = "logs"
  role   = aws_iam_role.authorizer[0].id
  policy = data.aws_iam_policy_document.authorizer[0].json
}

data "aws_iam_policy_document" "authorizer" {
  count = local.authorizers

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.authorizer[0].arn}:*"]
  }
}
