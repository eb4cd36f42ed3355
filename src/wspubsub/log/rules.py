"""How much of a topic's log is kept, and which entries still count.

Pure rules, the same for every log. The offsets of a log have no gaps, so a message
that is missing between two others has been trimmed or is lost. The epoch changes
whenever it cannot be proven that an offset was never used before.

Two questions are asked of an entry, and both are answered here. Is its message
*served*: is it young enough to be given to readers? And if it is the newest, is it the
topic's *position*: does the epoch go on after it? Positions outlive messages, so a
reader that has everything learns this even long after the last message was readable.

Nobody's clock is trusted further than AWS trusts it. An entry from further in the
future than clocks may differ is neither served nor a position, and whoever comes next
begins a new epoch with its own time. A position lasts a while longer than the history
says, so that a clock that is fast does not end it for the others.
"""

import math
import os
from typing import NamedTuple

from wspubsub.errors import MessageError, UsageError, shorten
from wspubsub.messages import decode_json
from wspubsub.records import Record

HISTORY_MESSAGES = 1000
HISTORY_SECONDS = 24 * 60 * 60.0
POSITION_SECONDS = 7 * 24 * 60 * 60.0
MIN_HISTORY_SECONDS = 1.0

MAX_OFFSET = 2**53 - 1
"""JavaScript reads no larger number exactly, and no log grows that long."""

MAX_EPOCH_LENGTH = 64
"""Longer than any epoch, so that what a client sends does not pile up."""

CLOCK_SKEW_SECONDS = 15 * 60.0
"""How much the clocks of two users of a log may differ.

AWS refuses a request that was signed more than five minutes before or after it arrives
("Signature Version 4 request elements"), so two clocks differ by ten at most.
"""

DELETION_MARGIN_SECONDS = 60 * 60
"""How long an expired message must stay at least.

Until then everybody sees that it was there, though their clocks differ.
"""


