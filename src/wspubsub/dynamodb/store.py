"""Subscriptions in one DynamoDB table, without an index and without a Scan.

What can remain when calls race: a subscription made while its connection is being
disconnected may outlive it, in whole or in part. The next publish finds the connection
gone and prunes it, and the time to live ends it in any case.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.client import CONDITION_FAILED, DynamoDBClient, choose_client
from wspubsub.dynamodb.items import (
    Item,
    Written,
    connection_item,
    connection_key,
    connection_partition,
    is_live,
    live_topics,
    read_api,
    read_connection,
    read_topic,
    read_written_at,
    ready_item,
    ready_key,
)
from wspubsub.dynamodb.shards import ShardPlan, Shards
from wspubsub.errors import StoreError, UsageError
from wspubsub.events import Connection
from wspubsub.sidebyside import run_each
from wspubsub.subscriptions.port import (
    TTL_SECONDS,
    Pruned,
    Segment,
    check_api,
    check_connection,
    check_connection_id,
    check_max_topics,
    check_segment_size,
    check_topics,
    check_ttl,
    is_young,
)
from wspubsub.topics import validate_topic

if TYPE_CHECKING:
    from wspubsub.dynamodb.pairs import Pairs
    from wspubsub.dynamodb.removal import Left, Removal
    from wspubsub.dynamodb.subscribers import Subscribers

PRUNE_SHARE = 0.8
"""The share of a prune's time after which it sends DynamoDB no more requests."""


