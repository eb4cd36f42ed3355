resource "aws_sqs_queue" "chat" {
  name                    = var.name
  sqs_managed_sse_enabled = true
  # Six times the function's timeout.
  visibility_timeout_seconds = 174

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "stream_failures" {
  name                      = "${var.name}-stream-failures"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}
