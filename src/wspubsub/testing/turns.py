"""Functions that run side by side: one at a time, in an order that can be repeated.

Each has a thread of its own. It runs until it is about to read or write what others
can see, where another one may go first.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from wspubsub.testing.seeds import make_random

ItemT = TypeVar("ItemT")

_thread = threading.local()


def take_turns() -> None:
    """Let others go first, perhaps; does nothing in a thread that has no others."""
    pause: Callable[[], None] | None = getattr(_thread, "pause", None)
    if pause is not None:
        pause()


def run_in_turns(
    take: Callable[[], ItemT | None],
    run: Callable[[ItemT], Exception | None],
    *,
    seed: int,
) -> list[Exception]:
    """Run something for each of some items side by side, and return what was raised.

    Args:
        take: Returns the next item, or None at the moment. It is asked
            again whenever a function pauses or ends.
        run: Runs a function for an item; returns what it raised.
        seed: Determines who goes first each time.
    """
    draw = make_random(seed)
    running: list[_Runner] = []
    errors: list[Exception] = []
    while True:
        while (item := take()) is not None:
            running.append(_Runner(run, item))
        if not running:
            return errors
        runner = draw.choice(running)
        runner.go_on()
        if runner.is_done:
            running.remove(runner)
            errors += runner.errors


class _Runner:
    """A function in a thread of its own, which stands still at each pause.

    It is daemonic: it never runs on if the test is interrupted meanwhile.
    """

    def __init__(self, run: Callable[[ItemT], Exception | None], item: ItemT) -> None:
        self.is_done = False
        self.errors: list[Exception] = []
        self._may_go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._interrupt: BaseException | None = None

        def act() -> None:
            self._may_go.acquire()
            _thread.pause = self._pause
            try:
                error = run(item)
                self.errors = [] if error is None else [error]
            except BaseException as interrupt:  # noqa: BLE001 - raised by `go_on`
                self._interrupt = interrupt
            self.is_done = True
            self._stands.release()

        threading.Thread(target=act, name="wspubsub handler", daemon=True).start()

    def go_on(self) -> None:
        """Let the function run up to its next pause, or to its end."""
        self._may_go.release()
        self._stands.acquire()
        if self._interrupt is not None:
            raise self._interrupt

    def _pause(self) -> None:
        self._stands.release()
        self._may_go.acquire()
