"""The two items of a subscription, kept consistent without a transaction.

The connection's side says what is true; the topic's side follows it. Whoever writes
the topic's side looks at the connection's side after that. If it has changed, a call
for the same subscription came in between, and the topic's side is written once more.
So of calls that overlap one wins, and both items are there or neither is.

A subscription that ends is first marked in the connection's side, which names the
topic's side until that is deleted: whatever stops in between can be done again.
"""

import os
from collections.abc import Iterator, Mapping, Sequence

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.client import CONDITION_FAILED
from wspubsub.dynamodb.items import (
    Item,
    Write,
    Written,
    connection_partition,
    delete,
    is_leaving,
    leaving_item,
    put,
    read_shard,
    read_topic,
    subscriber_item,
    subscriber_key,
    topic_item,
    topic_key,
)
from wspubsub.dynamodb.shards import ShardPlan
from wspubsub.errors import StoreError

_BETWEEN = " AND sk BETWEEN :first AND :last"


class Pairs:
    """Begins and ends subscriptions.

    Args:
        table: The table.
        plan: Where subscriptions go.
        api: API and stage of the connections, if the table is shared by several.
    """

    def __init__(self, table: TableAccess, plan: ShardPlan, api: str | None) -> None:
        self._table = table
        self._plan = plan
        self._api = api

    def begin(
        self, connection_id: str, topics: Sequence[str], written: Written
    ) -> None:
        """Make a connection a subscriber of topics, each of them named once."""
        # The connection's side first: a prune that finds the other looks at it.
        self._table.write(
            put(self._topic_item(connection_id, topic, written)) for topic in topics
        )
        self._follow(connection_id, dict.fromkeys(topics, True), written)

    def end(self, connection_id: str, topic: str, written: Written) -> None:
        """End a subscription."""
        mark = os.urandom(8).hex()
        item = self._topic_item(connection_id, topic, written)
        old = self._table.put(leaving_item(item, mark), ReturnValues="ALL_OLD")
        shards = self._plan.writable(connection_id, topic)
        if old is not None:
            shards.add(read_shard(old))
        self._table.write(
            delete(subscriber_key(connection_id, topic, shard)) for shard in shards
        )
        if not self._delete_marked(connection_id, topic, mark):
            changed = self._changes(connection_id, {topic: False})
            self._follow(connection_id, changed, written)

    def _topic_item(self, connection_id: str, topic: str, written: Written) -> Item:
        shard = self._plan.shard(connection_id, topic)
        return topic_item(connection_id, topic, shard, written, self._api)

    def _delete_marked(self, connection_id: str, topic: str, mark: str) -> bool:
        try:
            self._table.delete(
                topic_key(connection_id, topic),
                ConditionExpression="leaving = :mark",
                ExpressionAttributeValues={":mark": {"S": mark}},
            )
        except StoreError as error:
            if error.code != CONDITION_FAILED:
                raise
            return False
        return True

    def _follow(
        self, connection_id: str, states: Mapping[str, bool], written: Written
    ) -> None:
        while states:
            self._table.write(self._sides(connection_id, states, written))
            states = self._changes(connection_id, states)

    def _sides(
        self, connection_id: str, states: Mapping[str, bool], written: Written
    ) -> Iterator[Write]:
        for topic, is_subscribed in states.items():
            shards = self._plan.writable(connection_id, topic)
            if is_subscribed:
                shard = self._plan.shard(connection_id, topic)
                shards.remove(shard)
                yield put(
                    subscriber_item(connection_id, topic, shard, written.expires_at)
                )
            for shard in shards:
                yield delete(subscriber_key(connection_id, topic, shard))

    def _changes(
        self, connection_id: str, states: Mapping[str, bool]
    ) -> dict[str, bool]:
        """Return the topics whose state has changed meanwhile, with that state."""
        keys = sorted(topic_key(connection_id, topic)["sk"]["S"] for topic in states)
        items = self._table.all(
            connection_partition(connection_id),
            _BETWEEN,
            {":first": {"S": keys[0]}, ":last": {"S": keys[-1]}},
        )
        found = {read_topic(item) for item in items if not is_leaving(item)}
        return {
            topic: not was for topic, was in states.items() if (topic in found) != was
        }
