resource "aws_cloudwatch_log_group" "chat" {
  name              = "/aws/lambda/${var.name}-Function"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "chat" {
  function_name    = var.name
  filename         = "${path.module}/app.zip"
  source_code_hash = filebase64sha256("${path.module}/app.zip")
  handler          = "app.handler"
  runtime          = "python3.13"
  architectures    = ["arm64"]
  memory_size      = 1024
  # API Gateway waits 29 s for an integration, and no longer.
  timeout = 29
  role    = aws_iam_role.chat.arn

  environment {
    variables = {
      WSPUBSUB_TABLE    = aws_dynamodb_table.chat.name
      WSPUBSUB_ENDPOINT = local.callback_url
      WSPUBSUB_STREAM   = aws_dynamodb_table.chat.stream_arn
      WSPUBSUB_QUEUE    = aws_sqs_queue.chat.url
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.chat.name
  }

  depends_on = [aws_iam_role_policy.chat]
}

resource "aws_lambda_event_source_mapping" "stream" {
  function_name                  = aws_lambda_function.chat.arn
  event_source_arn               = aws_dynamodb_table.chat.stream_arn
  starting_position              = "TRIM_HORIZON"
  batch_size                     = 100
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = 10
  maximum_record_age_in_seconds  = 7800
  function_response_types        = ["ReportBatchItemFailures"]

  # New entries of a log, and connections that are ready: nothing else.
  filter_criteria {
    filter {
      pattern = "{\"eventName\":[\"INSERT\"],\"dynamodb\":{\"Keys\":{\"pk\":{\"S\":[{\"prefix\":\"L#\"}]}},\"NewImage\":{\"id\":{\"S\":[{\"exists\":true}]}}}}"
    }
    filter {
      pattern = "{\"eventName\":[\"INSERT\"],\"dynamodb\":{\"Keys\":{\"pk\":{\"S\":[{\"prefix\":\"C#\"}]},\"sk\":{\"S\":[\"#\"]}}}}"
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.stream_failures.arn
    }
  }

  depends_on = [aws_iam_role_policy.chat]
}

# It sends the parts of a large topic to the queue that invokes it.
resource "aws_lambda_function_recursion_config" "chat" {
  function_name  = aws_lambda_function.chat.function_name
  recursive_loop = "Allow"
}

resource "aws_lambda_event_source_mapping" "queue" {
  function_name           = aws_lambda_function.chat.arn
  event_source_arn        = aws_sqs_queue.chat.arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 5
  }

  depends_on = [aws_iam_role_policy.chat]
}
