"""Messages of a topic in order, each with a position: the port, and its memory form.

`tests/contracts/test_log.py` is the contract that every implementation keeps.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

from wspubsub.errors import MessageTooLargeError, UsageError
from wspubsub.history import (
    DEFAULT_HISTORY,
    DELETION_MARGIN_SECONDS,
    Appended,
    History,
    LoggedMessage,
    Position,
    Replay,
    check_limit,
    check_since,
    following,
    replay,
)
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.topics import validate_topic

MAX_KEY_BYTES = 256
MAX_ENTRY_BYTES = 400_000
"""Most bytes of a message and the connection IDs in `exclude` together.

A DynamoDB item holds 400 KB (409,600 bytes, "Quotas in Amazon DynamoDB"), and the
topic, the position and the names of the attributes are in it too.
"""


class TopicLog(Protocol):
    """Where the messages of topics are kept, in order, until they are trimmed.

    Every method may raise `StoreError`, and raises `TopicError` for an illegal topic.
    A message is trimmed when `History.limit` newer ones follow or its time is over.
    """

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> Appended:
        """Append a message.

        After a `StoreError` the message may have been appended nevertheless; with a
        key it is safe to append it again.

        Args:
            topic: Topic that the message is published to.
            data: Its bytes, 131,072 at most.
            key: The caller's name for the message, 1 to 256 bytes of UTF-8 without
                control characters. A key that is known is not appended again.
            exclude: Connection IDs that are not to get the message.
            timeout_seconds: How long the append may be retried, 10 seconds if None. It
                is tried once in any case.

        Raises:
            MessageTooLargeError: The data has more than 131,072 bytes.
            UsageError: An argument is not what it must be.
        """
        ...

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """Return the messages after a position, in order; see `Replay`.

        Args:
            topic: Topic to read.
            since: Position of the last message that the reader has; None for the
                newest messages that are kept.
            limit: How many messages are returned at most.

        Raises:
            UsageError: `since` or `limit` is not what it must be.
        """
        ...

    def position(self, topic: str) -> Position | None:
        """Return the newest message's position; None if nothing is kept."""
        ...


class Draft(NamedTuple):
    """A message that has been checked and has no position yet."""

    topic: str
    data: bytes
    key: str | None
    exclude: frozenset[str]
    id: str

    def at(
        self, position: Position, published_at: float, *, id_: str | None = None
    ) -> LoggedMessage:
        """Return the message at a position, with an ID of its own or another's."""
        return LoggedMessage(
            topic=self.topic,
            position=position,
            id=id_ or self.id,
            data=self.data,
            published_at=published_at,
            exclude=self.exclude,
        )


def draft(topic: str, data: bytes, key: str | None, exclude: Collection[str]) -> Draft:
    """Check what is to be appended, and give it an ID; see `TopicLog.append`.

    Raises:
        TopicError: The topic is not a legal name.
        MessageTooLargeError: The data has more than 131,072 bytes.
        UsageError: Another argument is not what it must be.
    """
    topic = validate_topic(topic)
    if not isinstance(data, bytes):
        raise UsageError(
            f"a log takes bytes, not {type(data).__name__}; encode the data first"
        )
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(len(data), MAX_MESSAGE_BYTES)
    excluded = _checked_exclude(exclude)
    size = len(data) + sum(len(connection_id.encode()) for connection_id in excluded)
    if size > MAX_ENTRY_BYTES:
        raise UsageError(
            f"the message and the {len(excluded):,} connection IDs in exclude have "
            f"{size:,} bytes, a log takes at most {MAX_ENTRY_BYTES:,}; exclude fewer "
            "connections"
        )
    key = None if key is None else _checked_key(key)
    return Draft(topic, data, key, excluded, os.urandom(12).hex())


def check_timeout(timeout_seconds: object) -> None:
    """Check how long an append may be retried.

    Raises:
        UsageError: It is neither None nor a number of seconds from 0.
    """
    if timeout_seconds is None or (
        isinstance(timeout_seconds, int | float)
        and not isinstance(timeout_seconds, bool)
        and timeout_seconds >= 0
    ):
        return
    raise UsageError(f"timeout_seconds is a number from 0, not {timeout_seconds!r:.80}")


