"""Posting one message to many connections before a deadline, and pruning the gone."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from wspubsub.connections import Connections, PostOutcome
from wspubsub.errors import StoreTimeoutError, UsageError, WspubsubError
from wspubsub.reports import PublishError, PublishReport, Tally
from wspubsub.subscriptions.port import Pruned, SubscriptionStore

OnGone = Callable[[str, frozenset[str]], object]
"""Called with a connection that was pruned, and the topics that it left by that."""


class Prune(Protocol):
    """Forgets connections that are gone, as `SubscriptionStore.prune` does."""

    def __call__(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Pruned:
        """Forget them, and return what each has left."""
        ...


log = logging.getLogger("wspubsub")

TIMEOUT_SECONDS = 25.0
"""A WebSocket integration may take 29 s at most (API Gateway quota)."""

RESERVE_SECONDS = 1.0
"""Part of the timeout that is reserved for pruning and for returning."""

PRUNE_CHUNK = 100


class Budget:
    """The time that a call may take, with two instants at which something ends.

    ::

        now                       posting_until             the end
         ├── reading and posting ───────┼── pruning, returning ─┤
                                        └─────── reserve ───────┘

    Posting ends early, so that gone connections can be pruned, and the report
    returned, before Lambda or API Gateway ends the call. The work after the posts may
    take all that is left.

    Args:
        clock: Monotonic clock in seconds.
        seconds: How long from now.
        reserve_seconds: Part of it that is kept for what follows the posts.

    Attributes:
        clock: As given.
        posting_until: Instant of the clock at which posting ends.
    """

    __slots__ = ("_until", "clock", "posting_until")

    def __init__(
        self, clock: Callable[[], float], seconds: float, reserve_seconds: float
    ) -> None:
        self.clock = clock
        self._until = clock() + seconds
        self.posting_until = self._until - min(reserve_seconds, seconds / 2)

    def seconds_left(self) -> float:
        """Return how much time is left, or 0."""
        return max(0.0, self._until - self.clock())

    def posting_seconds_left(self) -> float:
        """Return how much time is left for reading and posting, or 0."""
        return max(0.0, self.posting_until - self.clock())

    def is_spent(self) -> bool:
        """Return whether no time is left at all."""
        return self.clock() >= self._until


class Delivery:
    """Delivers messages to connections.

    Args:
        store: Where gone connections are pruned.
        connections: How a message reaches a connection.
        timeout_seconds: Longest time a call may take in all, if it does not say.
        reserve_seconds: Part of that time that is kept for pruning.
        clock: Monotonic clock in seconds.
        on_gone: Told of each connection that was pruned or closed.

    Raises:
        UsageError: A time is not a number of seconds, or the timeout is 0.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        connections: Connections,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reserve_seconds: float = RESERVE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        on_gone: OnGone | None = None,
    ) -> None:
        self.store = store
        self.connections = connections
        self._on_gone = on_gone
        _check_times(timeout_seconds, reserve_seconds)
        self._timeout_seconds = timeout_seconds
        self._reserve_seconds = reserve_seconds
        self._clock = clock
        self._heard: Callable[[PostOutcome], object] | None = None
        self._prune: Prune = store.prune

    def report_to(self, heard: Callable[[PostOutcome], object]) -> "Delivery":
        """Return a delivery like this one that reports each post as it ends."""
        return self._copy(_heard=heard)

    def prune_with(self, prune: Prune) -> "Delivery":
        """Return a delivery like this one that prunes differently."""
        return self._copy(_prune=prune)

    def _copy(self, **changes: object) -> "Delivery":
        twin = object.__new__(Delivery)
        vars(twin).update(vars(self), **changes)
        return twin

    def budget(
        self, seconds: float | None, *, longest_default: float = math.inf
    ) -> Budget:
        """Return the time that a call may take.

        Args:
            seconds: What it asks for. None, or infinity where nobody knows how much
                time there is, for the default.
            longest_default: What the default is cut to.
        """
        if seconds is None or not seconds < math.inf:
            seconds = min(self._timeout_seconds, longest_default)
        return Budget(self._clock, max(0.0, seconds), self._reserve_seconds)

    def deliver(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        topic: str | None,
        exclude: frozenset[str],
        budget: Budget,
        patience_seconds: float | None = None,
    ) -> PublishReport:
        """Post a message to each connection, once.

        It ends in its time. Connections that are read page by page are read until the
        posts must end; what is left of the time is for pruning.

        Args:
            connection_ids: Connections to post to.
            data: What to post.
            topic: Topic whose subscribers they are; None if they are of none.
            exclude: Connections among them that are left out.
            budget: The time that it may take.
            patience_seconds: How long those that fail are tried again, as in
                `Connections.post_many`.

        Raises:
            PublishError: Reading the IDs or posting failed halfway.
        """
        tally = Tally()
        reading = _Reading(connection_ids, exclude, budget, tally)
        stopped: WspubsubError | None = None
        try:
            for outcome in self._post(reading, data, budget, patience_seconds):
                tally.add(outcome)
                if self._heard is not None:
                    self._heard(outcome)
        except WspubsubError as error:
            stopped = error
        stopped = stopped or reading.stopped
        report = tally.report(self.prune(tally.gone, topic, budget))
        if stopped is not None:
            raise PublishError(stopped, report) from stopped
        return report

    def _post(
        self,
        ids: Iterable[str],
        data: bytes,
        budget: Budget,
        patience_seconds: float | None,
    ) -> Iterator[PostOutcome]:
        until = budget.posting_until
        if patience_seconds is None:
            return self.connections.post_many(ids, data, deadline=until)
        return self.connections.post_many(
            ids, data, deadline=until, patience_seconds=patience_seconds
        )

    def prune(
        self, gone: list[str], topic: str | None, budget: Budget
    ) -> frozenset[str]:
        """Prune connections that are gone, and return those that are too young to be.

        Args:
            gone: The connections.
            topic: Topic whose subscribers they are; None if they are of none.
            budget: The time that it may take.
        """
        # What cannot be pruned now is found gone by the next publish, so neither an
        # error nor the end of the time may hide what became of the message.
        young: set[str] = set()
        left: dict[str, frozenset[str]] = {}
        for start in range(0, len(gone), PRUNE_CHUNK):
            if budget.is_spent():
                log.warning(
                    "no time left to prune %d gone connections", len(gone) - start
                )
                break
            try:
                pruned = self._prune(
                    gone[start : start + PRUNE_CHUNK],
                    topic=topic,
                    timeout_seconds=budget.seconds_left(),
                )
            except WspubsubError:
                log.warning("could not prune gone connections", exc_info=True)
                break
            young |= pruned.young
            left.update(pruned.left)
        # After all of them: if it publishes, none of these is found gone once more.
        self._tell(left)
        return frozenset(young)

    def forget(self, connection_id: str) -> None:
        """Forget a connection of any age.

        Raises:
            StoreError: It could not be forgotten.
        """
        topics = self.store.disconnect(connection_id)
        if topics:
            self._tell({connection_id: topics})

    def _tell(self, left: Mapping[str, frozenset[str]]) -> None:
        if self._on_gone is None:
            return
        for connection_id, topics in left.items():
            try:
                self._on_gone(connection_id, topics)
            except Exception:
                log.exception("on_gone failed for connection %s", connection_id)