class DynamoDBSubscriptionStore:
    """Who is connected and who subscribes to what, in a DynamoDB table.

    Args:
        table: Name of the table; `create_table` makes it.
        client: A `boto3.client("dynamodb")` of your own, or anything with its
            methods; it is used as it is.
        shards: Over how many partitions a topic's subscribers are spread, for all
            topics or by pattern of topic names. A partition takes 1,000 subscriptions
            a second; a publish reads up to 8 shards at once.
        previous_shards: What `shards` was before. Give it for as long as
            subscriptions made then may live (`ttl_seconds`), so that none is missed
            or seen twice.
        api: ID and stage of the API that this program posts through, such as
            `abcdef1234/prod`. Give it if several APIs, stages or Regions share the
            table: only connections of this one are pruned then, and those of which
            nothing is known.
        max_topics: How many topics a connection may be subscribed to. Calls of
            `subscribe` at the same time do not see each other's, so a client that
            insists can have a few more.
        ttl_seconds: How long an item lives.
        now: Clock, in seconds since the epoch.
        sleep: Waits before writes that DynamoDB left over are tried again.
        clock: Monotonic clock in seconds, for the time that a prune may take.

    Raises:
        UsageError: The table name is empty, a number is out of range, or no Region
            is known.
    """

    def __init__(
        self,
        table: str,
        *,
        client: DynamoDBClient | None = None,
        shards: Shards = 1,
        previous_shards: Shards | None = None,
        api: str | None = None,
        max_topics: int | None = None,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not table:
            raise UsageError(
                "the table name is missing; pass the name of the DynamoDB table"
            )
        self._table = TableAccess(choose_client(client), table, sleep=sleep)
        self._plan = ShardPlan(shards, previous_shards)
        self._api = check_api(api)
        self._max_topics = check_max_topics(max_topics)
        self._ttl_seconds = check_ttl(ttl_seconds)
        self._now = now
        self._clock = clock
        self._assemble()

    def _assemble(self) -> None:
        """Create the parts of stores that have more to do."""

    # A cold start for a `$connect` does without what comes later.

    @cached_property
    def _subscribers(self) -> "Subscribers":
        from wspubsub.dynamodb.subscribers import Subscribers

        return Subscribers(self._table, now=self._now, clock=self._clock)

    @cached_property
    def _pairs(self) -> "Pairs":
        from wspubsub.dynamodb.pairs import Pairs

        return Pairs(self._table, self._plan, self._api)

    @cached_property
    def _removal(self) -> "Removal":
        from wspubsub.dynamodb.removal import Removal

        return Removal(self._table, self._plan, self._now)

    def connect(self, connection: Connection) -> None:
        """See `SubscriptionStore.connect`. Costs 1 write unit."""
        connection = check_connection(connection)
        self._table.put(connection_item(connection, self._stamp()))

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.disconnect`.

        Costs 1 write unit, 2 for each topic, and 1 read unit for each 4 KB.
        """
        from wspubsub.dynamodb.removal import group

        connection_id = check_connection_id(connection_id)
        ended: list[Left] = []
        self._end_one(connection_id, self._items_of(connection_id), ended)
        return group(ended).get(connection_id, frozenset())

    def connection(self, connection_id: str) -> Connection | None:
        """See `SubscriptionStore.connection`. Costs 1 read unit."""
        item = self._table.get(connection_key(check_connection_id(connection_id)))
        return read_connection(item) if item and is_live(item, self._now()) else None

    def subscribe(self, connection_id: str, *topics: str) -> None:
        """See `SubscriptionStore.subscribe`.

        Costs 2 write units for each topic, and 1 read unit for each 4 KB of the
        connection's topics from the first to the last of these, by name. With
        `max_topics` it costs 1 read unit more for each 4 KB of all its topics.
        """
        connection_id = check_connection_id(connection_id)
        # A batch must not name an item twice.
        names = list(dict.fromkeys(map(validate_topic, topics)))
        if self._max_topics is not None:
            check_topics(names, self.topics(connection_id), self._max_topics)
        self._pairs.begin(connection_id, names, self._stamp())

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`. Costs 3 write units."""
        connection_id = check_connection_id(connection_id)
        self._pairs.end(connection_id, validate_topic(topic), self._stamp())

    def topics(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.topics`. Costs 1 read unit for each 4 KB."""
        items = self._items_of(check_connection_id(connection_id))
        return frozenset(
            str(read_topic(each)) for each in live_topics(items, self._now())
        )

    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`.

        Costs half a read unit for each 4 KB, or one if `consistent`: about 6.5, or 13,
        for 1,000 subscribers of a topic with 10 characters. Up to 8 shards are read at
        the same time, and the next page of each while one is used.
        """
        topic = validate_topic(topic)
        return self._subscribers.ids(
            topic, self.whole(topic), consistent=consistent, seconds=timeout_seconds
        )

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """See `SegmentedStore.whole`. Costs nothing."""
        return tuple(map(Segment, self._plan.readable(validate_topic(topic))))

    def segments(
        self,
        topic: str,
        size: int,
        within: Iterable[Segment],
        *,
        consistent: bool = False,
    ) -> Iterator[Segment]:
        """See `SegmentedStore.segments`. Costs as much as `subscribers`."""
        from wspubsub.dynamodb.segments import split

        topic = validate_topic(topic)
        check_segment_size(size)
        parts = list(within)
        pages = self._subscribers.pages(topic, parts, consistent=consistent)
        return split(parts, size, pages)

    def segment(
        self,
        topic: str,
        segment: Segment,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """See `SegmentedStore.segment`. Costs as much as `subscribers`."""
        return self._subscribers.ids(
            validate_topic(topic),
            (segment,),
            consistent=consistent,
            seconds=timeout_seconds,
        )

    def mark_ready(self, connection_id: str) -> bool:
        """See `ReadyStore.mark_ready`. Costs 1 write unit."""
        connection_id = check_connection_id(connection_id)
        try:
            self._table.put(
                ready_item(connection_id, self._stamp()),
                # What has expired may be there for days.
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues={":now": {"N": repr(self._now())}},
            )
        except StoreError as error:
            if error.code != CONDITION_FAILED:
                raise
            return False
        return True

    def unmark_ready(self, connection_id: str) -> None:
        """See `ReadyStore.unmark_ready`. Costs 1 write unit."""
        self._table.delete(ready_key(check_connection_id(connection_id)))

    def prune(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Pruned:
        """See `SubscriptionStore.prune`. Costs as much as disconnecting each."""
        from wspubsub.dynamodb.removal import group

        ended, young = self._end_all(connection_ids, topic, timeout_seconds)
        return Pruned(left=group(ended), young=young)

    def _end_one(
        self, connection_id: str, items: list[Item], ended: "list[Left]"
    ) -> None:
        """Forget a connection with its items."""
        from wspubsub.dynamodb.removal import report_ended

        with report_ended(ended):
            found = {connection_id: items}
            self._removal.run(found, is_over=lambda: False, ended=ended)

    def _end_all(
        self, connection_ids: Iterable[str], topic: str | None, seconds: float | None
    ) -> "tuple[list[Left], frozenset[str]]":
        """Forget connections that are gone; who has left, and who is too young."""
        from wspubsub.dynamodb.removal import report_ended
        from wspubsub.dynamodb.timeouts import run_within

        # A batch must not name an item twice.
        ids = list(dict.fromkeys(map(check_connection_id, connection_ids)))
        topic = None if topic is None else validate_topic(topic)
        young: set[str] = set()
        ended: list[Left] = []
        prune = partial(self._prune, ids, topic, young, ended)
        with report_ended(ended):
            # What is left of the time is for the answers to what was asked last.
            share = math.inf if seconds is None else PRUNE_SHARE * seconds
            run_within(seconds, partial(prune, self._clock() + share), "Query")
        return list(ended), frozenset(young)

    def _prune(
        self,
        ids: Sequence[str],
        topic: str | None,
        young: set[str],
        ended: "list[Left]",
        until: float,
    ) -> None:
        def is_over() -> bool:
            return self._clock() >= until

        found = {
            each: items
            for each, items in zip(ids, run_each(self._items_of, ids), strict=True)
            if not self._is_foreign(items)
        }
        young.update(each for each, items in found.items() if self._is_young(items))
        old = {each: items for each, items in found.items() if each not in young}
        found = self._before_removal(old, is_over, ended)
        self._removal.run(found, topic=topic, is_over=is_over, ended=ended)

    def _before_removal(
        self,
        found: dict[str, list[Item]],
        is_over: Callable[[], bool],  # noqa: ARG002 - for stores that take time here
        ended: "list[Left]",  # noqa: ARG002 - for stores that end something here
    ) -> dict[str, list[Item]]:
        """Return the items of connections that are removed next."""
        return found

    def _is_foreign(self, items: list[Item]) -> bool:
        if self._api is None:
            return False
        return any(read_api(item) not in {None, self._api} for item in items)

    def _is_young(self, items: list[Item]) -> bool:
        return is_young(read_written_at(items), self._now())

    def _items_of(self, connection_id: str) -> list[Item]:
        # Strongly consistent: what was subscribed a moment ago must be found.
        return self._table.all(connection_partition(connection_id))

    def _stamp(self) -> Written:
        now = self._now()
        # DynamoDB deletes only what is expired in whole seconds.
        return Written(now, math.ceil(now + self._ttl_seconds))
