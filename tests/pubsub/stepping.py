"""What a function asks while other things happen: its table, its members, API Gateway.

Whenever a function waits for an answer, other functions and clients may go on first.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub.connections import ConnectionInfo, Outcome, PostOutcome
from wspubsub.errors import ConnectionGoneError, ManagementError, StoreError
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.sessions import Began, Member


class CrashError(BaseException):
    """A Lambda environment is gone."""


class Steps(ABC):
    """Decides what happens in between, and what fails.

    Attributes:
        without: Which step of the proof of recovery is left out, if any.
        consistent: Whether each read of the members was strongly consistent.
    """

    random: Random
    time: VirtualTime
    without: str
    consistent: list[bool]

    @abstractmethod
    def step(self) -> None:
        """Let something else happen, perhaps, where a function waits for an answer."""

    @abstractmethod
    def fails(self) -> bool:
        """Return whether a post or a write fails."""

    @contextmanager
    def steps(self) -> Iterator[None]:
        """Let something happen before and after."""
        self.step()
        yield
        self.step()

    def fail_store(self) -> None:
        """Raise `StoreError`, perhaps."""
        if self.fails():
            raise StoreError("throttled", operation="UpdateItem", code="T")


class SteppedTable:
    """Lets other things happen before each request for the log."""

    def __init__(self, table: SmallTable, step: Callable[[], None]) -> None:
        self._table = table
        self._step = step

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self._step()
            return getattr(self._table, operation)(**request)

        return call


class SteppedMembers(MemoryMemberStore):
    """Lets other things happen before and after each request, and can fail."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(now=steps.time.now)
        self._steps = steps
        self._replica: list[Member] = []

    def begin_subscription(self, *arguments: Any, **options: Any) -> Began:
        options["is_held"] = options["is_held"] and self._steps.without != "holds"
        with self._steps.steps():
            return super().begin_subscription(*arguments, **options)

    def members(
        self, topic: str, *, consistent: bool = True, **_options: Any
    ) -> Iterator[Member]:
        self._steps.consistent.append(consistent)
        last = ""
        while True:
            # Pages of two, each as the table is when it is read.
            self._steps.step()
            now = sorted(super().members(topic))
            late, self._replica = self._replica, now
            seen = late if self._steps.without == "strong reads" else now
            found = [each for each in seen if each.connection_id > last]
            yield from found[:2]
            if len(found) <= 2:
                return
            last = found[1].connection_id

    def mark_lost(self, *arguments: Any, **options: Any) -> bool:
        self._steps.fail_store()
        if self._steps.without == "marks":
            return True
        return super().mark_lost(*arguments, **options)

    def trace(self, *arguments: Any, **options: Any) -> Member | None:
        self._steps.fail_store()
        if self._steps.without == "traces":
            return None
        return super().trace(*arguments, **options)

    def release(self, *arguments: Any, **options: Any) -> int | None:
        if self._steps.without == "told":
            options["told"] = ("another", 0)
        with self._steps.steps():
            return super().release(*arguments, **options)


class SteppedConnections:
    """API Gateway, whose posts wait in a client's inbox until it reads."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.inboxes: dict[str, deque[str]] = {}

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        outcome = self._try(connection_id, data)
        if outcome is Outcome.GONE:
            raise ConnectionGoneError(connection_id)
        if outcome is not Outcome.DELIVERED:
            raise ManagementError("no answer", status=None, code=None)

    def post_many(
        self, connection_ids: Iterable[str], data: bytes, **_options: Any
    ) -> Iterator[PostOutcome]:
        for connection_id in connection_ids:
            self._steps.step()
            yield PostOutcome(connection_id, self._try(connection_id, data))

    def get(self, connection_id: str) -> ConnectionInfo:
        raise NotImplementedError

    def close(self, connection_id: str) -> None:
        self.inboxes.pop(connection_id, None)

    def _try(self, connection_id: str, data: bytes) -> Outcome:
        inbox = self.inboxes.get(connection_id)
        if inbox is None:
            return Outcome.GONE
        fails = self._steps.fails()
        # If an answer was lost, the message has arrived.
        if not fails or self._steps.random.random() < 0.3:
            inbox.append(data.decode())
        return Outcome.FAILED if fails else Outcome.DELIVERED
