output "websocket_url" {
  description = "Where clients connect"
  value       = "wss://${local.host}/${local.stage}"
}

output "callback_url" {
  description = "Where connections are posted to: WSPUBSUB_ENDPOINT"
  value       = "https://${local.host}/${local.stage}"
}

output "table_name" {
  description = "The table: WSPUBSUB_TABLE"
  value       = aws_dynamodb_table.chat.name
}

output "log_group" {
  description = "The log of the function"
  value       = aws_cloudwatch_log_group.chat.name
}