def check_limit(limit: object) -> None:
    """Check a number of messages.

    Raises:
        UsageError: It is not a whole number above 0.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UsageError(
            f"limit must be a whole number of messages, 1 or more, not {limit!r:.80}"
        )


def _check_ttl(ttl_seconds: object) -> None:
    if not _is_time(ttl_seconds, MIN_HISTORY_SECONDS):
        raise UsageError(
            "ttl_seconds must be a number of seconds, 1 or more, not "
            f"{ttl_seconds!r:.80}"
        )


def _check_position_ttl(position_ttl_seconds: object, ttl_seconds: float) -> None:
    if not _is_time(position_ttl_seconds, ttl_seconds):
        raise UsageError(
            "position_ttl_seconds must be a number of seconds, at least ttl_seconds "
            f"({ttl_seconds:g}), not {position_ttl_seconds!r:.80}"
        )


def _is_time(seconds: object, least: float) -> bool:
    return (
        isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and least <= seconds < math.inf
    )


class Position(NamedTuple):
    """Where a message stands in the log of its topic.

    Attributes:
        epoch: Random text, the same for as long as offsets are known to be unbroken.
        offset: 1 for the first message of a log, and one more for each that follows.
            The entry that begins an epoch has one too, and no message: 0 in a new log.
    """

    epoch: str
    offset: int

    @classmethod
    def parse(cls, value: object) -> "Position | None":
        """Return the position that a client sent back.

        It takes what a position becomes when it is sent: the JSON array of epoch and
        offset, and null for no position, decoded or still as JSON text.

        Example:
            >>> Position.parse(["8d7f3a12c0b94e65", 5])
            Position(epoch='8d7f3a12c0b94e65', offset=5)
            >>> Position.parse('["8d7f3a12c0b94e65",5]').offset
            5

        Raises:
            MessageError: It is neither.
        """
        decoded = decode_json(value) if isinstance(value, str) else value
        match decoded:
            case None:
                return None
            case [str(epoch), int(offset)] if _may_be_sent(epoch, offset):
                return cls(epoch, offset)
        raise MessageError(
            "a position must be an epoch and an offset as they were received, "
            f'["epoch", 5], or null, not {shorten(decoded)}'
        )


class LoggedMessage(Record, hidden=("data",)):
    """A message in the log of a topic.

    Attributes:
        topic: Topic that it was published to.
        position: Where it stands in the topic's log.
        id: Random text that no other message has.
        data: Its bytes, as they are sent to clients.
        published_at: When it was appended, in seconds since the epoch; within an
            epoch never earlier than that of the message before it.
        exclude: Connection IDs that are not to get it.
        info: What the caller of `append` keeps with it, such as who published it.
    """

    topic: str
    position: Position
    id: str
    data: bytes
    published_at: float
    exclude: frozenset[str] = frozenset()
    info: bytes | None = None


class Appended(NamedTuple):
    """What became of an append.

    Attributes:
        message: The message and its position.
        is_new: False if the key was used before: nothing was appended, and position,
            ID and time are those of the first message with that key.
        is_sent: Whether the message was marked as sent before; see
            `TopicLog.mark_sent`.
    """

    message: LoggedMessage
    is_new: bool
    is_sent: bool = False


class History(Record):
    """How much of a topic's log is kept.

    Attributes:
        limit: How many messages, at least 1.
        ttl_seconds: For how long they are served, at least 1 second; a key is known as
            long.
        position_ttl_seconds: For how long after the newest message the topic keeps its
            position, so that a reader that has everything is told so: at least
            `ttl_seconds`, and 7 days if you do not say. Messages stay in the table as
            long, but are not served.

    Raises:
        UsageError: A value is out of range.
    """

    limit: int = HISTORY_MESSAGES
    ttl_seconds: float = HISTORY_SECONDS
    position_ttl_seconds: float = POSITION_SECONDS

    def __init__(
        self,
        *,
        limit: int = HISTORY_MESSAGES,
        ttl_seconds: float = HISTORY_SECONDS,
        position_ttl_seconds: float | None = None,
    ) -> None:
        check_limit(limit)
        _check_ttl(ttl_seconds)
        if position_ttl_seconds is None:
            position_ttl_seconds = max(ttl_seconds, POSITION_SECONDS)
        _check_position_ttl(position_ttl_seconds, ttl_seconds)
        super().__init__(
            limit=limit,
            ttl_seconds=ttl_seconds,
            position_ttl_seconds=position_ttl_seconds,
        )


DEFAULT_HISTORY = History()


def _may_be_sent(epoch: str, offset: int) -> bool:
    is_number = not isinstance(offset, bool)
    return is_number and 0 <= offset <= MAX_OFFSET and len(epoch) <= MAX_EPOCH_LENGTH


def is_served(published_at: float, history: History, now: float) -> bool:
    """Return whether readers get a message that was published at this time."""
    is_fresh = published_at > now - history.ttl_seconds
    return is_fresh and not is_from_the_future(published_at, now)


def is_position(published_at: float, history: History, now: float) -> bool:
    """Return whether an entry written at this time is the position, if newest."""
    is_fresh = published_at > now - history.position_ttl_seconds - CLOCK_SKEW_SECONDS
    return is_fresh and not is_from_the_future(published_at, now)


def is_from_the_future(published_at: float, now: float) -> bool:
    """Return whether a clock is wrong: the reader's or the publisher's."""
    return published_at > now + CLOCK_SKEW_SECONDS


def position_after(newest: Position) -> Position:
    """Return the position of the message that follows a topic's position."""
    return Position(newest.epoch, newest.offset + 1)


def genesis_position(newest: Position | None) -> Position:
    """Return the position of the entry that begins a new epoch.

    An entry that has long expired need not be the newest there ever was, since DynamoDB
    deletes expired items in any order. In its epoch an offset would be given twice.

    Args:
        newest: Position of the newest known entry, if any.
    """
    return Position(_random_epoch(), 0 if newest is None else newest.offset + 1)


def _random_epoch() -> str:
    # As `secrets.token_hex(8)`, without the modules that it loads in a cold start.
    return os.urandom(8).hex()
