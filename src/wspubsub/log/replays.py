"""What a topic's log answers to a reader.

Pure rules, the same for every log. A reader that names a position is given everything
after it, or told that it cannot recover, and never given a part.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from wspubsub.errors import UsageError
from wspubsub.log.rules import LoggedMessage, Position
from wspubsub.records import Record


class Replay(Record):
    """What a log answers to a reader.

    Attributes:
        messages: The messages, in the order that was asked for.
        recovered: Whether they follow on the reader's position without a gap. If not,
            there are none, and the reader must get what it needs in another way.
        position: Where to read on; None if the topic has no position.
        has_more: Whether there is more to read from there.
        newest: The topic's position, strongly read; None if it has none.
    """

    messages: tuple[LoggedMessage, ...]
    recovered: bool
    position: Position | None
    has_more: bool = False
    newest: Position | None = None


class Newest(NamedTuple):
    """A topic's position, and whether its message is served.

    If it is not, no message of the topic is: all the others are older.
    """

    position: Position
    is_served: bool


Fetch = Callable[[range], Iterable[LoggedMessage]]
"""Gives the served messages in a range of offsets, in its order, at least up to the
first one that is missing. An entry that begins an epoch is not a message."""


class Log(NamedTuple):
    """What is read from one topic's log.

    Attributes:
        newest: Its position; None if it has none.
        kept: How many offsets are kept.
        fetch: Gives messages.
    """

    newest: Newest | None
    kept: int
    fetch: Fetch


def check_since(since: object, *, is_needed: bool = False) -> None:
    """Check a reader's position; it may be nonsense, but must be well-formed.

    Raises:
        UsageError: It is not a `Position` of text and a whole number; it may be None
            unless it is needed.
    """
    if since is None and not is_needed:
        return
    if isinstance(since, Position) and all(map(isinstance, since, (str, int))):
        return
    raise UsageError(
        "since must be a Position with an epoch (text) and an offset "
        f"(int){'' if is_needed else ', or None'}, not {since!r:.80}"
    )


def read(log: Log, since: Position | None, limit: int) -> Replay:
    """Return the messages after a position, or the newest; see `TopicLog.read`."""
    if log.newest is None:
        return _nothing(since)
    if since is not None:
        return _after(log, log.newest, since, limit)
    top = log.newest.position
    found = _backwards(
        log, log.newest, _offsets_before(log, top, top.offset + 1, limit)
    )
    return _complete(tuple(reversed(list(found))), top, has_more=False)


def recover(log: Log, since: Position, limit: int) -> Replay:
    """Return all messages after a position or none; see `TopicLog.recover`."""
    if log.newest is not None and log.newest.position.offset - since.offset > limit:
        return _lost(log.newest.position)
    return read(log, since, limit)


def read_history(
    log: Log, since: Position | None, limit: int | None, *, reverse: bool
) -> Replay:
    """Return messages from either end; see `TopicLog.read_history`."""
    if log.newest is None:
        return _nothing(since)
    limit = log.kept if limit is None else limit
    if reverse:
        return _before(log, log.newest, since, limit)
    if since is None:
        return _from_the_oldest(log, log.newest, limit)
    return _after(log, log.newest, since, limit)


def _after(log: Log, newest: Newest, since: Position, limit: int) -> Replay:
    top = newest.position
    if not _is_known(since, top) or since.offset < _find_last_trimmed(log, top):
        return _lost(top)
    offsets = range(since.offset + 1, min(since.offset + limit, top.offset) + 1)
    if not offsets:
        return _complete((), top, has_more=False)
    messages = tuple(log.fetch(offsets)) if newest.is_served else ()
    expected = [Position(top.epoch, offset) for offset in offsets]
    if [each.position for each in messages] != expected:
        return _lost(top)
    return _complete(messages, top, has_more=offsets[-1] < top.offset)


def _before(log: Log, newest: Newest, since: Position | None, limit: int) -> Replay:
    top = newest.position
    if since is not None and not _is_known(since, top):
        return _lost(top)
    end = top.offset + 1 if since is None else since.offset
    # One more than is asked for, to know whether there is more.
    offsets = _offsets_before(log, top, end, limit + 1)
    found = tuple(_backwards(log, newest, offsets))
    return _complete(found[:limit], top, has_more=len(found) > limit)


def _from_the_oldest(log: Log, newest: Newest, limit: int) -> Replay:
    # Where the served messages begin is known only to who reads down to it.
    top = newest.position
    offsets = _offsets_before(log, top, top.offset + 1, log.kept)
    oldest: deque[LoggedMessage] = deque(maxlen=limit)
    found = 0
    for message in _backwards(log, newest, offsets):
        oldest.appendleft(message)
        found += 1
    return _complete(tuple(oldest), top, has_more=found > limit)


def _backwards(log: Log, newest: Newest, offsets: range) -> Iterator[LoggedMessage]:
    """Yield messages from the end of a range, up to a gap or a change of epoch."""
    if not newest.is_served or not offsets:
        return
    for offset, message in zip(offsets, log.fetch(offsets), strict=False):
        if message.position != Position(newest.position.epoch, offset):
            return
        yield message


def _offsets_before(log: Log, top: Position, end: int, most: int) -> range:
    return range(end - 1, max(end - 1 - most, _find_last_trimmed(log, top)), -1)


def _find_last_trimmed(log: Log, top: Position) -> int:
    """Return the last offset that is not kept; the first message has offset 1."""
    return max(top.offset - log.kept, 0)


def _is_known(since: Position, top: Position) -> bool:
    return since.epoch == top.epoch and since.offset <= top.offset


def _nothing(since: Position | None) -> Replay:
    return Replay(messages=(), recovered=since is None, position=None)


def _lost(top: Position) -> Replay:
    return Replay(messages=(), recovered=False, position=top, newest=top)


def _complete(
    messages: tuple[LoggedMessage, ...], top: Position, *, has_more: bool
) -> Replay:
    return Replay(
        messages=messages,
        recovered=True,
        position=messages[-1].position if messages else top,
        has_more=has_more,
        newest=top,
    )
