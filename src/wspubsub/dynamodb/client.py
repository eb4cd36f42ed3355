"""The part of `boto3.client("dynamodb")` that store and log use, and its errors.

Both are written against this interface, so any client that has it will do.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from wspubsub.aws.choice import boto3_client, is_engine_fit
from wspubsub.errors import StoreError

CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoDBClient(Protocol):
    """The operations that the store and the log use, as boto3 has them.

    To type checkers each takes any arguments, so that clients whose arguments are
    typed in detail fit, such as those of `types-boto3`.
    """

    def put_item(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Put an item."""
        ...

    def get_item(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Get an item."""
        ...

    def update_item(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Change attributes of an item; only the store behind `PubSub` needs it."""
        ...

    def query(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Query a page of items."""
        ...

    def delete_item(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Delete an item."""
        ...

    def batch_write_item(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Put and delete up to 25 items."""
        ...

    def transact_write_items(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Write several items or none; only a log with keys needs it."""
        ...


def choose_client(client: DynamoDBClient | None) -> DynamoDBClient:
    """Return the client that was given, or else the engine's, or boto3's.

    Raises:
        UsageError: No Region is known, or there are no credentials.
    """
    if client is not None:
        from wspubsub.aws.forks import reconnect_after_fork

        return reconnect_after_fork(client)
    # Not at the top: whoever passes a client of their own does not pay for it.
    from wspubsub.aws.dynamodb import EngineDynamoDBClient

    if is_engine_fit(os.environ):
        return EngineDynamoDBClient()
    from wspubsub.aws.sdk_access import prefer_engine

    made: DynamoDBClient = boto3_client("dynamodb")
    return prefer_engine(made, EngineDynamoDBClient)


_ADVICE = {
    "ResourceNotFoundException": (
        "table {table} does not exist here; create it with `wspubsub create-table "
        "{table}`, or check the region and the endpoint"
    ),
    "AccessDeniedException": (
        "the function's role does not allow dynamodb:{action} on table {table}; add it"
    ),
    "UnknownOperationException": (
        "this endpoint does not support {operation}; use another endpoint, or do "
        "without (a log needs TransactWriteItems for keys, and after its messages "
        "have expired)"
    ),
}


# IAM knows the writes in a transaction, not the transaction.
_ACTIONS = {"TransactWriteItems": "PutItem or dynamodb:ConditionCheckItem"}


@contextmanager
def store_errors(operation: str, table: str) -> Iterator[None]:
    """Turn what a client raises into a `StoreError`; the one place that does."""
    try:
        yield
    except Exception as error:
        # A cold start in which nothing fails does not pay for reading errors.
        from wspubsub.aws.client_errors import failure_of
        from wspubsub.aws.denials import explain

        failure = failure_of(error)
        action = _ACTIONS.get(operation, operation)
        advice = _ADVICE.get(failure.code, "").format(
            table=table, operation=operation, action=action
        )
        detail = explain(failure.text, advice)
        raise StoreError(
            f"DynamoDB {operation}: {detail}", operation=operation, code=failure.code
        ) from error


def query(
    client: DynamoDBClient, table: str, request: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return a page of items.

    Raises:
        StoreError: DynamoDB failed, or the answer has no items: boto3 takes an answer
            that is cut off, or is not DynamoDB's, for an empty one.
    """
    with store_errors("Query", table):
        answer = client.query(TableName=table, **request)
    if "Items" not in answer:
        from wspubsub.aws.meanings import UNREADABLE

        raise StoreError(
            "DynamoDB Query: the answer cannot be read: it has no items",
            operation="Query",
            code=UNREADABLE,
        )
    return answer


def answer_of(error: StoreError) -> Mapping[str, Any]:
    """Return DynamoDB's answer behind an error; may be empty."""
    answer = getattr(error.__cause__, "response", None)
    return answer if isinstance(answer, Mapping) else {}
