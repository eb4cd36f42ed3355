"""Connections that accept no messages while others do: clients that do not read.

API Gateway answers 429 for a client whose buffer is full. A shard of a stream is
delivered one batch after another, so whoever waits for such a client makes everybody
wait. It is left out of the rest of the batch, gets what it missed at the end and in
order, and is given up after a few seconds. Its client sees the gap in the offsets, and
the log has what is missing.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wspubsub.eventsources.progress import RecordProgress
from wspubsub.eventsources.standing import read_topics
from wspubsub.eventsources.stream_changes import Change
from wspubsub.log.rules import LoggedMessage
from wspubsub.publisher import Publisher

log = logging.getLogger("wspubsub")

WAITS_SECONDS = (0.0, 1.0, 2.0, 4.0)
"""The wait before each attempt to let them catch up."""

ATTEMPT_SECONDS = 3.0
"""The time that an attempt with one message may take."""

SLOW_SECONDS = 60.0
"""How long a connection that was given up gets only one attempt for each batch."""

MAX_SLOW = 100
"""How many such connections are remembered; any others are tried with the rest."""


class Debt(NamedTuple):
    """A message that some connections still have to get.

    Attributes:
        change: The stream record that it came with.
        message: The message.
        progress: Who has still to get it.
    """

    change: Change
    message: LoggedMessage
    progress: RecordProgress


class Laggards:
    """Lets connections catch up with a batch, and remembers those that could not.

    Args:
        publisher: Posts to them.
        clock: Monotonic clock in seconds.
        sleep: Waits until the next attempt.
    """

    def __init__(
        self,
        publisher: Publisher,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._sleep = sleep
        self._slow: dict[str, float] = {}

    def list_slow(self) -> set[str]:
        """Return the connections that were given up a short time ago."""
        now = self._clock()
        self._slow = {id_: until for id_, until in self._slow.items() if until > now}
        return set(self._slow)

    def catch_up(
        self, debts: Sequence[Debt], seconds_left: Callable[[], float]
    ) -> list[Change]:
        """Deliver what is owed, and give up those that fail while others do not.

        Args:
            debts: What is owed, in the order of the stream.
            seconds_left: Returns how much time the function has.

        Returns:
            The records that the stream must bring again.

        Raises:
            WspubsubError: The store or the Management API failed.
        """
        before = _debtors(debts)
        for wait in WAITS_SECONDS:
            owing = [debt for debt in debts if debt.progress.left]
            if not owing or (wait and _debtors(owing) <= self._slow.keys()):
                break
            if seconds_left() <= wait:
                return [debt.change for debt in owing]
            if wait:
                self._sleep(wait)
            self._attempt(owing, seconds_left)
        for connection_id in before - _debtors(debts):
            self._slow.pop(connection_id, None)
        return self._give_up([debt for debt in debts if debt.progress.left])

    def _attempt(
        self, debts: Sequence[Debt], seconds_left: Callable[[], float]
    ) -> None:
        topics = read_topics(self._publisher.delivery.store, _debtors(debts))
        behind: set[str] = set()
        for _, message, progress in debts:
            progress.left = {
                id_ for id_ in progress.left if message.topic in topics[id_]
            }
            # Without the message before this one, nobody gets this one.
            ids = sorted(progress.left - behind)
            if ids:
                self._publisher.deliver_logged(
                    message,
                    only=ids,
                    heard=progress.add,
                    timeout_seconds=min(ATTEMPT_SECONDS, seconds_left()),
                )
            behind |= progress.left

    def _give_up(self, debts: Sequence[Debt]) -> list[Change]:
        missed: dict[str, list[str]] = {}
        for _, message, progress in debts:
            if progress.others_reached or progress.left <= self._slow.keys():
                for connection_id in progress.left:
                    missed.setdefault(connection_id, []).append(
                        f"{message.topic!r} {message.position.offset}"
                    )
                progress.left = set()
        for connection_id, messages in missed.items():
            self._remember_slow(connection_id)
            log.error(
                "connection %s accepts no messages and missed these, by topic and "
                "offset; they are in the log: %s",
                connection_id,
                ", ".join(messages),
            )
        return [debt.change for debt in debts if debt.progress.left]

    def _remember_slow(self, connection_id: str) -> None:
        self._slow[connection_id] = self._clock() + SLOW_SECONDS
        if len(self._slow) > MAX_SLOW:
            del self._slow[next(iter(self._slow))]


def are_few(left: int, reached: int) -> bool:
    """Return whether so few were left that each has a problem of its own.

    One of any number, or a tenth of those who were reached: what keeps more than that
    from getting a message is not their fault, and passes.
    """
    return left <= max(1, reached // 10)


def _debtors(debts: Sequence[Debt]) -> set[str]:
    return {id_ for debt in debts for id_ in debt.progress.left}
