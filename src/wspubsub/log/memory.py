"""A topic log in memory, for tests and single-process programs."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from wspubsub.errors import KeyConflictError
from wspubsub.log import replays
from wspubsub.log.drafts import Draft, check_key, check_timeout, digest, draft
from wspubsub.log.histories import Histories, HistoryPlan
from wspubsub.log.replays import Log, Newest, Replay, check_since
from wspubsub.log.rules import (
    DEFAULT_HISTORY,
    DELETION_MARGIN_SECONDS,
    Appended,
    History,
    LoggedMessage,
    Position,
    check_limit,
    genesis_position,
    is_position,
    is_served,
    position_after,
)
from wspubsub.topics import validate_topic

SWEEP_SECONDS = 60.0
"""How often everything that has expired is dropped."""


class _First(NamedTuple):
    """What is remembered of the first message with a key."""

    position: Position
    published_at: float
    id: str
    digest: str
    is_sent: bool = False


class _Topic:
    """The entries of one topic.

    Attributes:
        messages: Those that are kept, in order.
        position: Position of the newest entry, which may be of no message.
        written_at: When that was written.
    """

    __slots__ = ("messages", "position", "written_at")

    def __init__(self) -> None:
        self.messages: deque[LoggedMessage] = deque()
        self.position: Position | None = None
        self.written_at = 0.0


class MemoryTopicLog:
    """A topic log for tests and single-process programs.

    It is safe to use from several threads. It does not outlive the process and is not
    shared between Lambda environments: use `DynamoDBTopicLog` there.

    Args:
        history: How much is kept: of every topic, by pattern of topic names, or as a
            function of the topic says. A topic without a history has no log.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        history: Histories = DEFAULT_HISTORY,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._plan = HistoryPlan(history)
        self._now = now
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._keys: dict[tuple[str, str], _First] = {}
        self._next_sweep = now() + SWEEP_SECONDS

    def keeps(self, topic: str) -> bool:
        """See `TopicLog.keeps`."""
        return self._plan.find(validate_topic(topic)) is not None

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        info: bytes | None = None,
        timeout_seconds: float | None = None,
    ) -> Appended:
        """See `TopicLog.append`; nothing is retried, so the timeout has no effect."""
        drafted = draft(topic, data, key, exclude, info)
        check_timeout(timeout_seconds)
        history = self._plan.require(drafted.topic)
        with self._lock:
            now = self._now()
            self._sweep(now)
            if drafted.key is None:
                return Appended(self._add(drafted, history, now), is_new=True)
            first = self._keys.get((drafted.topic, drafted.key))
            if first is not None and is_served(first.published_at, history, now):
                return _answer_repeat(drafted, drafted.key, first)
            message = self._add(drafted, history, now)
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
        self._plan.require(message.topic)
        with self._lock:
            first = self._keys.get((message.topic, key))
            if first is not None and first.id == message.id:
                self._keys[message.topic, key] = first._replace(is_sent=True)

    def ensure_position(
        self, topic: str, *, timeout_seconds: float | None = None
    ) -> Position:
        """See `TopicLog.ensure_position`."""
        topic = validate_topic(topic)
        check_timeout(timeout_seconds)
        history = self._plan.require(topic)
        with self._lock:
            now = self._now()
            self._sweep(now)
            return self._begin(topic, history, now)[1]

    def position(self, topic: str) -> Position | None:
        """See `TopicLog.position`."""
        newest = self._log(validate_topic(topic)).newest
        return newest.position if newest else None

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """See `TopicLog.read`."""
        topic = validate_topic(topic)
        check_since(since)
        check_limit(limit)
        return replays.read(self._log(topic), since, limit)

    def recover(
        self,
        topic: str,
        since: Position,
        *,
        limit: int = 100,
        timeout_seconds: float | None = None,
    ) -> Replay:
        """See `TopicLog.recover`."""
        check_since(since, is_needed=True)
        check_limit(limit)
        self.ensure_position(topic, timeout_seconds=timeout_seconds)
        return replays.recover(self._log(validate_topic(topic)), since, limit)

    def read_history(
        self,
        topic: str,
        since: Position | None = None,
        limit: int | None = None,
        *,
        reverse: bool = False,
    ) -> Replay:
        """See `TopicLog.read_history`."""
        topic = validate_topic(topic)
        check_since(since)
        if limit is not None:
            check_limit(limit)
        return replays.read_history(self._log(topic), since, limit, reverse=reverse)

    def _begin(
        self, topic: str, history: History, now: float
    ) -> tuple[_Topic, Position]:
        """Return the entries of a topic and its position, which begins if necessary."""
        found = self._topics.setdefault(topic, _Topic())
        position = found.position
        if position is None or not is_position(found.written_at, history, now):
            found.position = position = genesis_position(position)
            found.written_at = now
        return found, position

    def _add(self, drafted: Draft, history: History, now: float) -> LoggedMessage:
        found, position = self._begin(drafted.topic, history, now)
        now = max(now, found.written_at)
        message = drafted.at(position_after(position), now)
        found.position, found.written_at = message.position, now
        found.messages.append(message)
        # What has expired goes as well, or else it stayed until the topic is quiet.
        oldest = message.position.offset - history.limit
        while found.messages[0].position.offset <= oldest or not is_served(
            found.messages[0].published_at, history, now
        ):
            found.messages.popleft()
        return message

    def _log(self, topic: str) -> Log:
        history = self._plan.require(topic)
        with self._lock:
            now = self._now()
            found = self._topics.get(topic, _Topic())
            served = {
                each.position.offset: each
                for each in found.messages
                if is_served(each.published_at, history, now)
            }
            newest = None
            if found.position and is_position(found.written_at, history, now):
                newest = Newest(
                    found.position, is_served(found.written_at, history, now)
                )

        def fetch(offsets: range) -> Iterator[LoggedMessage]:
            return (served[offset] for offset in offsets if offset in served)

        return Log(newest, history.limit, fetch)

    def _sweep(self, now: float) -> None:
        # Nobody may ever read what has expired, and it must not pile up.
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for topic, found in list(self._topics.items()):
            history = self._plan.find(topic)
            if history is None or _is_forgotten(found, history, now):
                del self._topics[topic]
                continue
            while found.messages and not is_served(
                found.messages[0].published_at, history, now
            ):
                found.messages.popleft()
        for name, first in list(self._keys.items()):
            history = self._plan.find(name[0])
            if history is None or not is_served(first.published_at, history, now):
                del self._keys[name]


def _is_forgotten(topic: _Topic, history: History, now: float) -> bool:
    lasts = history.position_ttl_seconds + DELETION_MARGIN_SECONDS
    return topic.written_at <= now - lasts


def _answer_repeat(drafted: Draft, key: str, first: _First) -> Appended:
    if first.digest != digest(drafted.data):
        raise KeyConflictError(drafted.topic, key)
    message = drafted.at(first.position, first.published_at, id_=first.id)
    return Appended(message, is_new=False, is_sent=first.is_sent)
