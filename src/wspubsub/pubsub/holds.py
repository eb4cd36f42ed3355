"""Subscribers that publishers wait for, until each has the reply to its subscribe.

SDKs drop the publications of a topic until they have that reply, and take the offset
of the next one for all before it. So a subscription with history is written *held*: a
publisher that finds it held posts nothing to it and leaves a trace. Once API Gateway
has taken the reply, the subscriber is released, on condition that there is no trace
that was not looked into; where there is one, the log is read again, what is newer is
posted, and so on.

A message that was appended before the subscription was written is in the reply. One
that was appended later finds it held, or released: then all before it have been posted.

The release says up to which position the client was told everything. A publisher of an
older message finds that, and does not post what the client has.
"""

import logging
from typing import TYPE_CHECKING

from wspubsub.errors import WspubsubError
from wspubsub.pubsub.frames import make_publication

if TYPE_CHECKING:
    from wspubsub.pubsub.entering import Told
    from wspubsub.pubsub.frames import Publication
    from wspubsub.subscriptions.members import MemberStore

log = logging.getLogger("wspubsub")


class Hold:
    """A subscriber of a topic that publishers wait for.

    Args:
        members: Where it is held.
        connection_id: The subscriber.
        topic: The topic.
        told: What it was told.

    Attributes:
        topic: As given.
        told: As given.
        position: Where it stands: everything up to there has been posted to it, or it
            was told that it is not.
        is_released: Whether publishers post to it again.
        is_behind: Whether something is newer and could not be posted, or be known.
        newer: What was published since, and is not posted yet.
    """

    def __init__(
        self, members: "MemberStore", connection_id: str, topic: str, told: "Told"
    ) -> None:
        self.topic = topic
        self.told = told
        self.position = told.recovery.position
        self.is_released = False
        self.is_behind = False
        self.newer: tuple[Publication, ...] = ()
        self._members = members
        self._connection_id = connection_id
        self._traces = 0

    @property
    def is_open(self) -> bool:
        """Whether it is still to be released."""
        return not self.is_released and not self.is_behind

    def release(self) -> None:
        """Release it, unless a publisher has left a trace since the last look."""
        self.newer = ()
        try:
            traces = self._members.release(
                self._connection_id,
                self.topic,
                number=self.told.number,
                traces=self._traces,
                told=self.position,
            )
        except WspubsubError:
            log.warning("could not release a subscriber", exc_info=True)
            self.is_behind = True
            return
        self.is_released = traces is None
        self._traces = traces or 0

    def read(self) -> None:
        """Read what was published since."""
        try:
            recovery = self.told.reader.read_since(self.position)
        except WspubsubError:
            log.warning("could not read topic %r again", self.topic, exc_info=True)
            self.is_behind = True
            return
        self.is_behind = not recovery.is_recovered
        self.newer = recovery.publications

    def pushes(self) -> list[str]:
        """Return what is to be posted."""
        return [make_publication(self.topic, each) for each in self.newer]

    def note_posted(self, *, has_arrived: bool) -> None:
        """Note what became of what was to be posted."""
        if not self.newer:
            return
        if has_arrived:
            self.position = self.position._replace(offset=self.newer[-1].offset)
        else:
            self.is_behind = True

    def mark(self) -> None:
        """Mark it from where it stands, so that later publishers have it recover."""
        offset = self.position.offset + 1
        try:
            self._members.mark_lost(self.topic, self._connection_id, offset)
        except WspubsubError:
            log.exception(
                "connection %s may have missed messages of topic %r from offset %d on, "
                "and could not be marked",
                self._connection_id,
                self.topic,
                offset,
            )
