"""Who is connected and who listens to what: the port, and its in-memory form.

`tests/contracts/test_store.py` is the contract that every implementation keeps.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import NamedTuple, Protocol

from wspubsub.errors import UsageError
from wspubsub.events import Connection
from wspubsub.topics import validate_topic

CONNECTION_SECONDS = 2 * 60 * 60
"""A connection lasts 2 hours at most (API Gateway quota, not adjustable)."""

TTL_SECONDS = CONNECTION_SECONDS + 10 * 60
"""How long a record lives by default: the longest connection and a margin for clocks
that differ and for a subscription made in the last moment."""


class SubscriptionStore(Protocol):
    """Where connections and their subscriptions live.

    Every method may raise `StoreError`; those that take a topic raise `TopicError`
    for an illegal name. Repeating a call changes nothing. A record that is older than
    the store's time to live counts as absent.
    """

    def connect(self, connection: Connection) -> None:
        """Record a connection; its subscriptions, if it has any, stay."""
        ...

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """Forget a connection and return the topics it was subscribed to."""
        ...

    def connection(self, connection_id: str) -> Connection | None:
        """Return a recorded connection; None if it is unknown or expired."""
        ...

    def subscribe(self, connection_id: str, topic: str) -> None:
        """Make a connection a subscriber of a topic.

        The connection need not be recorded: `connect` is for those who want to know
        who is there.
        """
        ...

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """End a subscription."""
        ...

    def topics(self, connection_id: str) -> frozenset[str]:
        """Return the topics that a connection is subscribed to."""
        ...

    def subscribers(self, topic: str) -> Iterator[str]:
        """Yield the connection IDs of a topic's subscribers, each once, in no order.

        Pages are read as they are consumed. A subscription that begins or ends
        meanwhile may or may not be seen.
        """
        ...

    def prune(self, connection_ids: Iterable[str]) -> None:
        """Forget connections that are gone, with all their subscriptions."""
        ...


class Segment(NamedTuple):
    """A part of a topic's subscribers that can be read by itself.

    Attributes:
        shard: The shard.
        after: The connection ID that it begins behind; None for the shard's beginning.
        until: The last connection ID in it; None for the shard's end.
    """

    shard: int
    after: str | None = None
    until: str | None = None


class SegmentedStore(SubscriptionStore, Protocol):
    """A subscription store whose topics can be read in parts.

    The segments of a topic together hold all its subscribers, each once. A
    subscription that begins or ends meanwhile may or may not be seen.
    """

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """Return the segments that each hold all there is in a shard of a topic."""
        ...

    def segments(
        self, topic: str, size: int, within: Iterable[Segment]
    ) -> Iterator[Segment]:
        """Split segments, those of one shard from its beginning to its end.

        Args:
            topic: The topic.
            size: How many subscribers a segment has at most, at the time of reading.
            within: What to split, at most one segment of a shard. The last part of
                each ends where it ends; one without subscribers has no parts.
        """
        ...

    def segment(self, topic: str, segment: Segment) -> Iterator[str]:
        """Yield the connection IDs of a segment's subscribers, each once."""
        ...


class ReadyStore(SubscriptionStore, Protocol):
    """A subscription store that remembers which connections were greeted."""

    def mark_ready(self, connection_id: str) -> bool:
        """Remember that a connection is being greeted; False if it was before."""
        ...

    def unmark_ready(self, connection_id: str) -> None:
        """Forget that, because greeting it failed."""
        ...


def check_connection_id(connection_id: object) -> str:
    """Return a connection ID as plain text.

    Raises:
        UsageError: It is not text, or empty.
    """
    if not isinstance(connection_id, str) or not connection_id:
        raise UsageError(f"a connection ID is non-empty text, not {connection_id!r}")
    return str(connection_id)


def check_segment_size(size: int) -> None:
    """Raise if a segment cannot be of this size.

    Raises:
        UsageError: It is less than 1.
    """
    if size < 1:
        raise UsageError(f"a segment has at least 1 subscriber, not {size}")