def _checked_exclude(exclude: object) -> frozenset[str]:
    if isinstance(exclude, str) or not isinstance(exclude, Collection):
        raise UsageError("exclude takes a collection of connection IDs: {id}")
    for connection_id in exclude:
        if not _utf8_size(connection_id):
            raise UsageError(
                f"a connection ID is non-empty text, not {connection_id!r:.80}"
            )
    # Also of an ID that says what state its connection is in, only the text counts.
    return frozenset(map(str, exclude))


def _checked_key(key: str) -> str:
    if not 1 <= _utf8_size(key) <= MAX_KEY_BYTES:
        raise UsageError(
            f"a key is text of 1 to {MAX_KEY_BYTES} bytes of UTF-8, not {key!r:.80}"
        )
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in key):
        raise UsageError(f"a key must not contain control characters: {key!r:.80}")
    return str(key)


def _utf8_size(value: object) -> int:
    """Return how many bytes of UTF-8 a text has; 0 for what is none."""
    try:
        return len(value.encode()) if isinstance(value, str) else 0
    except UnicodeEncodeError:
        return 0


class _First(NamedTuple):
    """What is remembered of the first message with a key."""

    position: Position
    published_at: float
    id: str


class MemoryTopicLog:
    """A topic log for tests and single-process programs.

    It is safe to use from several threads. It does not outlive the process and is not
    shared between Lambda environments: use `DynamoDBTopicLog` there.

    Args:
        history: How much is kept.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        history: History = DEFAULT_HISTORY,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._history = history
        self._now = now
        self._lock = threading.Lock()
        self._topics: dict[str, deque[LoggedMessage]] = {}
        self._keys: dict[tuple[str, str], _First] = {}
        self._next_sweep = now() + history.ttl_seconds

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> Appended:
        """See `TopicLog.append`; nothing is retried, so the timeout has no effect."""
        drafted = draft(topic, data, key, exclude)
        check_timeout(timeout_seconds)
        with self._lock:
            now = self._now()
            self._sweep(now)
            if drafted.key is None:
                return Appended(self._add(drafted, now), is_new=True)
            first = self._keys.get((drafted.topic, drafted.key))
            if first is not None and self._is_kept(first.published_at, now):
                message = drafted.at(first.position, first.published_at, id_=first.id)
                return Appended(message, is_new=False)
            message = self._add(drafted, now)
            self._keys[drafted.topic, drafted.key] = _First(
                message.position, message.published_at, message.id
            )
            return Appended(message, is_new=True)

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """See `TopicLog.read`."""
        topic = validate_topic(topic)
        check_since(since)
        check_limit(limit)
        with self._lock:
            kept = self._kept(topic)
        return replay(
            kept[-1].position if kept else None,
            since,
            limit=limit,
            kept=self._history.limit,
            fetch=lambda offsets: (
                message for message in kept if message.position.offset in offsets
            ),
        )

    def position(self, topic: str) -> Position | None:
        """See `TopicLog.position`."""
        with self._lock:
            kept = self._kept(validate_topic(topic))
        return kept[-1].position if kept else None

    def _add(self, drafted: Draft, now: float) -> LoggedMessage:
        messages = self._topics.setdefault(drafted.topic, deque())
        newest = messages[-1] if messages else None
        if newest is None:
            position = following(None, is_kept=False)
        else:
            is_kept = self._is_kept(newest.published_at, now)
            position = following(newest.position, is_kept=is_kept)
            now = max(now, newest.published_at)
        message = drafted.at(position, now)
        messages.append(message)
        # What has expired goes as well, or else it stayed until the topic is quiet.
        while len(messages) > self._history.limit or not self._is_kept(
            messages[0].published_at, now
        ):
            messages.popleft()
        return message

    def _kept(self, topic: str) -> list[LoggedMessage]:
        now = self._now()
        return [
            message
            for message in self._topics.get(topic, ())
            if self._is_kept(message.published_at, now)
        ]

    def _is_kept(self, published_at: float, now: float) -> bool:
        return published_at > now - self._history.ttl_seconds

    def _sweep(self, now: float) -> None:
        # Nobody may ever read what has expired, and it must not pile up.
        if now < self._next_sweep:
            return
        self._next_sweep = now + self._history.ttl_seconds
        expired = now - DELETION_MARGIN_SECONDS
        for topic, messages in list(self._topics.items()):
            if not self._is_kept(messages[-1].published_at, expired):
                del self._topics[topic]
        for name, first in list(self._keys.items()):
            if not self._is_kept(first.published_at, now):
                del self._keys[name]