def _check_times(timeout_seconds: object, reserve_seconds: object) -> None:
    # Without time nothing would ever be sent, and without an end nothing would end.
    if not _is_time(timeout_seconds) or not timeout_seconds:
        raise UsageError(
            "timeout_seconds must be a number greater than 0, not "
            f"{timeout_seconds!r:.80}"
        )
    if not _is_time(reserve_seconds):
        raise UsageError(
            f"reserve_seconds must be a number, 0 or more, not {reserve_seconds!r:.80}"
        )


def _is_time(seconds: object) -> bool:
    return isinstance(seconds, int | float) and 0 <= seconds < math.inf


class _Reading:
    """The connections that a message is for, as far as there is time to read them.

    An error while they are read ends them and nothing else: whoever has been read
    already gets the message, or at least an outcome.

    Attributes:
        stopped: The error that ended it, None if none has.
    """

    def __init__(
        self,
        connection_ids: Iterable[str],
        excluded: frozenset[str],
        budget: Budget,
        tally: Tally,
    ) -> None:
        self.stopped: WspubsubError | None = None
        self._ids = connection_ids
        self._excluded = excluded
        self._budget = budget
        self._tally = tally

    def __iter__(self) -> Iterator[str]:
        try:
            yield from self._read_ids()
        except StoreTimeoutError as error:
            self._tally.leave_unread(str(error))
        except WspubsubError as error:
            self.stopped = error

    def _read_ids(self) -> Iterator[str]:
        # What has been read already comes out as deferred, each by its name.
        until = math.inf
        if not isinstance(self._ids, Sequence):
            until = self._budget.posting_until
        clock, excluded = self._budget.clock, self._excluded
        for connection_id in self._ids:
            if clock() >= until:
                self._tally.leave_unread("the time ran out")
                return
            if connection_id not in excluded:
                yield connection_id
