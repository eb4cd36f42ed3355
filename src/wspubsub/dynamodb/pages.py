"""Reading ahead: the next page of every part is on its way while one is used."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

from wspubsub.errors import StoreTimeoutError

PartT = TypeVar("PartT")
StartKey = dict[str, Any]

MAX_THREADS = 32

LONGEST_WAIT_SECONDS = 3600.0
"""The system cannot wait for ever."""

LEAVING_SECONDS = 1.0
"""How long pages that nobody wants any more are waited for."""


class Page:
    """The items of one page, and where the next one starts, if there is one."""

    __slots__ = ("items", "next_key")

    def __init__(self, items: list[dict[str, Any]], next_key: StartKey | None) -> None:
        self.items = items
        self.next_key = next_key


def read_ahead(
    parts: Sequence[PartT],
    read: Callable[[PartT, StartKey | None], Page],
    *,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[PartT, list[dict[str, Any]]]]:
    """Yield the pages of several parts as they come, each with what it is a page of.

    At most one page of each part is held besides the one in use, so memory does not
    grow with the number of items. When the consumer stops early, what is under way is
    waited for, if there is time, and unless DynamoDB is silent nothing is left running.

    Args:
        parts: What to read.
        read: Reads a page of a part.
        seconds: How long to wait for pages, from now on; None for no limit.
        clock: Monotonic clock in seconds.

    Raises:
        StoreTimeoutError: A page did not come in that time.
    """
    until = math.inf if seconds is None else clock() + seconds
    return _pages(parts, read, lambda: min(until - clock(), LONGEST_WAIT_SECONDS))


def _pages(
    parts: Sequence[PartT],
    read: Callable[[PartT, StartKey | None], Page],
    seconds_left: Callable[[], float],
) -> Iterator[tuple[PartT, list[dict[str, Any]]]]:
    from concurrent.futures import (  # noqa: PLC0415 - connecting reads no pages
        FIRST_COMPLETED,
        ThreadPoolExecutor,
        wait,
    )

    threads = max(1, min(len(parts), MAX_THREADS))
    pool = ThreadPoolExecutor(threads, "wspubsub-page")
    begun_with = seconds_left()
    under_way: dict[Future[Page], PartT] = {}
    try:
        under_way.update((pool.submit(read, part, None), part) for part in parts)
        while under_way:
            done, _ = wait(under_way, max(0.0, seconds_left()), FIRST_COMPLETED)
            if not done:
                raise StoreTimeoutError("Query", begun_with)
            for future in done:
                part = under_way.pop(future)
                page = future.result()
                if page.next_key is not None:
                    under_way[pool.submit(read, part, page.next_key)] = part
                yield part, page.items
    finally:
        # A thread cannot be interrupted, but nobody has to wait for it: its request
        # ends by its own timeouts.
        pool.shutdown(wait=False, cancel_futures=True)
        running = [future for future in under_way if not future.cancelled()]
        seconds = min(max(0.0, seconds_left()), LEAVING_SECONDS)
        late = wait(running, seconds).not_done
        pool.shutdown(wait=not late)
