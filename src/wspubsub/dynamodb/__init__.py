"""Subscriptions and topic logs in DynamoDB."""

import typing

from wspubsub.dynamodb.client import DynamoDBClient
from wspubsub.dynamodb.store import DynamoDBSubscriptionStore

if typing.TYPE_CHECKING:
    from wspubsub.dynamodb.log import DynamoDBTopicLog
    from wspubsub.dynamodb.members import DynamoDBMemberStore
    from wspubsub.dynamodb.table import TableClient, create_table

__all__ = [
    "DynamoDBClient",
    "DynamoDBMemberStore",
    "DynamoDBSubscriptionStore",
    "DynamoDBTopicLog",
    "TableClient",
    "create_table",
]


# Loaded when they are first asked for: a function makes no table, and seldom has a log.
_LATE = {
    "DynamoDBMemberStore": "wspubsub.dynamodb.members",
    "DynamoDBTopicLog": "wspubsub.dynamodb.log",
    "TableClient": "wspubsub.dynamodb.table",
    "create_table": "wspubsub.dynamodb.table",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module 'wspubsub.dynamodb' has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_LATE[name]), name)
    return found
