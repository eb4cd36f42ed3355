output "websocket_url" {
  description = "URL that clients connect to"
  value       = local.websocket_url
}

output "callback_url" {
  description = "Endpoint that messages are posted to: WSPUBSUB_ENDPOINT"
  value       = local.callback_url
}

output "table_name" {
  description = "The table: WSPUBSUB_TABLE"
  value       = aws_dynamodb_table.chat.name
}

output "log_group" {
  description = "The log of the function"
  value       = aws_cloudwatch_log_group.chat.name
}

output "queue_url" {
  description = "The queue: WSPUBSUB_QUEUE"
  value       = aws_sqs_queue.chat.url
}

output "region" {
  description = "Where everything is"
  value       = var.region
}
