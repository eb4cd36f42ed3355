"""A virtual clock: threads that take turns, each at the time it has slept until."""

import heapq
import itertools
import threading
from collections.abc import Callable


class VirtualClock:
    """Runs functions side by side in virtual time, one at a time in real time.

    A function runs until it sleeps or ends; then the one that wakes up first goes on.
    So everything is deterministic, and an hour passes in no time.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, _Task]] = []
        self._turn = threading.Semaphore(0)
        self._running: _Task | None = None

    def __call__(self) -> float:
        """Return the virtual time in seconds."""
        return self.now

    def spawn(self, function: Callable[[], object], *, after: float = 0.0) -> None:
        """Have a function begin after so many seconds."""
        self._schedule(_Task(function, self._turn), self.now + after)

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass; only a spawned function may call it."""
        task = self._running
        if task is None:
            raise RuntimeError("only a spawned function sleeps in virtual time")
        self._schedule(task, self.now + max(0.0, seconds))
        self._turn.release()
        task.turn.acquire()

    def run(self) -> None:
        """Run until no function is left; raise what one of them raised."""
        while self._due:
            self.now, _, task = heapq.heappop(self._due)
            self._running = task
            task.go_on()
            self._turn.acquire()
            self._running = None
            if task.error is not None:
                raise task.error

    def _schedule(self, task: "_Task", at: float) -> None:
        heapq.heappush(self._due, (at, next(self._order), task))


class _Task:
    def __init__(
        self, function: Callable[[], object], turn: threading.Semaphore
    ) -> None:
        self.turn = threading.Semaphore(0)
        self.error: BaseException | None = None
        self._function = function
        self._scheduler_turn = turn
        self._thread: threading.Thread | None = None

    def go_on(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        else:
            self.turn.release()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:  # noqa: BLE001 - raised where the clock is run
            self.error = error
        finally:
            self._scheduler_turn.release()
