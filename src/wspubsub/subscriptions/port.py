"""Who is connected and who subscribes to what: the port.

`tests/contracts/test_store.py` is the contract that every implementation keeps.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from wspubsub.errors import MessageError, TooManyTopicsError, UsageError
from wspubsub.events import Connection
from wspubsub.records import Record

CONNECTION_SECONDS = 2 * 60 * 60
"""A connection lasts 2 hours at most (API Gateway quota, not adjustable)."""

TTL_SECONDS = CONNECTION_SECONDS + 10 * 60
"""How long a record lives by default: the longest connection and a margin for clocks
that differ and for a subscription made in the last moment."""

HANDSHAKE_SECONDS = 60.0
"""How old a connection must be before an answer 410 proves that it is gone.

Until its handshake has ended it is not there yet, and API Gateway answers 410 too. An
authorizer and the `$connect` integration may take 29 s each (API Gateway quota).
"""


class Pruned(Record):
    """What a prune did.

    Attributes:
        left: The topics that each connection has left by this call. A subscription's
            end is reported once at most, by `prune` or by `disconnect`; connections
            without any are not named.
        young: Connections that were left alone because they may still be in their
            handshake: the oldest of what the store has of them was written less than
            60 seconds ago.
    """

    left: Mapping[str, frozenset[str]] = MappingProxyType({})
    young: frozenset[str] = frozenset()


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
        """Forget a connection and return the topics that this call removed it from.

        It may be of any age. A topic is returned once at most, by this method or by
        `prune`, so whoever gets it may tell the others. If the store fails halfway,
        those that were left until then are returned; the next publish prunes the rest.
        """
        ...

    def connection(self, connection_id: str) -> Connection | None:
        """Return a recorded connection, or None if it is unknown or expired."""
        ...

    def subscribe(self, connection_id: str, *topics: str) -> None:
        """Make a connection a subscriber of topics.

        The connection need not be recorded: `connect` is for those who want to know
        who is there. Of a `subscribe` and an `unsubscribe` at the same time one wins.

        Raises:
            TooManyTopicsError: The connection would have more topics than the store's
                `max_topics`; it has been subscribed to none of these.
        """
        ...

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """End a subscription."""
        ...

    def topics(self, connection_id: str) -> frozenset[str]:
        """Return the topics that a connection is subscribed to."""
        ...

    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """Yield the connection IDs of a topic's subscribers, each once, in any order.

        Pages are read as they are consumed. A subscription that begins or ends
        meanwhile may or may not be seen.

        Args:
            topic: The topic.
            consistent: Whether every subscription that was made before the call is
                seen; if not, one that was made just before may be missed.
            timeout_seconds: How long, from the call on, the store may be waited for.

        Raises:
            StoreTimeoutError: The store did not answer in that time.
        """
        ...

    def prune(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Pruned:
        """Forget connections that are gone, with all their subscriptions.

        Those that may still be in their handshake are left alone.

        Args:
            connection_ids: The connections.
            topic: Topic that they were found in; they are removed from it even where
                only its side of the subscription is left.
            timeout_seconds: After how long to stop. What remains is found gone by
                the next publish.
        """
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
    """A subscription store whose topics can be read in segments.

    The segments of a topic together hold all its subscribers, each once. A
    subscription that begins or ends meanwhile may or may not be seen.
    """

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """Return segments that each hold a whole shard of a topic."""
        ...

    def segments(
        self,
        topic: str,
        size: int,
        within: Iterable[Segment],
        *,
        consistent: bool = False,
    ) -> Iterator[Segment]:
        """Split segments, those of one shard from its beginning to its end.

        Args:
            topic: The topic.
            size: How many subscribers a segment has at most, at the time of reading.
            within: What to split, at most one segment of a shard. The last part of
                each ends where it ends; one without subscribers has no parts.
            consistent: As in `subscribers`.
        """
        ...

    def segment(
        self,
        topic: str,
        segment: Segment,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """Yield the connection IDs of a segment's subscribers; see `subscribers`."""
        ...


class ReadyStore(SubscriptionStore, Protocol):
    """A subscription store that remembers which connections were greeted."""

    def mark_ready(self, connection_id: str) -> bool:
        """Remember that a connection is being greeted; False if it already was."""
        ...

    def unmark_ready(self, connection_id: str) -> None:
        """Forget that a connection was greeted, because greeting it failed."""
        ...


