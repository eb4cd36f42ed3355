"""Creating the table: on demand, with a time to live and, on request, a stream."""

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from wspubsub.aws.choice import boto3_client
from wspubsub.dynamodb.client import store_errors
from wspubsub.dynamodb.items import TTL_ATTRIBUTE
from wspubsub.errors import StoreError

_WAIT_SECONDS, _WAIT_ATTEMPTS = 0.5, 240
_NOT_KNOWN = frozenset({"UnknownOperationException", "ValidationException"})
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_KEY_SCHEMA = [
    {"AttributeName": "pk", "KeyType": "HASH"},
    {"AttributeName": "sk", "KeyType": "RANGE"},
]


class TableClient(Protocol):
    """The operations that create a table, as boto3 names them."""

    def create_table(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Create a table."""
        ...

    def describe_table(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Describe a table."""
        ...

    def update_table(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Change a table's settings."""
        ...

    def describe_time_to_live(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Describe a table's time to live."""
        ...

    def update_time_to_live(self, *args: Any, **request: Any) -> Mapping[str, Any]:
        """Set a table's time to live."""
        ...


def create_table(
    table: str,
    *,
    client: TableClient | None = None,
    stream: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Create the table that `DynamoDBSubscriptionStore` needs, unless it exists.

    Billing is on demand. An endpoint that knows no time to live gives a warning:
    expired items are then hidden, but never deleted.

    Args:
        table: Name of the table.
        client: A `boto3.client("dynamodb")` of your own.
        stream: Whether the table has a stream of new and old images. A table that
            is there without one gets it; one that has it keeps it in any case.
        sleep: Waits until the table is active.

    Raises:
        StoreError: DynamoDB failed, the table exists with other keys or another kind
            of stream, or this endpoint has no streams.
    """
    if client is None:
        client = _default_client()
    _create(client, table, {"StreamSpecification": _STREAM} if stream else {})
    description = _wait_until_active(client, table, sleep)
    if stream and not _has_stream(description, table):
        _enable_stream(client, table)
        _wait_until_active(client, table, sleep)
    _enable_ttl(client, table)


def _create(client: TableClient, table: str, options: dict[str, Any]) -> None:
    try:
        with store_errors("CreateTable", table):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=_KEY_SCHEMA,
                AttributeDefinitions=[
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                **options,
            )
    except StoreError as error:
        if error.code != "ResourceInUseException":
            raise


def _default_client() -> TableClient:
    client: TableClient = boto3_client("dynamodb")
    return client


def _wait_until_active(
    client: TableClient, table: str, sleep: Callable[[float], object]
) -> dict[str, Any]:
    for _ in range(_WAIT_ATTEMPTS):
        with store_errors("DescribeTable", table):
            description: dict[str, Any]
            description = client.describe_table(TableName=table)["Table"]
        if description["KeySchema"] != _KEY_SCHEMA:
            raise StoreError(
                f"table {table} exists with other keys; wspubsub needs the "
                "partition key pk and the sort key sk, so use another table name",
                operation="DescribeTable",
                code="WrongKeySchema",
            )
        if description["TableStatus"] == "ACTIVE":
            return description
        sleep(_WAIT_SECONDS)
    raise StoreError(
        f"table {table} did not become active in time; try again later",
        operation="DescribeTable",
        code="Timeout",
    )


def _has_stream(description: dict[str, Any], table: str) -> bool:
    specification = description.get("StreamSpecification", {})
    if not specification.get("StreamEnabled"):
        return False
    found = specification["StreamViewType"]
    if found != _STREAM["StreamViewType"]:
        # "Change data capture for DynamoDB Streams": it cannot be edited later.
        raise StoreError(
            f"table {table} has a stream of {found}; wspubsub needs "
            f"{_STREAM['StreamViewType']}, so disable that stream first",
            operation="DescribeTable",
            code="WrongStreamViewType",
        )
    return True


def _enable_stream(client: TableClient, table: str) -> None:
    detail = "it ignored the request"
    try:
        with store_errors("UpdateTable", table):
            answer = client.update_table(TableName=table, StreamSpecification=_STREAM)
        description = answer.get("TableDescription", {})
    except StoreError as error:
        if error.code not in _NOT_KNOWN:
            raise
        description, detail = {}, str(error)
    if not description.get("StreamSpecification", {}).get("StreamEnabled"):
        raise StoreError(
            f"this DynamoDB endpoint does not support streams ({detail}); use one "
            "that does, such as the embedded one of `wspubsub dev`, DynamoDB Local "
            "or AWS",
            operation="UpdateTable",
            code="NoStreams",
        )


def _enable_ttl(client: TableClient, table: str) -> None:
    try:
        with store_errors("UpdateTimeToLive", table):
            ttl = client.describe_time_to_live(TableName=table)
            status = ttl["TimeToLiveDescription"]["TimeToLiveStatus"]
            if status in {"ENABLED", "ENABLING"}:
                return
            client.update_time_to_live(
                TableName=table,
                TimeToLiveSpecification={
                    "Enabled": True,
                    "AttributeName": TTL_ATTRIBUTE,
                },
            )
    except StoreError as error:
        if error.code not in _NOT_KNOWN:
            raise
        warnings.warn(
            f"this DynamoDB endpoint does not support time to live ({error.code}): "
            f"expired items of table {table} are hidden, but not deleted",
            stacklevel=3,
        )
