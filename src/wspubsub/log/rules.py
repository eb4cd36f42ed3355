"""How much of a topic's log is kept, and what a reader may be told of it.

Pure rules, the same for every log. The offsets of a log have no gaps, so a message
that is missing between two others has been trimmed or is lost; a reader is then told
that it cannot recover, and never given a part. The epoch changes whenever it cannot be
proven that an offset was never used before.

Nobody's clock is trusted further than AWS trusts it. A message is kept for as long as
the history says, by the reader's clock; one from further in the future than clocks may
differ is not kept, and whoever appends next begins a new epoch with its own time. An
epoch goes on for a while after its last message has expired, so that a writer whose
clock is fast does not end it for the readers of messages that are still kept.
"""

import math
import os
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import NamedTuple

from wspubsub.errors import MessageError, UsageError, shorten
from wspubsub.messages import decode_json
from wspubsub.records import Record

HISTORY_MESSAGES = 1000
HISTORY_SECONDS = 24 * 60 * 60.0
MIN_HISTORY_SECONDS = 1.0

MAX_OFFSET = 2**53 - 1
"""JavaScript reads no larger number exactly, and no log grows so long."""

MAX_EPOCH_LENGTH = 64
"""Longer than any epoch, so that what a client sends does not pile up."""

CLOCK_SKEW_SECONDS = 15 * 60.0
"""How much the clocks of two that use a log may differ.

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
            f"a limit is a whole number of messages above 0, not {limit!r:.80}"
        )


def _check_ttl(ttl_seconds: object) -> None:
    if (
        isinstance(ttl_seconds, int | float)
        and not isinstance(ttl_seconds, bool)
        and MIN_HISTORY_SECONDS <= ttl_seconds < math.inf
    ):
        return
    raise UsageError(
        f"a history is kept for 1 second or longer, not {ttl_seconds!r:.80}"
    )


class Position(NamedTuple):
    """Where a message stands in the log of its topic.

    Attributes:
        epoch: Random text, the same for as long as offsets are known to be unbroken.
        offset: 1 for the first message of a log, and one more for each that follows.
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
            'a position is an epoch and an offset as they were received, ["epoch", 5], '
            f"or null, not {shorten(decoded)}"
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
    """

    topic: str
    position: Position
    id: str
    data: bytes
    published_at: float
    exclude: frozenset[str] = frozenset()


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
    """How much of each topic's log is kept.

    Attributes:
        limit: How many messages, at least 1.
        ttl_seconds: For how long, at least 1 second; a key is known as long.

    Raises:
        UsageError: A value is out of range.
    """

    limit: int = HISTORY_MESSAGES
    ttl_seconds: float = HISTORY_SECONDS

    def __init__(
        self,
        *,
        limit: int = HISTORY_MESSAGES,
        ttl_seconds: float = HISTORY_SECONDS,
    ) -> None:
        check_limit(limit)
        _check_ttl(ttl_seconds)
        super().__init__(limit=limit, ttl_seconds=ttl_seconds)


DEFAULT_HISTORY = History()


class Replay(Record):
    """What a log says to a reader that comes back.

    Attributes:
        messages: Messages after the reader's position, in order.
        recovered: Whether they follow on the reader's position without a gap. If not,
            there are none, and the reader must get what it needs in another way.
        position: Where to read on; None if the log holds nothing that is kept.
        has_more: Whether there is more to read from there.
    """

    messages: tuple[LoggedMessage, ...]
    recovered: bool
    position: Position | None
    has_more: bool = False


def _may_be_sent(epoch: str, offset: int) -> bool:
    is_number = not isinstance(offset, bool)
    return is_number and 0 <= offset <= MAX_OFFSET and len(epoch) <= MAX_EPOCH_LENGTH


def check_since(since: object) -> None:
    """Check a reader's position; it may be nonsense, but must be well-formed.

    Raises:
        UsageError: It is neither None nor a `Position` of text and a whole number.
    """
    if since is None:
        return
    if isinstance(since, Position) and all(map(isinstance, since, (str, int))):
        return
    raise UsageError(
        "a log is read since a Position of an epoch (text) and an offset (int), or "
        f"since None, not {since!r:.80}"
    )


def is_kept(published_at: float, history: History, now: float) -> bool:
    """Return whether readers get a message that was published then."""
    is_fresh = published_at > now - history.ttl_seconds
    return is_fresh and not is_from_the_future(published_at, now)


def is_followed(published_at: float, history: History, now: float) -> bool:
    """Return whether a message that was published then is followed in its epoch."""
    is_fresh = published_at > now - history.ttl_seconds - CLOCK_SKEW_SECONDS
    return is_fresh and not is_from_the_future(published_at, now)


def is_from_the_future(published_at: float, now: float) -> bool:
    """Return whether a clock is wrong: the reader's, or the publisher's."""
    return published_at > now + CLOCK_SKEW_SECONDS


def following(newest: Position | None, *, is_followed: bool) -> Position:
    """Return the position after the newest message that is seen.

    A message that has long expired need not be the newest there ever was, since
    DynamoDB deletes expired items in any order. Its epoch would be given to an offset
    twice.

    Args:
        newest: Position of the newest message; None if there is none.
        is_followed: Whether that message is followed in its epoch.
    """
    if newest is None:
        return Position(_random_epoch(), 1)
    epoch = newest.epoch if is_followed else _random_epoch()
    return Position(epoch, newest.offset + 1)


def replay(
    newest: Position | None,
    since: Position | None,
    *,
    limit: int,
    kept: int,
    fetch: Callable[[range], Iterable[LoggedMessage]],
) -> Replay:
    """Return what a reader is told.

    Args:
        newest: Position of the newest message; None if nothing is kept.
        since: The reader's position; None for the newest messages.
        limit: How many messages it gets at most.
        kept: How many messages the log keeps.
        fetch: Gives the unexpired messages in a range of offsets, as far as there are
            any.
    """
    if newest is None:
        return Replay(messages=(), recovered=since is None, position=None)
    lost = Replay(messages=(), recovered=False, position=newest)
    offsets = _offsets(newest, since, limit, kept)
    if offsets is None:
        return lost
    messages = _keep_unbroken(fetch(offsets), offsets, newest.epoch) if offsets else ()
    if since is not None and len(messages) < len(offsets):
        return lost
    position = messages[-1].position if messages else newest
    return Replay(
        messages=messages,
        recovered=True,
        position=position,
        has_more=position.offset < newest.offset,
    )


def _offsets(
    newest: Position, since: Position | None, limit: int, kept: int
) -> range | None:
    trimmed = max(newest.offset - kept, 0)
    end = newest.offset + 1
    if since is None:
        return range(max(end - limit, trimmed + 1), end)
    if since.epoch != newest.epoch or not trimmed <= since.offset <= newest.offset:
        return None
    return range(since.offset + 1, min(since.offset + 1 + limit, end))


def _keep_unbroken(
    found: Iterable[LoggedMessage], offsets: range, epoch: str
) -> tuple[LoggedMessage, ...]:
    """Return the messages that end the range without a gap or a change of epoch."""
    by_offset = {
        message.position.offset: message
        for message in found
        if message.position.epoch == epoch
    }
    ending = list(takewhile(by_offset.__contains__, reversed(offsets)))
    return tuple(by_offset[offset] for offset in reversed(ending))


def _random_epoch() -> str:
    # As `secrets.token_hex(8)`, without the modules that it loads in a cold start.
    return os.urandom(8).hex()
