"""DynamoDB Streams and SQS queues, delivered to the handler as Lambda does."""
