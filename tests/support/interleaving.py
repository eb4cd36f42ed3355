"""Several callers of one client, whose requests are let through one by one."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from random import Random
from typing import Any, Protocol

Caller = Callable[[Any], object]
Choose = Callable[[list[int]], list[int]]
"""Leaves out callers whose turn it shall not be; the first that remains comes next."""

MOST_CALLERS = 8


class World(Protocol):
    """What callers change at the same time."""

    def __call__(self) -> tuple[Any, Sequence[Caller]]:
        """Begin anew, and return a client and the callers."""

    def wrongs(self) -> list[str]:
        """Return what is not as it must be after a run."""


class _Turn:
    """One caller in a thread of its own, which stands still at each request."""

    def __init__(self, client: Any, caller: Caller, threads: Executor) -> None:
        self.is_done = False
        self._is_given_up = False
        self._client = client
        self._caller = caller
        self._go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._end = threads.submit(self._run)
        self._stands.acquire()

    def step(self) -> None:
        """Let a request through, and run the caller up to the next one."""
        self._go.release()
        self._stands.acquire()

    def give_up(self) -> None:
        """Have the caller fail at the request at which it stands."""
        self._is_given_up = True
        self._go.release()

    def finish(self) -> None:
        """Raise what the caller has raised."""
        self._end.result()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self._stands.release()
            self._go.acquire()
            if self._is_given_up:
                raise RuntimeError("the test is over")
            return getattr(self._client, operation)(**request)

        return call

    def _run(self) -> None:
        try:
            self._caller(self)
        finally:
            self.is_done = True
            self._stands.release()


def every_order(
    prepare: Callable[[], tuple[Any, Sequence[Caller]]],
) -> Iterator[list[int]]:
    """Run callers in every order in which their requests can come through.

    Args:
        prepare: Makes a new client and the callers, which are given a client.

    Yields:
        Whose requests came in which order, after each run.
    """
    prefix: list[int] = []

    def choose(callers: list[int]) -> list[int]:
        least = prefix[len(taken)] if len(taken) < len(prefix) else 0
        return [each for each in callers if each >= least]

    with ThreadPoolExecutor(MOST_CALLERS) as threads:
        while True:
            taken: list[list[int]] = []
            _run(*prepare(), threads, choose, taken)
            yield [callers[0] for callers in taken]
            while taken and len(taken[-1]) == 1:
                taken.pop()
            if not taken:
                return
            prefix = [callers[0] for callers in taken[:-1]] + [taken[-1][1]]


def some_orders(
    prepare: Callable[[], tuple[Any, Sequence[Caller]]], number: int
) -> Iterator[list[int]]:
    """Run callers in some orders, the same ones each time; as `every_order`."""
    random = Random(number)
    with ThreadPoolExecutor(MOST_CALLERS) as threads:
        for _ in range(number):
            taken: list[list[int]] = []
            _run(*prepare(), threads, lambda ids: [random.choice(ids)], taken)
            yield [callers[0] for callers in taken]


def find_wrongs(world: World, orders: int | None = None) -> Iterator[str]:
    """Yield what goes wrong, and in which order: in some, or else in every one."""
    ran = every_order(world) if orders is None else some_orders(world, orders)
    for order in ran:
        yield from (f"{order}: {wrong}" for wrong in world.wrongs())


def _run(
    client: Any,
    callers: Sequence[Caller],
    threads: Executor,
    choose: Choose,
    taken: list[list[int]],
) -> None:
    turns = [_Turn(client, caller, threads) for caller in callers]
    try:
        while runnable := [each for each, turn in enumerate(turns) if not turn.is_done]:
            chosen = choose(runnable)
            turns[chosen[0]].step()
            taken.append(chosen)
    except BaseException:
        # The time of the test is over, perhaps. Nothing may wait for these for ever.
        for turn in turns:
            turn.give_up()
        raise
    for turn in turns:
        turn.finish()
