"""Writing any number of items with BatchWriteItem, until all are written."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from wspubsub.backoff import attempts
from wspubsub.dynamodb.client import DynamoDBClient, store_errors
from wspubsub.dynamodb.items import Write
from wspubsub.errors import StoreError

MAX_BATCH = 25
"""Put and delete requests in one BatchWriteItem (DynamoDB quota)."""

MAX_ATTEMPTS = 8


def write_all(
    client: DynamoDBClient,
    table: str,
    writes: Iterable[Write],
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Write in chunks of 25, and repeat what DynamoDB leaves unprocessed.

    Raises:
        StoreError: DynamoDB failed, or kept leaving writes unprocessed.
    """
    for chunk in _chunks(writes):
        _write_chunk(client, table, chunk, sleep)


def _chunks(writes: Iterable[Write]) -> Iterator[list[Write]]:
    remaining = iter(writes)
    while chunk := list(islice(remaining, MAX_BATCH)):
        yield chunk


def _write_chunk(
    client: DynamoDBClient,
    table: str,
    chunk: list[Write],
    sleep: Callable[[float], object],
) -> None:
    for _ in attempts(sleep, most=MAX_ATTEMPTS):
        with store_errors("BatchWriteItem", table):
            answer = client.batch_write_item(RequestItems={table: chunk})
        chunk = answer.get("UnprocessedItems", {}).get(table, [])
        if not chunk:
            return
    raise StoreError(
        f"DynamoDB left {len(chunk)} writes to table {table} unprocessed "
        f"{MAX_ATTEMPTS} times; its write capacity is exhausted, so raise it or "
        "try again later",
        operation="BatchWriteItem",
        code="UnprocessedItems",
    )
