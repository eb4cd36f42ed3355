"""Subscriptions and topic logs in DynamoDB."""

from wspubsub.dynamodb.client import DynamoDBClient
from wspubsub.dynamodb.log import DynamoDBTopicLog
from wspubsub.dynamodb.store import DynamoDBSubscriptionStore
from wspubsub.dynamodb.table import TableClient, create_table

__all__ = [
    "DynamoDBClient",
    "DynamoDBSubscriptionStore",
    "DynamoDBTopicLog",
    "TableClient",
    "create_table",
]
