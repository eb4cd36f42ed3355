"""Subscriptions in DynamoDB."""

from wspubsub.dynamodb.store import DynamoDBSubscriptionStore
from wspubsub.dynamodb.table import create_table

__all__ = ["DynamoDBSubscriptionStore", "create_table"]
