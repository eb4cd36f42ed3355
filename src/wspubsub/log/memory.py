"""A topic log in memory, for tests and programs of one process."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple

from wspubsub.errors import KeyConflictError
from wspubsub.log.drafts import Draft, check_key, check_timeout, digest, draft
from wspubsub.log.rules import (
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
    is_followed,
    is_from_the_future,
    is_kept,
    replay,
)
from wspubsub.topics import validate_topic


class _First(NamedTuple):
    """What is remembered of the first message with a key."""

    position: Position
    published_at: float
    id: str
    digest: str
    is_sent: bool = False


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
                return _answer_repeat(drafted, drafted.key, first)
            message = self._add(drafted, now)
            self._keys[drafted.topic, drafted.key] = _First(
                message.position, message.published_at, message.id, digest(drafted.data)
            )
            return Appended(message, is_new=True)

    def mark_sent(
        self, message: LoggedMessage, key: str, *, timeout_seconds: float | None = None
    ) -> None:
        """See `TopicLog.mark_sent`."""
        check_timeout(timeout_seconds)
        key = check_key(key)
        with self._lock:
            first = self._keys.get((message.topic, key))
            if first is not None and first.id == message.id:
                self._keys[message.topic, key] = first._replace(is_sent=True)

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
            position = following(None, is_followed=False)
        else:
            published_at = newest.published_at
            followed = is_followed(published_at, self._history, now)
            position = following(newest.position, is_followed=followed)
            if not is_from_the_future(published_at, now):
                now = max(now, published_at)
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
        return is_kept(published_at, self._history, now)

    def _sweep(self, now: float) -> None:
        # Nobody may ever read what has expired, and it must not pile up.
        if now < self._next_sweep:
            return
        self._next_sweep = now + self._history.ttl_seconds
        oldest = now - self._history.ttl_seconds - DELETION_MARGIN_SECONDS
        for topic, messages in list(self._topics.items()):
            if messages[-1].published_at <= oldest:
                del self._topics[topic]
        for name, first in list(self._keys.items()):
            if not self._is_kept(first.published_at, now):
                del self._keys[name]


def _answer_repeat(drafted: Draft, key: str, first: _First) -> Appended:
    if first.digest != digest(drafted.data):
        raise KeyConflictError(drafted.topic, key)
    message = drafted.at(first.position, first.published_at, id_=first.id)
    return Appended(message, is_new=False, is_sent=first.is_sent)
