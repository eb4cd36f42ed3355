"""Stores and logs in memory that fail, and read late, when a test asks them to."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from typing_extensions import override

from wspubsub.errors import StoreError, UsageError
from wspubsub.log.memory import MemoryTopicLog
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.port import TTL_SECONDS, Segment
from wspubsub.testing.turns import take_turns
from wspubsub.topics import validate_topic

_OWN = frozenset({"fail", "snapshot"})


def _list_operations(cls: type) -> list[str]:
    public = [name for name in dir(cls) if not name.startswith("_")]
    return [
        each for each in public if each not in _OWN and callable(getattr(cls, each))
    ]


def _wrap(name: str, function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def operate(self: "Scripted", *args: Any, **options: Any) -> object:
        return self._operate(name, lambda: function(self, *args, **options))

    return operate


class Scripted:
    """What a store and a log in memory have in common: their operations can fail."""

    @override
    def __init_subclass__(cls) -> None:
        """Have every operation of the port pass through `_operate`."""
        super().__init_subclass__()
        for name in _list_operations(cls):
            setattr(cls, name, _wrap(name, getattr(cls, name)))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._faults: list[_Fault] = []
        self._thread = threading.local()

    def fail(
        self,
        operation: str | None = None,
        *,
        error: Exception | None = None,
        times: int | None = 1,
    ) -> None:
        """Have the next calls of an operation fail, before they change anything.

        Args:
            operation: Name of the method, such as `subscribe`; any of them if None.
            error: What it raises; a `StoreError` by default.
            times: How many calls; None for all that follow.

        Raises:
            UsageError: There is no such operation.
        """
        known = _list_operations(type(self))
        if operation is not None and operation not in known:
            raise UsageError(
                f"there is no operation {operation!r}; use one of {', '.join(known)}"
            )
        self._faults.append(_Fault(operation, error, times))

    def _operate(self, name: str, act: Callable[[], object]) -> object:
        # What one operation calls is part of it.
        if getattr(self._thread, "is_inside", False):
            return act()
        take_turns()
        for fault in self._faults:
            if fault.take(name):
                raise fault.make_error(name)
        self._thread.is_inside = True
        try:
            return act()
        finally:
            self._thread.is_inside = False


class ScriptedStore(Scripted, MemoryMemberStore):
    """A store in memory that fails, reads late and shows what is in it.

    It can be used for subscriptions and for a `PubSub`.

    Example:
        >>> store = ScriptedStore()
        >>> store.subscribe("L0SM9cOFvHcCIhw=", "news")
        >>> store.snapshot()
        {'news': {'L0SM9cOFvHcCIhw='}}
        >>> store.fail("topics")
        >>> store.topics("L0SM9cOFvHcCIhw=")
        Traceback (most recent call last):
        wspubsub.errors.StoreError: topics failed, as the test asked

    Args:
        api: See `MemorySubscriptionStore`.
        max_topics: See `MemorySubscriptionStore`.
        ttl_seconds: See `MemorySubscriptionStore`.
        now: Clock, in seconds since the epoch.
        stale_seconds: By how much the subscribers of a topic are late where the reader
            does not ask for consistency, as DynamoDB's may be by some hundredths of a
            second; 0 for not at all. It can be changed at any time.
    """

    def __init__(
        self,
        *,
        api: str | None = None,
        max_topics: int | None = None,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
        stale_seconds: float = 0.0,
    ) -> None:
        super().__init__(
            api=api, max_topics=max_topics, ttl_seconds=ttl_seconds, now=now
        )
        self.stale_seconds = stale_seconds
        # What was there from when on, oldest first.
        self._versions: list[tuple[float, dict[str, list[str]]]] = []

    def snapshot(self) -> dict[str, set[str]]:
        """Return all topics that have subscribers, with their connection IDs."""
        with self._lock:
            alive = {
                topic: set(self._alive(written))
                for topic, written in self._subscribers.items()
            }
        return {topic: ids for topic, ids in alive.items() if ids}

    @override
    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        if consistent or not self.stale_seconds:
            return super().subscribers(topic)
        at = self._now() - self.stale_seconds
        seen = [each for written_at, each in self._versions if written_at <= at]
        return iter(seen[-1].get(validate_topic(topic), []) if seen else [])

    @override
    def segment(
        self,
        topic: str,
        segment: Segment,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        # Read while this is one operation.
        return iter(list(super().segment(topic, segment, consistent=consistent)))

    @override
    def _operate(self, name: str, act: Callable[[], object]) -> object:
        result = super()._operate(name, act)
        now = self._now()
        version = {topic: sorted(ids) for topic, ids in self.snapshot().items()}
        # Nobody reads any but the last of an instant.
        if self._versions and self._versions[-1][0] == now:
            self._versions[-1] = (now, version)
        elif not self._versions or self._versions[-1][1] != version:
            self._versions.append((now, version))
        return result


class ScriptedLog(Scripted, MemoryTopicLog):
    """A log in memory that fails when a test asks it to.

    Its arguments are those of `MemoryTopicLog`.
    """


class _Fault:
    def __init__(
        self, operation: str | None, error: Exception | None, times: int | None
    ) -> None:
        self._operation = operation
        self._error = error
        self._times = times

    def take(self, name: str) -> bool:
        if self._operation not in {None, name} or self._times == 0:
            return False
        if self._times is not None:
            self._times -= 1
        return True

    def make_error(self, name: str) -> Exception:
        return self._error or StoreError(
            f"{name} failed, as the test asked",
            operation=name,
            code="InternalServerError",
        )
