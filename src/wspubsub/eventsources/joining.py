"""Log entries that wait together are sent together: which are joined, in what order.

A stream that is behind catches up by this: what waits for the subscribers of a topic
goes to each of them in one post.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from wspubsub.connections import PostOutcome
from wspubsub.eventsources.laggards import are_few
from wspubsub.eventsources.progress import (
    ProgressMemory,
    RecordProgress,
    is_settled,
)
from wspubsub.eventsources.stream_changes import Change
from wspubsub.log.rules import LoggedMessage
from wspubsub.messages import METERED_BYTES, SEPARATOR
from wspubsub.reports import PublishReport

GIVE_UP_SECONDS = 10.0
"""How old a message becomes while many cannot be reached, before those are given up:
long enough for what passes, and soon enough for all the messages behind it."""

GivesUp = Callable[[PublishReport], bool]
"""Decides whether connections that a message did not reach are given up."""


class Joiner(Protocol):
    """Delivers several messages of a topic as one; clients read them separately.

    Whoever cannot be reached is remembered, and learns later that it has missed
    something; so the message need not be delivered again because of one that fails.
    """

    def takes(self, message: LoggedMessage) -> bool:
        """Return whether a message is delivered by this object."""
        ...

    def encode(self, message: LoggedMessage) -> bytes:
        """Return what clients receive of a message; line breaks join several."""
        ...

    def deliver(
        self,
        messages: Sequence[LoggedMessage],
        frame: bytes,
        *,
        exclude: frozenset[str],
        heard: Callable[[PostOutcome], object],
        gives_up: GivesUp,
        timeout_seconds: float,
    ) -> None:
        """Deliver messages of one topic to its subscribers.

        Args:
            messages: The messages, in order.
            frame: What a client gets of all of them.
            exclude: Connections that are not to get it.
            heard: Called with what became of each post, as it ends.
            gives_up: Decides whether those that it did not reach are given up.
            timeout_seconds: Longest time this call may take.

        Raises:
            WspubsubError: Somebody has neither got it nor is remembered as one who has
                not; it must be delivered again.
        """
        ...


class Group:
    """Log entries that are delivered as one message.

    They are of one topic and for the same connections, and no other entry of the topic
    lies between them.

    Args:
        joiner: Delivers them.
        exclude: Connections that are not to get them, or have them already.

    Attributes:
        changes: The stream records, in order.
        reached: How many connections have them by now, or are gone.
    """

    def __init__(self, joiner: Joiner, exclude: frozenset[str]) -> None:
        self.changes: list[Change] = []
        self.reached = 0
        self._joiner = joiner
        self._exclude = exclude
        self._messages: list[LoggedMessage] = []
        self._parts: list[bytes] = []
        self._size = 0
        self._progress: list[RecordProgress] = []

    def admits(self, part: bytes, exclude: frozenset[str]) -> bool:
        """Return whether a message may be joined to these."""
        size = self._size + len(part)
        return size <= METERED_BYTES and exclude == self._exclude

    def add(
        self,
        change: Change,
        message: LoggedMessage,
        part: bytes,
        progress: RecordProgress,
    ) -> None:
        """Append a message to these."""
        self._size += len(part) + len(SEPARATOR)
        self.changes.append(change)
        self._messages.append(message)
        self._parts.append(part)
        self._progress.append(progress)

    def deliver(self, gives_up: GivesUp, seconds: float) -> None:
        """Deliver them, and note that they are finished.

        Raises:
            WspubsubError: They are not.
        """
        self._joiner.deliver(
            self._messages,
            SEPARATOR.join(self._parts),
            exclude=self._exclude,
            heard=self._hear,
            gives_up=gives_up,
            timeout_seconds=seconds,
        )
        for progress in self._progress:
            progress.settle(set())

    def _hear(self, result: PostOutcome) -> None:
        self.reached += is_settled(result)
        # Of those that come again, it may not be all.
        for progress in self._progress:
            progress.add(result)


class Joining:
    """Joins the messages among stream records, and delivers them.

    Args:
        joiner: Says which are joined, and delivers them; None for none.
        memory: Knows which records are done already, and who has got what.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        joiner: Joiner | None,
        memory: ProgressMemory,
        now: Callable[[], float],
    ) -> None:
        self._joiner = joiner
        self._memory = memory
        self._now = now

    def takes(self, message: LoggedMessage) -> bool:
        """Return whether a message may be joined with others."""
        return self._joiner is not None and self._joiner.takes(message)

    def join(self, changes: Iterable[Change]) -> list[Group | Change]:
        """Return what to do, in the order of the first record of each group."""
        units: list[Group | Change] = []
        newest: dict[str, Group] = {}
        for change in changes:
            message = change.item
            if (
                self._joiner is None
                or not isinstance(message, LoggedMessage)
                or not self._joiner.takes(message)
            ):
                units.append(change)
                continue
            progress = self._memory.of(change.id)
            if progress.is_tried:
                continue
            part = self._joiner.encode(message)
            exclude = message.exclude | progress.reached
            group = newest.get(message.topic)
            if group is None or not group.admits(part, exclude):
                group = newest[message.topic] = Group(self._joiner, exclude)
                units.append(group)
            group.add(change, message, part, progress)
        return units

    def deliver(self, group: Group, reached: int, seconds: float) -> None:
        """Deliver a group of messages.

        Args:
            group: The group.
            reached: How many connections other messages have reached in this
                invocation.
            seconds: The time that it may take.

        Raises:
            WspubsubError: It is not done.
        """

        def gives_up(report: PublishReport) -> bool:
            if report.deferred or report.unread:
                return False
            left = len(report.throttled) + len(report.failed)
            if are_few(left, max(reached, group.reached)):
                return True
            return group.changes[0].created_at < self._now() - GIVE_UP_SECONDS

        group.deliver(gives_up, seconds)
