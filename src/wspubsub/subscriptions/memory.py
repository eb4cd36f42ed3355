"""The subscription store in memory, for tests and single-process programs."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from wspubsub.events import Connection
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


class _Written(NamedTuple):
    """When a record was written, and when it expires."""

    at: float
    expires_at: float


class MemorySubscriptionStore:
    """A subscription store for tests and single-process programs.

    It is safe to use from several threads. It does not outlive the process and is not
    shared between Lambda environments: use `DynamoDBSubscriptionStore` there.

    Args:
        api: ID and stage of the API that this program posts through, such as
            `abcdef1234/prod`: connections that were recorded as another one's are not
            pruned.
        max_topics: How many topics a connection may be subscribed to.
        ttl_seconds: How long a record lives.
        now: Clock, in seconds since the epoch.

    Raises:
        UsageError: A number is out of range.
    """

    def __init__(
        self,
        *,
        api: str | None = None,
        max_topics: int | None = None,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api = check_api(api)
        self._max_topics = check_max_topics(max_topics)
        self._ttl_seconds = check_ttl(ttl_seconds)
        self._now = now
        self._lock = threading.Lock()
        self._connections: dict[str, tuple[Connection, _Written]] = {}
        self._ready: dict[str, _Written] = {}
        self._topics: dict[str, dict[str, _Written]] = {}
        self._subscribers: dict[str, dict[str, _Written]] = {}
        self._next_sweep = now() + ttl_seconds

    def connect(self, connection: Connection) -> None:
        """See `SubscriptionStore.connect`."""
        connection = check_connection(connection)
        with self._lock:
            self._sweep()
            self._connections[connection.id] = (connection, self._stamp())

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.disconnect`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            return self._forget(connection_id)

    def connection(self, connection_id: str) -> Connection | None:
        """See `SubscriptionStore.connection`."""
        with self._lock:
            found = self._connections.get(check_connection_id(connection_id))
            return found[0] if found and self._is_alive(found[1]) else None

    def subscribe(self, connection_id: str, *topics: str) -> None:
        """See `SubscriptionStore.subscribe`."""
        connection_id = check_connection_id(connection_id)
        names = [validate_topic(topic) for topic in topics]
        with self._lock:
            self._sweep()
            current = self._alive(self._topics.get(connection_id, {}))
            check_topics(names, current, self._max_topics)
            written = self._stamp()
            for topic in names:
                self._topics.setdefault(connection_id, {})[topic] = written
                self._subscribers.setdefault(topic, {})[connection_id] = written

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        with self._lock:
            self._remove(connection_id, topic)

    def topics(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.topics`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            return frozenset(self._alive(self._topics.get(connection_id, {})))

    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,  # noqa: ARG002 - it always is
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`."""
        topic = validate_topic(topic)
        with self._lock:
            return iter(self._alive(self._subscribers.get(topic, {})))

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """See `SegmentedStore.whole`."""
        validate_topic(topic)
        return (Segment(0),)

    def segments(
        self,
        topic: str,
        size: int,
        within: Iterable[Segment],
        *,
        consistent: bool = False,
    ) -> Iterator[Segment]:
        """See `SegmentedStore.segments`."""
        check_segment_size(size)
        for whole in within:
            ids = list(self.segment(topic, whole, consistent=consistent))
            cuts = [whole.after, *ids[size - 1 : -1 : size], whole.until]
            if ids:
                yield from map(Segment, repeat(whole.shard), cuts, cuts[1:])

    def segment(
        self,
        topic: str,
        segment: Segment,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> Iterator[str]:
        """See `SegmentedStore.segment`."""
        _, after, until = segment
        return (
            connection_id
            for connection_id in sorted(self.subscribers(topic, consistent=consistent))
            if (after is None or connection_id > after)
            and (until is None or connection_id <= until)
        )

    def mark_ready(self, connection_id: str) -> bool:
        """See `ReadyStore.mark_ready`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            marked = self._ready.get(connection_id)
            if marked is not None and self._is_alive(marked):
                return False
            self._sweep()
            self._ready[connection_id] = self._stamp()
            return True

    def unmark_ready(self, connection_id: str) -> None:
        """See `ReadyStore.unmark_ready`."""
        with self._lock:
            self._ready.pop(check_connection_id(connection_id), None)

    def prune(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> Pruned:
        """See `SubscriptionStore.prune`."""
        ids = frozenset(map(check_connection_id, connection_ids))
        if topic is not None:
            validate_topic(topic)
        with self._lock:
            old, young = self._judge(ids)
            left = {each: self._forget(each) for each in old}
        told = {each: topics for each, topics in left.items() if topics}
        return Pruned(left=told, young=young)

    def _judge(self, ids: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Return which connections may be forgotten, and which are too young."""
        ours = frozenset(each for each in ids if not self._is_foreign(each))
        young = frozenset(each for each in ours if self._is_young(each))
        return ours - young, young

    def _forget(self, connection_id: str) -> frozenset[str]:
        alive = frozenset(self._alive(self._topics.get(connection_id, {})))
        self._connections.pop(connection_id, None)
        self._ready.pop(connection_id, None)
        for topic in self._topics.pop(connection_id, {}):
            _remove(self._subscribers, topic, connection_id)
        return alive

    def _is_foreign(self, connection_id: str) -> bool:
        found = self._connections.get(connection_id)
        recorded = found[0].api if found else None
        return self._api is not None and recorded not in {None, self._api}

    def _is_young(self, connection_id: str) -> bool:
        written = [each.at for each in self._topics.get(connection_id, {}).values()]
        if connection_id in self._connections:
            written.append(self._connections[connection_id][1].at)
        if connection_id in self._ready:
            written.append(self._ready[connection_id].at)
        return is_young(written, self._now())

    def _sweep(self) -> None:
        # Nobody may ever ask for what has expired, and it must not pile up.
        now = self._now()
        if now < self._next_sweep:
            return
        self._next_sweep = now + self._ttl_seconds
        for connection_id, (_, written) in list(self._connections.items()):
            if not self._is_alive(written):
                del self._connections[connection_id]
        self._ready = {key: self._ready[key] for key in self._alive(self._ready)}
        for connection_id, topics in list(self._topics.items()):
            for topic in topics.keys() - set(self._alive(topics)):
                self._remove(connection_id, topic)

    def _remove(self, connection_id: str, topic: str) -> None:
        _remove(self._topics, connection_id, topic)
        _remove(self._subscribers, topic, connection_id)

    def _stamp(self) -> _Written:
        now = self._now()
        return _Written(now, now + self._ttl_seconds)

    def _alive(self, records: dict[str, _Written]) -> list[str]:
        now = self._now()
        return [key for key, written in records.items() if written.expires_at > now]

    def _is_alive(self, written: _Written) -> bool:
        return written.expires_at > self._now()


def _remove(index: dict[str, dict[str, _Written]], key: str, member: str) -> None:
    members = index.get(key, {})
    members.pop(member, None)
    if not members:
        index.pop(key, None)