class MemorySubscriptionStore:
    """A subscription store for tests and single-process programs.

    It is safe to use from several threads. It does not outlive the process and is not
    shared between Lambda environments: use `DynamoDBSubscriptionStore` there.

    Args:
        ttl_seconds: How long a record lives.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._now = now
        self._lock = threading.Lock()
        self._connections: dict[str, tuple[Connection, float]] = {}
        self._ready: dict[str, float] = {}
        self._topics: dict[str, dict[str, float]] = {}
        self._subscribers: dict[str, dict[str, float]] = {}
        self._next_sweep = now() + ttl_seconds

    def connect(self, connection: Connection) -> None:
        """See `SubscriptionStore.connect`."""
        check_connection_id(connection.id)
        with self._lock:
            self._sweep()
            self._connections[connection.id] = (connection, self._expiry())

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.disconnect`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            alive = self._alive(self._topics.get(connection_id, {}))
            self._connections.pop(connection_id, None)
            self._ready.pop(connection_id, None)
            for topic in self._topics.pop(connection_id, {}):
                _remove(self._subscribers, topic, connection_id)
            return frozenset(alive)

    def connection(self, connection_id: str) -> Connection | None:
        """See `SubscriptionStore.connection`."""
        with self._lock:
            found = self._connections.get(check_connection_id(connection_id))
            return found[0] if found and found[1] > self._now() else None

    def subscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.subscribe`."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        with self._lock:
            self._sweep()
            expiry = self._expiry()
            self._topics.setdefault(connection_id, {})[topic] = expiry
            self._subscribers.setdefault(topic, {})[connection_id] = expiry

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`."""
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        with self._lock:
            _remove(self._topics, connection_id, topic)
            _remove(self._subscribers, topic, connection_id)

    def topics(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.topics`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            return frozenset(self._alive(self._topics.get(connection_id, {})))

    def subscribers(self, topic: str) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`."""
        topic = validate_topic(topic)
        with self._lock:
            return iter(self._alive(self._subscribers.get(topic, {})))

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """See `SegmentedStore.whole`."""
        validate_topic(topic)
        return (Segment(0),)

    def segments(
        self, topic: str, size: int, within: Iterable[Segment]
    ) -> Iterator[Segment]:
        """See `SegmentedStore.segments`."""
        check_segment_size(size)
        for whole in within:
            ids = list(self.segment(topic, whole))
            cuts = [whole.after, *ids[size - 1 : -1 : size], whole.until]
            if ids:
                yield from map(Segment, repeat(whole.shard), cuts, cuts[1:])

    def segment(self, topic: str, segment: Segment) -> Iterator[str]:
        """See `SegmentedStore.segment`."""
        _, after, until = segment
        return (
            connection_id
            for connection_id in sorted(self.subscribers(topic))
            if (after is None or connection_id > after)
            and (until is None or connection_id <= until)
        )

    def mark_ready(self, connection_id: str) -> bool:
        """See `ReadyStore.mark_ready`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            is_new = connection_id not in self._ready
            if is_new:
                self._sweep()
                self._ready[connection_id] = self._expiry()
            return is_new

    def unmark_ready(self, connection_id: str) -> None:
        """See `ReadyStore.unmark_ready`."""
        with self._lock:
            self._ready.pop(check_connection_id(connection_id), None)

    def prune(self, connection_ids: Iterable[str]) -> None:
        """See `SubscriptionStore.prune`."""
        for connection_id in connection_ids:
            self.disconnect(connection_id)

    def _sweep(self) -> None:
        # Nobody may ever ask for what has expired, and it must not pile up.
        now = self._now()
        if now < self._next_sweep:
            return
        self._next_sweep = now + self._ttl_seconds
        for connection_id, (_, expires_at) in list(self._connections.items()):
            if expires_at <= now:
                del self._connections[connection_id]
        self._ready = {
            connection_id: expires_at
            for connection_id, expires_at in self._ready.items()
            if expires_at > now
        }
        for connection_id, topics in list(self._topics.items()):
            for topic, expires_at in list(topics.items()):
                if expires_at <= now:
                    _remove(self._topics, connection_id, topic)
                    _remove(self._subscribers, topic, connection_id)

    def _expiry(self) -> float:
        return self._now() + self._ttl_seconds

    def _alive(self, records: dict[str, float]) -> list[str]:
        now = self._now()
        return [key for key, expires_at in records.items() if expires_at > now]


def _remove(index: dict[str, dict[str, float]], key: str, member: str) -> None:
    members = index.get(key, {})
    members.pop(member, None)
    if not members:
        index.pop(key, None)
