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
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from wspubsub.errors import MessageError, WspubsubError
from wspubsub.messages import read_json
from wspubsub.subscriptions.sessions import Presence

if TYPE_CHECKING:
    from wspubsub.subscriptions.members import MemberStore

log = logging.getLogger("wspubsub")

MAX_GRACE_SECONDS = 900
"""The longest delay of a queue message ("Amazon SQS delay queues")."""

_VERSION = 1


class DelayQueue(Protocol):
    """The part of a `Queue` that this needs."""

    def send(self, bodies: Iterable[str], *, delay_seconds: int = 0) -> object:
        """Send messages that stay invisible for some time."""
        ...


MakeQueue = Callable[[], DelayQueue]
"""Makes the queue when it is needed, such as `partial(Queue, url)`."""


class Push(NamedTuple):
    """What a topic's members are told."""

    kind: Literal["join", "leave"]
    who: Presence


class Absence(NamedTuple):
    """What is looked into when the period is over."""

    topic: str
    user: str
    number: int

    def body(self) -> str:
        """Return the body of the queue message."""
        return json.dumps({"wspubsub": _VERSION, "absent": self})


class AbsenceError(WspubsubError):
    """A queue message is not about the absence of a user."""


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
        make_queue: MakeQueue,
        find_seconds: Callable[[str], float | None],
    ) -> None:
        self._members = members
        self._make_queue = make_queue
        self._find_seconds = find_seconds
        self._queue: DelayQueue | None = None

    def applies(self, topic: str, who: Presence) -> bool:
        """Return whether joins and leaves are said by user, after a period."""
        # Nobody knows whether an anonymous user is back.
        return bool(who.user) and self._find_seconds(topic) is not None

    def join(self, topic: str, who: Presence) -> Iterator[Push]:
        """Note that a connection is present that was not before."""
        try:
            if not self._members.stays.begin(
                topic, who, grace_seconds=self._grace_seconds(topic)
            ):
                return
        except WspubsubError:
            log.warning("could not note who is in topic %r", topic, exc_info=True)
        yield Push("join", who)

    def leave(self, topic: str, who: Presence) -> Iterator[Push]:
        """Note that a connection is no longer present."""
        try:
            number = self._members.stays.pause(
                topic, who, grace_seconds=self._grace_seconds(topic)
            )
        except WspubsubError:
            log.warning("could not note who left topic %r", topic, exc_info=True)
            yield Push("leave", who)
            return
        absence = Absence(topic, who.user, number)
        try:
            self._postpone(absence)
        except WspubsubError as error:
            log.warning(
                "user %r leaves topic %r without grace_seconds, because the queue did "
                "not accept it: %s",
                who.user,
                topic,
                error,
            )
            yield from self._end_at_once(absence)

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

    def _end_at_once(self, absence: Absence) -> Iterator[Push]:
        try:
            yield from self.end(absence)
        except WspubsubError:
            log.warning("could not look whether a user is there", exc_info=True)

    def _postpone(self, absence: Absence) -> None:
        if self._queue is None:
            self._queue = self._make_queue()
        seconds = math.ceil(self._grace_seconds(absence.topic))
        self._queue.send([absence.body()], delay_seconds=seconds)

    def _grace_seconds(self, topic: str) -> float:
        return self._find_seconds(topic) or 0


def read_absence(body: object) -> Absence:
    """Return what a queue message is about.

    Raises:
        AbsenceError: It is not one of these.
    """
    try:
        fields: Any = read_json(body) if isinstance(body, str) else None
        if fields["wspubsub"] != _VERSION:
            raise AbsenceError(
                f"the queue message has the unknown version {fields['wspubsub']!r:.80};"
                " deploy the version of wspubsub that sent it"
            )
        topic, user, number = fields["absent"]
        return Absence(str(topic), str(user), int(number))
    except (MessageError, ValueError, TypeError, KeyError) as error:
        raise AbsenceError(
            f"the queue message is not from a PubSub ({type(error).__name__}: "
            f"{error}); let no other producer send to this queue"
        ) from None
