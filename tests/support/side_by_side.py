"""Functions that run side by side in virtual time, which passes while all wait."""

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence

from tests.support.virtual_time import NOW

STEP_SECONDS = 20
"""A step that takes so long in real time hangs."""


class SideBySide:
    """Runs functions in threads of which only one is awake at any moment.

    Attributes:
        passed: Seconds since the beginning.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self._order = itertools.count()
        self._asleep: list[tuple[float, int, threading.Semaphore]] = []
        self._all_wait = threading.Semaphore(0)
        self._awake = threading.Semaphore(0)
        self._errors: list[BaseException] = []

    def now(self) -> float:
        return NOW + self.passed

    def sleep(self, seconds: float) -> None:
        alarm = self._awake
        self._fall_asleep(seconds, alarm)
        self._all_wait.release()
        alarm.acquire()

    def run(self, functions: Sequence[Callable[[], object]]) -> None:
        for function in functions:
            alarm = threading.Semaphore(0)
            self._fall_asleep(0.0, alarm)
            threading.Thread(
                target=self._run, args=(function, alarm), daemon=True
            ).start()
        while self._asleep:
            self.passed, _, self._awake = heapq.heappop(self._asleep)
            self._awake.release()
            assert self._all_wait.acquire(timeout=STEP_SECONDS)
        if self._errors:
            raise self._errors[0]

    def _fall_asleep(self, seconds: float, alarm: threading.Semaphore) -> None:
        until = self.passed + seconds
        heapq.heappush(self._asleep, (until, next(self._order), alarm))

    def _run(self, function: Callable[[], object], alarm: threading.Semaphore) -> None:
        alarm.acquire()
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised by `run`
            self._errors.append(error)
        finally:
            self._all_wait.release()
