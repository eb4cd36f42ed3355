"""Stores and logs in memory that fail, and read late, when a test asks them to."""

import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from typing_extensions import override

from wspubsub.aws.meanings import UNREACHABLE
from wspubsub.errors import StoreError, UsageError
from wspubsub.faults import Action, Fault, Faults, Match, Occasion, Rule, Service
from wspubsub.faults.operations import list_operations
from wspubsub.log.memory import MemoryTopicLog
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.port import TTL_SECONDS, Segment
from wspubsub.testing.faults import suffer
from wspubsub.testing.turns import take_turns
from wspubsub.topics import validate_topic

_OWN = frozenset({"fail", "snapshot"})


def _list_own(cls: type) -> list[str]:
    return [each for each in list_operations(cls) if each not in _OWN]


def _wrap(name: str, function: Callable[..., object]) -> Callable[..., object]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def operate(self: "Scripted", *args: Any, **options: Any) -> object:
        return self._operate(
            name,
            lambda: function(self, *args, **options),
            lambda: signature.bind(self, *args, **options).arguments,
        )

    return operate


class Scripted:
    """What a store and a log in memory have in common: their operations can fail."""

    @override
    def __init_subclass__(cls) -> None:
        """Have every operation of the port pass through `_operate`."""
        super().__init_subclass__()
        for name in _list_own(cls):
            setattr(cls, name, _wrap(name, getattr(cls, name)))

    def __init__(
        self, *args: Any, faults: Faults | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        # What `fail` asks of this one is nothing to others with the same rules.
        self._own_faults = Faults()
        self._faults = faults or Faults()
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
        known = _list_own(type(self))
        if operation is not None and operation not in known:
            raise UsageError(
                f"there is no operation {operation!r}; use one of {', '.join(known)}"
            )
        match = Match(service=Service.DYNAMODB, operation=operation)
        rule = Rule(match=match, action=Action.FAIL, times=times, error=error)
        self._own_faults.add(rule)

    def _operate(
        self,
        name: str,
        act: Callable[[], object],
        arguments: Callable[[], Mapping[str, Any]],
    ) -> object:
        # What one operation calls is part of it.
        if getattr(self._thread, "is_inside", False):
            return act()
        take_turns()
        fault = self._find_fault(name, arguments)
        if fault is None:
            return self._act(act)
        return suffer(
            fault,
            lambda: self._act(act),
            wait=self._faults.wait,
            answer=_raise_error,
            silence=lambda: _raise_error(fault),
        )

    def _act(self, act: Callable[[], object]) -> object:
        self._thread.is_inside = True
        try:
            return act()
        finally:
            self._thread.is_inside = False

    def _find_fault(
        self, name: str, arguments: Callable[[], Mapping[str, Any]]
    ) -> Fault | None:
        if self._own_faults.is_empty and self._faults.is_empty:
            return None
        occasion = _see(name, arguments())
        return self._own_faults.find(occasion) or self._faults.find(occasion)


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
        faults: Rules of what fails, such as those of an `InProcessGateway`.
    """

    def __init__(
        self,
        *,
        api: str | None = None,
        max_topics: int | None = None,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
        stale_seconds: float = 0.0,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(
            api=api,
            max_topics=max_topics,
            ttl_seconds=ttl_seconds,
            now=now,
            faults=faults,
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
    def _operate(
        self,
        name: str,
        act: Callable[[], object],
        arguments: Callable[[], Mapping[str, Any]],
    ) -> object:
        result = super()._operate(name, act, arguments)
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

    Its arguments are those of `MemoryTopicLog`, and `faults` as for `ScriptedStore`.
    """


def _see(name: str, arguments: Mapping[str, Any]) -> Occasion:
    connection = arguments.get("connection")
    connection_id = getattr(connection, "id", None) or arguments.get("connection_id")
    topics = (arguments.get("topic"), *arguments.get("topics", ()))
    return Occasion(
        service=Service.DYNAMODB,
        operation=name,
        connections=(connection_id,) if connection_id else (),
        topics=tuple(each for each in topics if isinstance(each, str)),
    )


def _raise_error(fault: Fault) -> NoReturn:
    rule, name = fault.rule, fault.occasion.operation
    if rule.error is not None:
        raise rule.error
    code = {Action.THROTTLE: rule.code, Action.FAIL: "InternalServerError"}.get(
        fault.action, UNREACHABLE
    )
    raise StoreError(f"{name} failed, as the test asked", operation=name, code=code)
