"""Fan-out of a message to a topic's subscribers, with an honest account of it."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from wspubsub.connections import Connections, Outcome, PostOutcome
from wspubsub.errors import (
    ConnectionGoneError,
    ConnectionNotReadyError,
    UsageError,
    WspubsubError,
)
from wspubsub.events import PendingConnectionId
from wspubsub.messages import encode
from wspubsub.records import Record
from wspubsub.subscriptions import SubscriptionStore, check_connection_id
from wspubsub.topics import validate_topic

log = logging.getLogger("wspubsub")

TIMEOUT_SECONDS = 25.0
"""A WebSocket integration may take 29 s at most (API Gateway quota)."""

RESERVE_SECONDS = 1.0
"""Kept back of the time-out for pruning and for returning."""

PRUNE_CHUNK = 100


class PublishReport(Record):
    """What became of a message for each subscriber that was to get it.

    `delivered`, `gone`, `throttled`, `failed` and `deferred` together are exactly the
    subscribers, each counted once; a delivered one is only counted, so that the
    report stays small for any number of subscribers.

    Attributes:
        delivered: How many connections API Gateway took the message for.
        gone: Connections that no longer exist; they have been pruned.
        throttled: Connections whose posts were answered with 429 to the end.
        failed: Connections whose posts failed otherwise, and why.
        deferred: Connections that the deadline left untried.
        unread: True if the deadline came before all subscribers were read, so that
            `deferred` does not name them all.
    """

    delivered: int = 0
    gone: frozenset[str] = frozenset()
    throttled: frozenset[str] = frozenset()
    failed: Mapping[str, str] = MappingProxyType({})
    deferred: frozenset[str] = frozenset()
    unread: bool = False

    @property
    def is_complete(self) -> bool:
        """True if nobody who is still connected was left out."""
        return not (self.throttled or self.failed or self.deferred or self.unread)


class PublishError(WspubsubError):
    """A publish stopped half-way and can say nothing about the rest.

    The cause is the error that stopped it.

    Attributes:
        report: What had become of the subscribers until then.
    """

    def __init__(self, cause: WspubsubError, report: PublishReport) -> None:
        super().__init__(
            f"publish stopped after {report.delivered} deliveries: {cause}"
        )
        self.report = report


class Publisher:
    """Publishes messages to topics and posts them to single connections.

    Args:
        store: Who listens to what.
        connections: How a message reaches a connection.
        timeout_seconds: Longest time a call may take in all, if the call does not say.
        reserve_seconds: Part of that time that is kept for pruning.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        connections: Connections,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reserve_seconds: float = RESERVE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._connections = connections
        self._timeout_seconds = timeout_seconds
        self._reserve_seconds = reserve_seconds
        self._clock = clock

    def publish(
        self,
        topic: str,
        data: object,
        *,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a message to every subscriber of a topic.

        Args:
            topic: 1 to 256 bytes of UTF-8, no control characters.
            data: `str`, UTF-8 `bytes`, or JSON data; at most 131,072 bytes encoded.
            exclude: Connection IDs that are not to get it, such as the sender's.
            timeout_seconds: Longest time this call may take; give
                `event.remaining_seconds()` to stay inside the Lambda time-out.

        Raises:
            TopicError: The topic is not a legal name.
            MessageTooLargeError: The message has over 131,072 bytes; none was sent.
            UsageError: The data cannot be encoded, or `exclude` is a single text.
            PublishError: The store or the Management API failed half-way.
        """
        topic = validate_topic(topic)
        encoded = encode(data)
        if isinstance(exclude, str):
            raise UsageError("exclude takes a collection of connection IDs: {id}")
        budget = _Budget(
            self._clock, self._seconds(timeout_seconds), self._reserve_seconds
        )
        tally = _Tally()
        try:
            wanted = self._subscribers(topic, frozenset(exclude), budget, tally)
            for outcome in self._connections.post_many(
                wanted, encoded, deadline=budget.posting_until
            ):
                tally.add(outcome)
        except WspubsubError as error:
            raise PublishError(error, tally.report()) from error
        finally:
            self._prune(tally.gone, budget)
        return tally.report()

    def post(
        self,
        connection_id: str,
        data: object,
        *,
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a message to one connection, whatever it is subscribed to.

        Raises:
            ConnectionNotReadyError: The connection's `$connect` is being handled.
            MessageTooLargeError: The message has over 131,072 bytes; none was sent.
            UsageError: The data cannot be encoded.
            AccessDeniedError: The permission or the endpoint is wrong.
        """
        if isinstance(connection_id, PendingConnectionId):
            raise ConnectionNotReadyError(connection_id)
        connection_id = check_connection_id(connection_id)
        encoded = encode(data)
        budget = _Budget(
            self._clock, self._seconds(timeout_seconds), self._reserve_seconds
        )
        tally = _Tally()
        for outcome in self._connections.post_many(
            (connection_id,), encoded, deadline=budget.posting_until
        ):
            tally.add(outcome)
        self._prune(tally.gone, budget)
        return tally.report()

    def close(self, connection_id: str) -> None:
        """Close a connection and forget it; one that is gone already is only forgotten.

        Raises:
            AccessDeniedError: The permission or the endpoint is wrong.
            ManagementError: The connection could not be closed.
            StoreError: It could not be forgotten.
        """
        connection_id = check_connection_id(connection_id)
        try:
            self._connections.close(connection_id)
        except ConnectionGoneError:
            log.debug("connection %s was gone before it was closed", connection_id)
        self._store.prune((connection_id,))

    def _seconds(self, timeout_seconds: float | None) -> float:
        if timeout_seconds is None:
            return self._timeout_seconds
        return max(0.0, min(timeout_seconds, self._timeout_seconds))

    def _subscribers(
        self, topic: str, excluded: frozenset[str], budget: "_Budget", tally: "_Tally"
    ) -> Iterator[str]:
        for connection_id in self._store.subscribers(topic):
            if budget.is_spent():
                tally.unread = True
                return
            if connection_id not in excluded:
                yield connection_id

    def _prune(self, gone: list[str], budget: "_Budget") -> None:
        # What cannot be pruned now is found gone by the next publish, so neither an
        # error nor the end of the time may hide what became of the message.
        for start in range(0, len(gone), PRUNE_CHUNK):
            if budget.is_spent():
                log.warning("no time to prune %d gone connections", len(gone) - start)
                return
            try:
                self._store.prune(gone[start : start + PRUNE_CHUNK])
            except WspubsubError:
                log.warning("could not prune gone connections", exc_info=True)
                return


class _Budget:
    __slots__ = ("_clock", "_until", "posting_until")

    def __init__(
        self, clock: Callable[[], float], seconds: float, reserve_seconds: float
    ) -> None:
        self._clock = clock
        self._until = clock() + seconds
        self.posting_until = self._until - min(reserve_seconds, seconds / 2)

    def is_spent(self) -> bool:
        return self._clock() >= self._until


class _Tally:
    __slots__ = ("deferred", "delivered", "failed", "gone", "throttled", "unread")

    def __init__(self) -> None:
        self.delivered = 0
        self.gone: list[str] = []
        self.throttled: list[str] = []
        self.failed: dict[str, str] = {}
        self.deferred: list[str] = []
        self.unread = False

    def add(self, result: PostOutcome) -> None:
        connection_id, outcome, reason = result
        if outcome is Outcome.DELIVERED:
            self.delivered += 1
        elif outcome is Outcome.GONE:
            self.gone.append(connection_id)
        elif outcome is Outcome.THROTTLED:
            self.throttled.append(connection_id)
        elif outcome is Outcome.DEFERRED:
            self.deferred.append(connection_id)
        else:
            self.failed[connection_id] = reason

    def report(self) -> PublishReport:
        return PublishReport(
            delivered=self.delivered,
            gone=frozenset(self.gone),
            throttled=frozenset(self.throttled),
            failed=self.failed,
            deferred=frozenset(self.deferred),
            unread=self.unread,
        )