# API Gateway's have 16 bytes; the table's keys have room for 1,024.
_MAX_ID_BYTES = 256


def check_connection_id(connection_id: object) -> str:
    """Return a connection ID as plain text.

    Raises:
        MessageError: No connection has such an ID: it is empty, a step in a path, over
            256 bytes, or no Unicode text. So it is one that a client named.
        UsageError: It is not text.
    """
    if not isinstance(connection_id, str):
        raise UsageError(f"a connection ID must be text, not {connection_id!r:.80}")
    plain = str.__str__(connection_id)
    try:
        size = len(plain.encode())
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= _MAX_ID_BYTES or plain in {".", ".."}:
        raise MessageError(f"{plain!r:.80} is not the ID of a connection")
    return plain


def check_connection(connection: Connection) -> Connection:
    """Return a connection with plain text in it and attributes of its own.

    Raises:
        MessageError: No connection has such an ID.
        UsageError: An attribute or the principal is not Unicode text, or the time of
            the handshake is not a number.
    """
    at: object = connection.connected_at
    if not isinstance(at, int | float) or not math.isfinite(at):
        raise UsageError(f"connected_at must be a number of seconds, not {at!r:.80}")
    principal, api = connection.principal, connection.api
    return connection.__replace__(
        id=check_connection_id(connection.id),
        principal=None if principal is None else _check_text("principal", principal),
        api=None if api is None else _check_text("api", api),
        attributes={
            _check_text("name of an attribute", name): _check_text(
                f"attribute {name!r:.80}", value
            )
            for name, value in connection.attributes.items()
        },
    )


def _check_text(what: str, value: object) -> str:
    if isinstance(value, str):
        plain = str.__str__(value)
        # Halves of surrogate pairs come from JSON that a client wrote.
        if plain.isascii() or plain == plain.encode(errors="replace").decode():
            return plain
    raise UsageError(
        f"a connection's {what} must be Unicode text, not {value!r:.80}; convert "
        "it, or leave it out"
    )


def check_segment_size(size: int) -> None:
    """Raise if a segment cannot be of this size.

    Raises:
        UsageError: It is less than 1.
    """
    if size < 1:
        raise UsageError(f"a segment must have at least 1 subscriber, not {size}")


def is_young(written_at: Iterable[float], now: float) -> bool:
    """Return whether a connection may still be in its handshake.

    Args:
        written_at: When each record of the connection was written; none of them
            means that nothing is known of it, which makes it old.
        now: The time.
    """
    return now - min(written_at, default=-math.inf) < HANDSHAKE_SECONDS


def check_topics(
    topics: Iterable[str], current: Collection[str], max_topics: int | None
) -> None:
    """Raise if a connection cannot have more topics.

    Args:
        topics: What it is to be subscribed to.
        current: What it is subscribed to.
        max_topics: How many topics it may have; None for any number.

    Raises:
        TooManyTopicsError: There would be more.
    """
    added = set(topics).difference(current)
    if max_topics is not None and added and len(added) + len(current) > max_topics:
        raise TooManyTopicsError(max_topics)


def check_max_topics(max_topics: int | None) -> int | None:
    """Return how many topics a connection may have.

    Raises:
        UsageError: It is less than 1.
    """
    if max_topics is not None and max_topics < 1:
        raise UsageError(f"max_topics must be at least 1, not {max_topics}")
    return max_topics


def check_ttl(ttl_seconds: object) -> float:
    """Return a time to live.

    Raises:
        UsageError: It is not a number of seconds above 0.
    """
    if not isinstance(ttl_seconds, int | float) or not 0 < ttl_seconds < math.inf:
        raise UsageError(
            f"ttl_seconds must be a number greater than 0, not {ttl_seconds!r}"
        )
    return float(ttl_seconds)


def check_api(api: str | None) -> str | None:
    """Return the API that a program posts through.

    Raises:
        UsageError: It is not an API's ID and a stage: no connection would ever be
            found to belong to it.
    """
    if api is not None and [bool(part) for part in api.split("/")] != [True, True]:
        raise UsageError(
            "api must be the ID of an API and its stage, such as abcdef1234/prod, "
            f"not {api!r:.80}"
        )
    return api
