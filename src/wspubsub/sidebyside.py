"""Calls that wait for the network, several of them at a time."""

from collections.abc import Callable, Iterable
from typing import TypeVar

InT = TypeVar("InT")
OutT = TypeVar("OutT")

MAX_THREADS = 8


def run_each(
    function: Callable[[InT], OutT],
    values: Iterable[InT],
    *,
    most: int = MAX_THREADS,
    few: int = 1,
) -> list[OutT]:
    """Return a function's result for each value, in the values' order.

    Args:
        function: It is called in threads, unless there are few values.
        values: The values.
        most: How many run side by side.
        few: Up to this many are taken one after the other, without threads.
    """
    values = list(values)
    if len(values) <= few:
        return list(map(function, values))
    # Not at the top: most invocations have nothing to do side by side.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(most, "wspubsub-side-by-side") as pool:
        return list(pool.map(function, values))
