"""Subscriptions in DynamoDB."""

from wspubsub.dynamodb.client import DynamoDBClient
from wspubsub.dynamodb.store import DynamoDBSubscriptionStore
from wspubsub.dynamodb.table import TableClient, create_table

__all__ = [
    "DynamoDBClient",
    "DynamoDBSubscriptionStore",
    "TableClient",
    "create_table",
]
