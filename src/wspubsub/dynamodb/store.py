"""Subscriptions in one DynamoDB table, without an index and without a Scan."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from wspubsub.dynamodb.batches import delete, put, write_all
from wspubsub.dynamodb.client import DynamoDBClient, boto3_client, translated
from wspubsub.dynamodb.items import (
    CONNECTION_SORT_KEY,
    connection_item,
    connection_partition,
    read_connection,
    topic_partition,
)
from wspubsub.dynamodb.pages import Page, StartKey, read_ahead
from wspubsub.errors import UsageError
from wspubsub.events import Connection
from wspubsub.subscriptions import TTL_SECONDS, check_connection_id
from wspubsub.topics import shard_of, validate_topic

MAX_PRUNE_THREADS = 8


class DynamoDBSubscriptionStore:
    """Who is connected and who listens to what, in a DynamoDB table.

    Args:
        table: Name of the table; `create_table` makes it.
        client: A `boto3.client("dynamodb")`, or anything with its methods.
        shards: Over how many partitions a topic's subscribers are spread. One takes
            1,000 subscriptions a second. Raise it at any time; lower it only when
            the subscriptions made under the higher number have expired.
        ttl_seconds: How long an item lives.
        now: Clock, in seconds since the epoch.
        sleep: Waits before a retry.

    Raises:
        UsageError: The table name is empty or `shards` is not positive.
    """

    def __init__(
        self,
        table: str,
        *,
        client: DynamoDBClient | None = None,
        shards: int = 1,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not table:
            raise UsageError("give the name of the DynamoDB table")
        if shards < 1:
            raise UsageError(f"a topic has at least 1 shard, not {shards}")
        self._table = table
        self._client: DynamoDBClient = boto3_client() if client is None else client
        self._shards = shards
        self._ttl_seconds = ttl_seconds
        self._now = now
        self._sleep = sleep

    def connect(self, connection: Connection) -> None:
        """See `SubscriptionStore.connect`."""
        check_connection_id(connection.id)
        item = connection_item(connection, self._expiry())
        with translated("PutItem", self._table):
            self._client.put_item(TableName=self._table, Item=item)

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.disconnect`."""
        items = list(
            self._items_of(check_connection_id(connection_id), consistent=True)
        )
        self._write(_deletions(items))
        return self._live_topics(items)

    def connection(self, connection_id: str) -> Connection | None:
        """See `SubscriptionStore.connection`."""
        key = _key(
            connection_partition(check_connection_id(connection_id)),
            CONNECTION_SORT_KEY,
        )
        with translated("GetItem", self._table):
            answer = self._client.get_item(
                TableName=self._table, Key=key, ConsistentRead=True
            )
        item = answer.get("Item")
        return read_connection(item) if item and self._is_alive(item) else None

    def subscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.subscribe`."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        shard = shard_of(connection_id, self._shards)
        expires_at = {"N": str(self._expiry())}
        self._write(
            (
                put(
                    _key(connection_partition(connection_id), f"T#{topic}")
                    | {"shard": {"N": str(shard)}, "expires_at": expires_at}
                ),
                put(
                    _key(topic_partition(topic, shard), connection_id)
                    | {"expires_at": expires_at}
                ),
            )
        )

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        shard = shard_of(connection_id, self._shards)
        self._write(
            (
                delete(connection_partition(connection_id), f"T#{topic}"),
                delete(topic_partition(topic, shard), connection_id),
            )
        )

    def topics(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.topics`."""
        connection_id = check_connection_id(connection_id)
        return self._live_topics(self._items_of(connection_id, consistent=True))

    def subscribers(self, topic: str) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`."""
        topic = validate_topic(topic)
        return self._subscribers(topic)

    def prune(self, connection_ids: Iterable[str]) -> None:
        """See `SubscriptionStore.prune`."""
        ids = [check_connection_id(each) for each in connection_ids]
        if len(ids) == 1:
            self.disconnect(ids[0])
            return
        with ThreadPoolExecutor(MAX_PRUNE_THREADS) as pool:
            list(pool.map(self.disconnect, ids))

    def _subscribers(self, topic: str) -> Iterator[str]:
        partitions = [topic_partition(topic, shard) for shard in range(self._shards)]
        for items in read_ahead(partitions, self._read_page):
            now = self._now()
            for item in items:
                if float(item["expires_at"]["N"]) > now:
                    yield item["sk"]["S"]

    def _read_page(self, partition: str, start: StartKey | None) -> Page:
        return self._query(partition, start, consistent=False)

    def _items_of(self, connection_id: str, *, consistent: bool) -> Iterator[Any]:
        partition = connection_partition(connection_id)
        page = self._query(partition, None, consistent=consistent)
        yield from page.items
        while page.next_key is not None:
            page = self._query(partition, page.next_key, consistent=consistent)
            yield from page.items

    def _query(
        self, partition: str, start: StartKey | None, *, consistent: bool
    ) -> Page:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
            "ConsistentRead": consistent,
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        with translated("Query", self._table):
            answer = self._client.query(**request)
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))

    def _live_topics(self, items: Iterable[Any]) -> frozenset[str]:
        return frozenset(
            item["sk"]["S"].removeprefix("T#")
            for item in items
            if item["sk"]["S"] != CONNECTION_SORT_KEY and self._is_alive(item)
        )

    def _is_alive(self, item: dict[str, Any]) -> bool:
        return float(item["expires_at"]["N"]) > self._now()

    def _expiry(self) -> int:
        return math.ceil(self._now() + self._ttl_seconds)

    def _write(self, writes: Iterable[Any]) -> None:
        write_all(self._client, self._table, writes, sleep=self._sleep)


def _key(partition_key: str, sort_key: str) -> dict[str, Any]:
    return {"pk": {"S": partition_key}, "sk": {"S": sort_key}}


def _deletions(items: list[Any]) -> Iterator[Any]:
    for item in items:
        connection_id = item["pk"]["S"].removeprefix("C#")
        yield delete(item["pk"]["S"], item["sk"]["S"])
        if "shard" in item:
            topic = item["sk"]["S"].removeprefix("T#")
            shard = int(item["shard"]["N"])
            yield delete(topic_partition(topic, shard), connection_id)
