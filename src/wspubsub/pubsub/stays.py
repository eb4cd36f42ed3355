"""Joins and leaves by user, with a period in which a user may come back.

A user whose last connection in a topic has ended is not said to have left at once. A
message in the queue, which nobody gets before the period is over, has it looked into
then: if the user is back, nothing is said, neither now nor when that was.

The leave is pushed before the stay is ended. So it is pushed at least once, and whoever
comes in between either finds the stay still there, so that the end fails and the user's
join is pushed behind the leave, or finds it ended and pushes a join of its own.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from wspubsub.errors import WspubsubError
from wspubsub.pubsub.announcer import Push
from wspubsub.sidebyside import run_each
from wspubsub.subscriptions.sessions import Presence

if TYPE_CHECKING:
    from wspubsub.pubsub.registration import DelayQueue, MakeQueue
    from wspubsub.subscriptions.members import MemberStore

log = logging.getLogger("wspubsub")

MAX_GRACE_SECONDS = 900
"""The longest delay of a queue message ("Amazon SQS delay queues")."""

VERSION = 1
"""Of the queue messages."""


class Absence(NamedTuple):
    """What is looked into when the period is over."""

    topic: str
    user: str
    number: int

    def body(self) -> str:
        """Return the body of the queue message."""
        return json.dumps({"wspubsub": VERSION, "absent": self})


class Stays:
    """Says who joins and who leaves topics with a period of grace.

    Its methods yield what to push to the topic's members, one after another: what they
    do next takes for granted that it was pushed.

    Args:
        members: Who is in a topic.
        make_queue: Makes the queue.
        find_seconds: Returns how long a topic's period is; None without one.
    """

    def __init__(
        self,
        members: "MemberStore",
        make_queue: "MakeQueue",
        find_seconds: Callable[[str], float | None],
    ) -> None:
        self._members = members
        self._make_queue = make_queue
        self._find_seconds = find_seconds
        self._queue: DelayQueue | None = None

    def find_grace(self, topic: str, who: Presence) -> float | None:
        """Return how long somebody may be away; None if a leave is said at once."""
        # Nobody knows whether an anonymous user is back.
        return self._find_seconds(topic) if who.user else None

    def join(self, topic: str, who: Presence, grace_seconds: float) -> Iterator[Push]:
        """Note that a connection is present that was not before."""
        try:
            if not self._members.stays.begin(topic, who, grace_seconds=grace_seconds):
                return
        except WspubsubError:
            log.warning("could not note who is in topic %r", topic, exc_info=True)
        yield Push("join", who)

    def leave(
        self, topic: str, leavers: Sequence[Presence], grace_seconds: float
    ) -> Iterator[Push]:
        """Note that connections are no longer present."""

        def pause(who: Presence) -> int | None:
            try:
                return self._members.stays.pause(
                    topic, who, grace_seconds=grace_seconds
                )
            except WspubsubError:
                log.warning("could not note who left topic %r", topic, exc_info=True)
                return None

        paused = list(zip(leavers, run_each(pause, leavers), strict=True))
        absences = [
            Absence(topic, who.user, number)
            for who, number in paused
            if number is not None
        ]
        if absences:
            yield from self._postpone(absences, grace_seconds)
        yield from (Push("leave", who) for who, number in paused if number is None)

    def end(self, absence: Absence) -> Iterator[Push]:
        """Look whether a user is back, and end the stay if not.

        Raises:
            StoreError: It could not be done; it is safe to try again.
        """
        stays = self._members.stays
        who = stays.find_absent(*absence)
        if who is None:
            return
        yield Push("leave", who)
        if stays.end(*absence):
            return
        # Somebody came, or the same was done twice, while it was being said.
        present = self._members.presence(absence.topic)
        back = [each for each in present if each.user == absence.user]
        yield from (Push("join", each) for each in back[:1])

    def _postpone(
        self, absences: Sequence[Absence], grace_seconds: float
    ) -> Iterator[Push]:
        """Have the absences from one topic looked into later, or else now."""
        try:
            if self._queue is None:
                self._queue = self._make_queue()
            self._queue.send(
                [each.body() for each in absences],
                delay_seconds=math.ceil(grace_seconds),
            )
        except WspubsubError as error:
            for absence in absences:
                log.warning(
                    "user %r leaves topic %r without grace_seconds, because the queue "
                    "did not accept it: %s",
                    absence.user,
                    absence.topic,
                    error,
                )
                yield from self._end_at_once(absence)

    def _end_at_once(self, absence: Absence) -> Iterator[Push]:
        try:
            yield from self.end(absence)
        except WspubsubError:
            log.warning("could not look whether a user is there", exc_info=True)
