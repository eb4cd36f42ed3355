"""Doing the same with several things at a time."""

from collections.abc import Callable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

MAX_THREADS = 16
"""How many at a time."""


def do_side_by_side(
    function: Callable[[ItemT], ResultT], items: Sequence[ItemT]
) -> list[ResultT]:
    """Return what a function returns for each item, in the items' order.

    Args:
        function: It is called in threads, if there are several items.
        items: The items.
    """
    if len(items) <= 1:
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    threads = min(MAX_THREADS, len(items))
    with ThreadPoolExecutor(threads, "wspubsub-side-by-side") as pool:
        return list(pool.map(function, items))
