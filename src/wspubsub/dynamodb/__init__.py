"""Subscriptions and topic logs in DynamoDB."""

import typing

from wspubsub.dynamodb.client import DynamoDBClient
from wspubsub.dynamodb.store import DynamoDBSubscriptionStore
from wspubsub.dynamodb.table import TableClient, create_table

if typing.TYPE_CHECKING:
    from wspubsub.dynamodb.log import DynamoDBTopicLog

__all__ = [
    "DynamoDBClient",
    "DynamoDBSubscriptionStore",
    "DynamoDBTopicLog",
    "TableClient",
    "create_table",
]


def __getattr__(name: str) -> object:
    # Loaded when it is first asked for: most functions keep no log.
    if name != "DynamoDBTopicLog":
        raise AttributeError(f"module 'wspubsub.dynamodb' has no attribute {name!r}")
    from wspubsub.dynamodb.log import DynamoDBTopicLog  # noqa: PLC0415 - as said above

    globals()[name] = DynamoDBTopicLog
    return DynamoDBTopicLog
