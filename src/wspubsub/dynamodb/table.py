"""Making the table: on demand, with a time to live."""

import time
import warnings
from collections.abc import Callable
from typing import Any, Protocol

from wspubsub.dynamodb.client import boto3_client, translated
from wspubsub.errors import StoreError

TTL_ATTRIBUTE = "expires_at"
_WAIT_SECONDS, _WAIT_ATTEMPTS = 0.5, 240
_KEY_SCHEMA = [
    {"AttributeName": "pk", "KeyType": "HASH"},
    {"AttributeName": "sk", "KeyType": "RANGE"},
]


class TableClient(Protocol):
    """The operations that make a table, as boto3 has them."""

    def create_table(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Make a table."""
        ...

    def describe_table(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Describe a table."""
        ...

    def describe_time_to_live(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Describe a table's time to live."""
        ...

    def update_time_to_live(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Set a table's time to live."""
        ...


def create_table(
    table: str,
    *,
    client: TableClient | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Make the table that `DynamoDBSubscriptionStore` needs, unless it exists.

    Billing is on demand. An endpoint that knows no time to live gives a warning:
    expired items are then hidden, but never deleted.

    Args:
        table: Name of the table.
        client: A `boto3.client("dynamodb")` of your own.
        sleep: Waits until the table is active.

    Raises:
        StoreError: DynamoDB failed, or the table exists with other keys.
    """
    if client is None:
        client = _default_client(table)
    try:
        with translated("CreateTable", table):
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=_KEY_SCHEMA,
                AttributeDefinitions=[
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
            )
    except StoreError as error:
        if error.code != "ResourceInUseException":
            raise
    _wait_until_active(client, table, sleep)
    _enable_ttl(client, table)


def _default_client(table: str) -> TableClient:
    client: TableClient = boto3_client(table)
    return client


def _wait_until_active(
    client: TableClient, table: str, sleep: Callable[[float], object]
) -> None:
    for _ in range(_WAIT_ATTEMPTS):
        with translated("DescribeTable", table):
            description = client.describe_table(TableName=table)["Table"]
        if description["KeySchema"] != _KEY_SCHEMA:
            raise StoreError(
                f"table {table} exists with other keys; wspubsub needs the partition "
                "key pk and the sort key sk, so give another table name",
                operation="DescribeTable",
                code="WrongKeySchema",
            )
        if description["TableStatus"] == "ACTIVE":
            return
        sleep(_WAIT_SECONDS)
    raise StoreError(
        f"table {table} did not become active",
        operation="DescribeTable",
        code="Timeout",
    )


def _enable_ttl(client: TableClient, table: str) -> None:
    try:
        with translated("UpdateTimeToLive", table):
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
        if error.code not in {"UnknownOperationException", "ValidationException"}:
            raise
        warnings.warn(
            f"this DynamoDB endpoint knows no time to live ({error.code}): expired "
            f"items of table {table} are hidden, but stay",
            stacklevel=3,
        )
