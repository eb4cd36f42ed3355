"""What a subscriber learns about a topic's history: its position, and what it missed.

Whoever subscribes has written its subscription before the log is read, strongly;
whoever publishes has appended to the log before the subscribers are read, strongly. So
either the publisher sees the subscription, or what is read here has the message.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from wspubsub.log.rules import MAX_EPOCH_LENGTH, MAX_OFFSET, Position
from wspubsub.pubsub.commands import Since
from wspubsub.pubsub.frames import Publication
from wspubsub.pubsub.publications import read_publication, size_of
from wspubsub.pubsub.rules import Mode

if TYPE_CHECKING:
    from wspubsub.log.port import TopicLog

MAX_PUBLICATIONS = 300
"""How many publications a reply may have; any more are not recovered."""


class Recovery(NamedTuple):
    """What a subscriber learns.

    Attributes:
        position: Where the topic stands.
        publications: What the subscriber has missed, in order.
        is_recovered: Whether that is all that it has missed.
        was_recovering: Whether it asked for it.
        since: Offset that it recovered from.
    """

    position: Position
    publications: tuple[Publication, ...] = ()
    is_recovered: bool = False
    was_recovering: bool = False
    since: int | None = None

    def give_up(self) -> "Recovery":
        """Return it for a reply that has no room for the missed publications."""
        return Recovery(self.position, was_recovering=self.was_recovering)

    def fields(self) -> dict[str, Any]:
        """Return it as it appears in a subscribe reply."""
        fields: dict[str, Any] = {
            "recoverable": True,
            "positioned": True,
            "epoch": self.position.epoch,
        }
        # The publications move an SDK on from where it was, one by one.
        offset = self.position.offset if self.since is None else self.since
        if offset:
            fields["offset"] = offset
        if self.was_recovering:
            fields["was_recovering"] = True
        if self.is_recovered:
            fields["recovered"] = True
        if self.publications:
            fields["publications"] = [each.fields() for each in self.publications]
        return fields


class Reader:
    """Reads what subscribers missed.

    Args:
        log: The log.
        topic: The topic.
        mode: What subscribers get.
        max_bytes: How much the publications may have.
    """

    def __init__(self, log: "TopicLog", topic: str, mode: Mode, max_bytes: int) -> None:
        self._log = log
        self._topic = topic
        self._mode = mode
        self._max_bytes = max_bytes

    def read(self, since: Since | None, lost: int | None = None) -> Recovery:
        """Return what a subscriber learns.

        Args:
            since: From where it wants to recover; None if it does not.
            lost: Offset of the first message that did not reach it, if one is marked.
        """
        if self._mode == "cache":
            return self._read_newest()
        if since is None:
            return Recovery(self._log.ensure_position(self._topic))
        position = _back_to(since, lost)
        if position is None:
            return self._lost()
        recovery = self.read_since(position)
        if (
            not recovery.is_recovered
            or sum(map(size_of, recovery.publications)) > self._max_bytes
        ):
            return self._lost(recovery.position)
        return recovery._replace(since=position.offset)

    def read_since(self, position: Position) -> Recovery:
        """Return what was published after a position that a subscriber got."""
        replay = self._log.recover(self._topic, position, limit=MAX_PUBLICATIONS)
        return Recovery(
            replay.position or position,
            tuple(map(read_publication, replay.messages)),
            replay.recovered,
            was_recovering=True,
        )

    def _read_newest(self) -> Recovery:
        replay = self._log.read(self._topic, limit=1)
        position = replay.position or find_beginning(self._log, self._topic)
        publications = tuple(map(read_publication, replay.messages))
        fits = sum(map(size_of, publications)) <= self._max_bytes
        return Recovery(
            position,
            publications if fits else (),
            is_recovered=fits and bool(publications),
            was_recovering=True,
        )

    def _lost(self, newest: Position | None = None) -> Recovery:
        position = newest or self._log.ensure_position(self._topic)
        return Recovery(position, was_recovering=True)


def find_beginning(log: "TopicLog", topic: str) -> Position:
    """Return the position before the first message of a log that was read as empty.

    Somebody may have published since, and that is behind what was read.
    """
    return log.ensure_position(topic)._replace(offset=0)


def _back_to(since: Since, lost: int | None) -> Position | None:
    """Return where to read from, or None if nothing can be read from there."""
    offset = since.offset if lost is None else min(since.offset, lost - 1)
    # What a client sends may be anything; no log has such a position.
    if not 0 <= offset <= MAX_OFFSET or len(since.epoch) > MAX_EPOCH_LENGTH:
        return None
    return Position(since.epoch, offset)
