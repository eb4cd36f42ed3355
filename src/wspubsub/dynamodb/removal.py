"""Forgetting connections: what is deleted first, and who may report a leave.

A topic's side of a subscription is deleted before the connection's side, so whatever
stops in between leaves the side that names the other. Where a publish has found the
connection, that topic's side goes last of all: the next publish finds it again and
goes on.

The connection's side is deleted by itself, as only DeleteItem returns what it deleted:
whoever gets it may say that the connection has left the topic, and nobody else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import (
    Item,
    Write,
    delete,
    is_live,
    key_of,
    read_shard,
    read_topic,
    subscriber_key,
)
from wspubsub.dynamodb.shards import ShardPlan

MAX_THREADS = 8
CHUNK = 25
"""How many subscriptions are ended side by side."""

Ended = tuple[str, str]
"""A connection, and a topic that it has left."""

InT = TypeVar("InT")
OutT = TypeVar("OutT")


class _Step(NamedTuple):
    """What is deleted before and after a connection's side of a subscription."""

    connection_id: str
    before: list[Write]
    topic_item: Item | None = None
    after: Sequence[Write] = ()


class Removal:
    """Forgets connections.

    Args:
        table: The table.
        plan: Where subscriptions are.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self, table: TableAccess, plan: ShardPlan, now: Callable[[], float]
    ) -> None:
        self._table = table
        self._plan = plan
        self._now = now

    def run(
        self,
        connections: Mapping[str, list[Item]],
        *,
        topic: str | None = None,
        is_over: Callable[[], bool],
        ended: list[Ended],
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
                yield _Step(connection_id, self._sides(connection_id, name, item), item)
        others = [delete(key_of(item)) for item in items if read_topic(item) is None]
        if topic is None:
            yield _Step(connection_id, others)
        else:
            sides = self._sides(connection_id, topic, found)
            yield _Step(connection_id, others, found, sides)

    def _sides(self, connection_id: str, topic: str, item: Item | None) -> list[Write]:
        shards = self._plan.writable(connection_id, topic)
        if item is not None:
            shards.add(read_shard(item))
        return [delete(subscriber_key(connection_id, topic, each)) for each in shards]

    def _take(self, chunk: list[_Step], ended: list[Ended]) -> None:
        self._table.write(write for step in chunk for write in step.before)
        ends = [step for step in chunk if step.topic_item is not None]
        run_each(partial(self._end, ended), ends)
        self._table.write(write for step in chunk for write in step.after)

    def _end(self, ended: list[Ended], step: _Step) -> None:
        old = self._table.delete(key_of(step.topic_item or {}))
        if old is not None and is_live(old, self._now()):
            ended.append((step.connection_id, str(read_topic(old))))


def group(ended: Sequence[Ended]) -> dict[str, frozenset[str]]:
    """Return which topics each connection has left."""
    left: dict[str, set[str]] = {}
    for connection_id, topic in ended:
        left.setdefault(connection_id, set()).add(topic)
    return {connection_id: frozenset(topics) for connection_id, topics in left.items()}


def run_each(function: Callable[[InT], OutT], values: Iterable[InT]) -> list[OutT]:
    """Return a function's result for each value; several run side by side."""
    values = list(values)
    if len(values) <= 1:
        return list(map(function, values))
    # Not at the top: connecting forgets nobody.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(MAX_THREADS, "wspubsub-prune") as pool:
        return list(pool.map(function, values))
