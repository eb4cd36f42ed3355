"""Forgetting connections: what is deleted first, and who may report a leave.

A topic's side of a subscription is deleted before the connection's side, so whatever
stops in between leaves the side that names the other. Where a publish has found the
connection, that topic's side goes last of all: the next publish finds it again and
goes on.

The connection's side is deleted by itself, as only DeleteItem returns what it deleted:
whoever gets it may say that the connection has left the topic, and nobody else.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import NamedTuple

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import (
    Item,
    Write,
    delete,
    is_ever_present,
    is_gone,
    is_live,
    key_of,
    presence_key,
    read_shard,
    read_topic,
    subscriber_key,
)
from wspubsub.dynamodb.shards import ShardPlan
from wspubsub.errors import StoreError
from wspubsub.sidebyside import run_each

log = logging.getLogger("wspubsub")

CHUNK = 25
"""How many subscriptions are ended side by side."""


class Left(NamedTuple):
    """A connection, and a topic that it has left.

    Attributes:
        connection_id: The connection.
        topic: The topic.
        presence: The item by which it was shown as present, if this is about that.
        record: The record of the connection, if this is about its session.
    """

    connection_id: str
    topic: str = ""
    presence: Item | None = None
    record: Item | None = None


class _Step(NamedTuple):
    """What is deleted before and after a connection's side of a subscription."""

    connection_id: str
    before: list[Write]
    topic: str = ""
    topic_item: Item | None = None
    presence: Item | None = None
    after: Sequence[Write] = ()


class Removal:
    """Forgets connections.

    Args:
        table: The table.
        plan: Where subscriptions are.
        now: Clock, in seconds since the epoch.
        has_presence: Whether connections may be shown as present, so that this ends
            with them even where nothing else is left that says so.
    """

    def __init__(
        self,
        table: TableAccess,
        plan: ShardPlan,
        now: Callable[[], float],
        *,
        has_presence: bool = False,
    ) -> None:
        self._table = table
        self._plan = plan
        self._now = now
        self._has_presence = has_presence

    def run(
        self,
        connections: Mapping[str, list[Item]],
        *,
        topic: str | None = None,
        is_over: Callable[[], bool],
        ended: list[Left],
    ) -> None:
        """Delete everything that is stored about connections.

        Args:
            connections: The items of each.
            topic: Topic that they were found in; it comes last.
            is_over: Whether to stop, asked time and again.
            ended: Takes who has left which topic, at the moment when that is deleted:
                whatever fails afterward, nobody else can report it.

        Raises:
            StoreError: Not all could be deleted.
        """
        steps = (
            step
            for connection_id, items in connections.items()
            for step in self._steps(connection_id, items, topic)
        )
        while not is_over() and (chunk := list(islice(steps, CHUNK))):
            self._take(chunk, ended)

    def _steps(
        self, connection_id: str, items: list[Item], topic: str | None
    ) -> Iterator[_Step]:
        topics = {read_topic(item): item for item in items}
        found = None if topic is None else topics.pop(topic, None)
        for name, item in topics.items():
            if name is not None:
                sides = self._sides(connection_id, name, item)
                presence = self._presence(connection_id, name, item)
                yield _Step(connection_id, sides, name, item, presence)
        others = [
            delete(key_of(item))
            for item in items
            if read_topic(item) is None and not is_gone(item)
        ]
        if topic is None:
            yield _Step(connection_id, others)
        else:
            sides = self._sides(connection_id, topic, found)
            presence = self._presence(connection_id, topic, found)
            yield _Step(connection_id, others, topic, found, presence, sides)

    def _sides(self, connection_id: str, topic: str, item: Item | None) -> list[Write]:
        return [
            delete(subscriber_key(connection_id, topic, shard))
            for shard in self._shards(connection_id, topic, item)
        ]

    def _presence(
        self, connection_id: str, topic: str, item: Item | None
    ) -> Item | None:
        """Return the key of what may show a connection as present in a topic."""
        may_be = self._has_presence if item is None else is_ever_present(item)
        return presence_key(connection_id, topic) if may_be else None

    def _shards(self, connection_id: str, topic: str, item: Item | None) -> set[int]:
        shards = self._plan.writable(connection_id, topic)
        return shards if item is None else shards | {read_shard(item)}

    def _take(self, chunk: list[_Step], ended: list[Left]) -> None:
        self._table.write(write for step in chunk for write in step.before)
        ends = [step for step in chunk if step.topic_item or step.presence]
        run_each(partial(self._end, ended), ends)
        self._table.write(write for step in chunk for write in step.after)

    def _end(self, ended: list[Left], step: _Step) -> None:
        # The connection's side last: it says that there is a presence to end.
        if step.presence is not None:
            shown = self._table.delete(step.presence)
            if shown is not None and is_live(shown, self._now()):
                ended.append(Left(step.connection_id, step.topic, shown))
        if step.topic_item is None:
            return
        old = self._table.delete(key_of(step.topic_item))
        if old is not None and is_live(old, self._now()):
            ended.append(Left(step.connection_id, step.topic))


def group(ended: Sequence[Left]) -> dict[str, frozenset[str]]:
    """Return which topics each connection has left."""
    left: dict[str, set[str]] = {}
    for connection_id, topic, presence, record in ended:
        if presence is None and record is None:
            left.setdefault(connection_id, set()).add(topic)
    return {connection_id: frozenset(topics) for connection_id, topics in left.items()}


def group_presences(ended: Sequence[Left]) -> dict[str, dict[str, Item]]:
    """Return the items by which connections were shown as present, by topic."""
    presences: dict[str, dict[str, Item]] = {}
    for connection_id, topic, presence, _ in ended:
        if presence is not None:
            presences.setdefault(connection_id, {})[topic] = presence
    return presences


@contextmanager
def report_ended(ended: Sequence[Left]) -> Iterator[None]:
    """Log an error instead of raising it once somebody has left, or has ended.

    Nobody would ever hear of them otherwise. What remains is found gone by the next
    publish.
    """
    try:
        yield
    except StoreError:
        if not ended:
            raise
        log.warning("could not forget all the connections", exc_info=True)
