"""Subscriptions in one DynamoDB table, without an index and without a Scan.

What can remain when calls race: a subscription made while its connection is being
disconnected may outlive it. The next publish finds the connection gone and prunes it,
and the time to live ends it in any case.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from wspubsub.dynamodb.batches import write_all
from wspubsub.dynamodb.client import DynamoDBClient, choose_client, translated
from wspubsub.dynamodb.items import (
    Item,
    Write,
    connection_item,
    connection_key,
    connection_partition,
    delete,
    deletions,
    put,
    read_connection,
    read_shard,
    read_topic,
    ready_key,
    subscriber_item,
    subscriber_key,
    topic_item,
    topic_key,
    topic_partition,
)
from wspubsub.dynamodb.pages import Page, StartKey, read_ahead
from wspubsub.dynamodb.segments import sort_key_range, split
from wspubsub.dynamodb.shards import ShardPlan, Shards
from wspubsub.errors import StoreError, UsageError
from wspubsub.events import Connection
from wspubsub.subscriptions import (
    TTL_SECONDS,
    Segment,
    check_connection_id,
    check_segment_size,
)
from wspubsub.topics import validate_topic

MAX_PRUNE_THREADS = 8


class DynamoDBSubscriptionStore:
    """Who is connected and who listens to what, in a DynamoDB table.

    Args:
        table: Name of the table; `create_table` makes it.
        client: A `boto3.client("dynamodb")` of your own, or anything with its
            methods; it is used as it is.
        shards: Over how many partitions a topic's subscribers are spread, for all
            topics or by pattern of topic names. A partition takes 1,000 subscriptions
            a second; a publish reads all shards at once.
        previous_shards: What `shards` was before. Give it for as long as
            subscriptions made then may live (`ttl_seconds`), so that none is missed
            or seen twice.
        ttl_seconds: How long an item lives.
        now: Clock, in seconds since the epoch.
        sleep: Waits before writes that DynamoDB left over are tried again.

    Raises:
        UsageError: The table name is empty, or a number of shards is out of range.
        StoreError: boto3 lacks a region.
    """

    def __init__(
        self,
        table: str,
        *,
        client: DynamoDBClient | None = None,
        shards: Shards = 1,
        previous_shards: Shards | None = None,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not table:
            raise UsageError("give the name of the DynamoDB table")
        self._table = table
        self._client: DynamoDBClient = choose_client(client, table)
        self._plan = ShardPlan(shards, previous_shards)
        self._ttl_seconds = ttl_seconds
        self._now = now
        self._sleep = sleep

    def connect(self, connection: Connection) -> None:
        """See `SubscriptionStore.connect`. Costs 1 write unit."""
        check_connection_id(connection.id)
        item = connection_item(connection, self._expiry())
        with translated("PutItem", self._table):
            self._client.put_item(TableName=self._table, Item=item)

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.disconnect`.

        Costs 1 write unit, 2 for each topic, and 1 read unit for each 4 KB.
        """
        items = self._items_of(check_connection_id(connection_id))
        self._write(deletions(items))
        return self._live_topics(items)

    def connection(self, connection_id: str) -> Connection | None:
        """See `SubscriptionStore.connection`. Costs 1 read unit."""
        key = connection_key(check_connection_id(connection_id))
        with translated("GetItem", self._table):
            answer = self._client.get_item(
                TableName=self._table, Key=key, ConsistentRead=True
            )
        item = answer.get("Item")
        return read_connection(item) if item and self._is_alive(item) else None

    def subscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.subscribe`. Costs 2 write units in one request."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        shard = self._plan.shard(connection_id, topic)
        previous = self._plan.previous_shard(connection_id, topic)
        expires_at = self._expiry()
        writes = [
            put(topic_item(connection_id, topic, shard, expires_at)),
            put(subscriber_item(connection_id, topic, shard, expires_at)),
        ]
        if previous != shard:
            writes.append(delete(subscriber_key(connection_id, topic, previous)))
        self._write(writes)

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`. Costs 2 write units."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        # The item says which shard the subscription went to, whatever the plan was.
        old = self._delete(topic_key(connection_id, topic))
        shard = read_shard(old) if old else self._plan.shard(connection_id, topic)
        self._delete(subscriber_key(connection_id, topic, shard))

    def topics(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.topics`. Costs 1 read unit for each 4 KB."""
        return self._live_topics(self._items_of(check_connection_id(connection_id)))

    def subscribers(self, topic: str) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`.

        Costs half a read unit for each 4 KB: about 6.5 for 1,000 subscribers of a
        topic with 10 characters. Shards are read at the same time, and the next page
        of each while one is used.
        """
        return self._ids(validate_topic(topic), self.whole(topic))

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """See `SegmentedStore.whole`. Costs nothing."""
        return tuple(map(Segment, self._plan.readable(validate_topic(topic))))

    def segments(
        self, topic: str, size: int, within: Iterable[Segment]
    ) -> Iterator[Segment]:
        """See `SegmentedStore.segments`. Costs as much as `subscribers`."""
        topic = validate_topic(topic)
        check_segment_size(size)
        parts = list(within)
        return split(parts, size, self._pages(topic, parts))

    def segment(self, topic: str, segment: Segment) -> Iterator[str]:
        """See `SegmentedStore.segment`. Costs half a read unit for each 4 KB."""
        return self._ids(validate_topic(topic), (segment,))

    def mark_ready(self, connection_id: str) -> bool:
        """See `ReadyStore.mark_ready`. Costs 1 write unit."""
        key = ready_key(check_connection_id(connection_id))
        item = {**key, "expires_at": {"N": str(self._expiry())}}
        try:
            with translated("PutItem", self._table):
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    # What has expired may be there for days.
                    ConditionExpression=(
                        "attribute_not_exists(pk) OR expires_at <= :now"
                    ),
                    ExpressionAttributeValues={":now": {"N": repr(self._now())}},
                )
        except StoreError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def unmark_ready(self, connection_id: str) -> None:
        """See `ReadyStore.unmark_ready`. Costs 1 write unit."""
        self._delete(ready_key(check_connection_id(connection_id)))

    def prune(self, connection_ids: Iterable[str]) -> None:
        """See `SubscriptionStore.prune`. Costs as much as disconnecting each."""
        from concurrent.futures import (  # noqa: PLC0415 - connecting prunes nothing
            ThreadPoolExecutor,
        )

        # A batch must not name an item twice.
        ids = list(dict.fromkeys(map(check_connection_id, connection_ids)))
        with ThreadPoolExecutor(MAX_PRUNE_THREADS, "wspubsub-prune") as pool:
            found = pool.map(self._items_of, ids)
            self._write(write for items in found for write in deletions(items))

    def _items_of(self, connection_id: str) -> list[Item]:
        # Strongly consistent: what was subscribed a moment ago must be found.
        request = {"ConsistentRead": True}
        partition = connection_partition(connection_id)
        page = self._query(partition, None, request)
        items = page.items
        while page.next_key is not None:
            page = self._query(partition, page.next_key, request)
            items = items + page.items
        return items

    def _ids(self, topic: str, segments: Sequence[Segment]) -> Iterator[str]:
        return (
            connection_id
            for _, ids in self._pages(topic, segments)
            for connection_id in ids
        )

    def _pages(
        self, topic: str, segments: Sequence[Segment]
    ) -> Iterator[tuple[Segment, list[str]]]:
        read = partial(self._subscriber_page, topic)
        for segment, items in read_ahead(segments, read):
            yield segment, [item["sk"]["S"] for item in items]

    def _subscriber_page(
        self, topic: str, segment: Segment, start: StartKey | None
    ) -> Page:
        # Neither the filter nor the projection saves read units, but a page without
        # the key that all its items share is half as long to send and to parse.
        condition, values = sort_key_range(segment.after, segment.until)
        request = {
            "FilterExpression": "expires_at > :now",
            "ProjectionExpression": "sk",
            "ExpressionAttributeValues": {":now": {"N": repr(self._now())}, **values},
        }
        partition = topic_partition(topic, segment.shard)
        page = self._query(partition, start, request, condition)
        if segment.after is None:
            return page
        # A range of sort keys has both its ends in it.
        items = [item for item in page.items if item["sk"]["S"] != segment.after]
        return Page(items, page.next_key)

    def _query(
        self,
        partition: str,
        start: StartKey | None,
        request: dict[str, Any],
        condition: str = "",
    ) -> Page:
        values = {
            ":pk": {"S": partition},
            **request.get("ExpressionAttributeValues", {}),
        }
        request = {
            **request,
            "TableName": self._table,
            "KeyConditionExpression": f"pk = :pk{condition}",
            "ExpressionAttributeValues": values,
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        with translated("Query", self._table):
            answer = self._client.query(**request)
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))

    def _delete(self, key: Item) -> Item | None:
        with translated("DeleteItem", self._table):
            answer = self._client.delete_item(
                TableName=self._table, Key=key, ReturnValues="ALL_OLD"
            )
        old: Item | None = answer.get("Attributes")
        return old

    def _live_topics(self, items: Iterable[Item]) -> frozenset[str]:
        topics = (read_topic(item) for item in items if self._is_alive(item))
        return frozenset(topic for topic in topics if topic is not None)

    def _is_alive(self, item: Item) -> bool:
        # DynamoDB deletes expired items within days, so readers must leave them out.
        return float(item["expires_at"]["N"]) > self._now()

    def _expiry(self) -> int:
        # DynamoDB deletes only what is expired in whole seconds.
        return math.ceil(self._now() + self._ttl_seconds)

    def _write(self, writes: Iterable[Write]) -> None:
        write_all(self._client, self._table, writes, sleep=self._sleep)
