"""What the handlers of a gateway are invoked with, and whose turn it is to run them."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from wspubsub.errors import UsageError
from wspubsub.testing.turns import run_in_turns

ItemT = TypeVar("ItemT")


class Work(Generic[ItemT]):
    """Invocations that are to be run: one after the other, in the thread of a test.

    Several threads may use a gateway. What a test does waits until the handlers that
    another thread has caused are done; what a handler does, in any thread of its own,
    never waits, and what comes of it is run after the handler.

    Args:
        run: Runs one of them; returns what its function raised.

    Attributes:
        is_running: Whether a function is running, in any thread.
        is_held: Whether everything waits for the end of a `side_by_side` block.
    """

    def __init__(self, run: Callable[[ItemT], Exception | None]) -> None:
        self.is_running = False
        self.is_held = False
        self._run = run
        self._items: deque[ItemT] = deque()
        self._turn = threading.RLock()
        self._thread = threading.local()

    @property
    def is_in_handler(self) -> bool:
        """Whether this thread is running a function."""
        return getattr(self._thread, "is_in_handler", False)

    def add(self, item: ItemT) -> None:
        """Add an invocation; `drain` runs it."""
        self._items.append(item)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the functions that other threads have caused, and keep them out."""
        if self.is_in_handler:
            yield
            return
        with self._turn:
            yield
        # What a handler's own thread left to whoever had the turn.
        self.drain()

    def drain(self) -> None:
        """Run everything there is, unless somebody is at it: then they run it too.

        Raises:
            Exception: What the first function that failed raised.
        """
        raised = None
        # Asked again after each turn: what is added meanwhile is left to us.
        while self._items and not self.is_held and not self.is_running:
            if not self._turn.acquire(blocking=False):
                break
            try:
                raised = self._run_all(raised)
            finally:
                self._turn.release()
        if raised is not None:
            raise raised

    @contextmanager
    def side_by_side(self, seed: int) -> Iterator[None]:
        """Hold what is added in the block, and then run it side by side.

        Args:
            seed: Determines the order; see `run_in_turns`.

        Raises:
            UsageError: This is called by a handler, or within such a block.
        """
        if self.is_in_handler or self.is_held:
            raise UsageError(
                "a block whose handlers run side by side cannot be inside of a handler "
                "or of another such block"
            )
        with self._turn:
            self.is_held = True
            try:
                yield
            finally:
                self.is_held = False
            self.is_running = True
            try:
                errors = run_in_turns(self._take, self._run_one, seed=seed)
            finally:
                self.is_running = False
        self.drain()
        if errors:
            raise errors[0]

    def _take(self) -> ItemT | None:
        return self._items.popleft() if self._items else None

    def _run_all(self, raised: Exception | None) -> Exception | None:
        self.is_running = True
        try:
            while (item := self._take()) is not None:
                error = self._run_one(item)
                raised = raised or error
        finally:
            self.is_running = False
        return raised

    def _run_one(self, item: ItemT) -> Exception | None:
        self._thread.is_in_handler = True
        try:
            return self._run(item)
        finally:
            self._thread.is_in_handler = False
