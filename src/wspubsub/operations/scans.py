"""Reading a whole table, and what that costs."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from wspubsub.dynamodb.client import store_errors
from wspubsub.dynamodb.items import Item
from wspubsub.operations.deployments import SdkClient

READ_DOLLARS = 0.125 / 1_000_000
"""A read request unit on demand in us-east-1 ("Amazon DynamoDB pricing")."""

_UNIT_BYTES = 8192
"""A read unit reads 4 KB, or twice as much where it need not be consistent."""


class ScanEstimate(NamedTuple):
    """What a Scan of a table reads.

    DynamoDB counts about every six hours.

    Attributes:
        items: How many items the table has.
        size_bytes: How many bytes they are.
    """

    items: int
    size_bytes: int

    @property
    def read_units(self) -> int:
        """How many read units it consumes, at least."""
        return max(1, math.ceil(self.size_bytes / _UNIT_BYTES))

    @property
    def dollars(self) -> float:
        """What it costs on demand in us-east-1."""
        return self.read_units * READ_DOLLARS


def estimate_scan(client: SdkClient, table: str) -> ScanEstimate:
    """Return what a Scan of a table would read. Costs nothing.

    Raises:
        StoreError: DynamoDB failed.
    """
    with store_errors("DescribeTable", table):
        found = client.describe_table(TableName=table)["Table"]
    return ScanEstimate(found.get("ItemCount", 0), found.get("TableSizeBytes", 0))


def scan_pages(client: SdkClient, table: str) -> Iterator[list[Item]]:
    """Yield the items of a table, page by page, each up to 1 MB.

    Costs 1 read unit for each 8 KB.

    Raises:
        StoreError: DynamoDB failed.
    """
    request: dict[str, Any] = {"TableName": table}
    while True:
        with store_errors("Scan", table):
            answer = client.scan(**request)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def has_stream(client: SdkClient, table: str) -> bool:
    """Return whether a table has a stream. Costs nothing.

    Raises:
        StoreError: DynamoDB failed.
    """
    with store_errors("DescribeTable", table):
        found = client.describe_table(TableName=table)["Table"]
    return bool(found.get("StreamSpecification", {}).get("StreamEnabled"))
