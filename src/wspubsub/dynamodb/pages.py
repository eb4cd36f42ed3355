"""Reading ahead: the next pages of some parts are requested while one is used."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

from wspubsub.errors import StoreTimeoutError

PartT = TypeVar("PartT")
ItemT = TypeVar("ItemT")
StartKey = dict[str, Any]

MAX_AHEAD = 8
"""How many pages are held or on their way besides the one in use.

A page is up to 1 MB of items; it comes faster than its connections can be posted to.
"""

LONGEST_WAIT_SECONDS = 3600.0
"""The system cannot wait forever."""

LEAVING_SECONDS = 1.0
"""How long to wait for pages that nobody wants any more."""


class ItemPage(Generic[ItemT]):
    """The content of one page, and where the next one starts, if any."""

    __slots__ = ("items", "next_key")

    def __init__(self, items: list[ItemT], next_key: StartKey | None) -> None:
        self.items = items
        self.next_key = next_key


def read_ahead(
    parts: Sequence[PartT],
    read: Callable[[PartT, StartKey | None], ItemPage[ItemT]],
    *,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[PartT, list[ItemT]]]:
    """Yield the pages of several parts as they arrive, each with its part.

    At most eight pages are held besides the one in use, one of each part, so memory
    grows neither with the number of items nor with the number of parts. When the
    consumer stops early, what is under way is waited for, if there is time, and unless
    DynamoDB is silent nothing is left running.

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
    read: Callable[[PartT, StartKey | None], ItemPage[ItemT]],
    seconds_left: Callable[[], float],
) -> Iterator[tuple[PartT, list[ItemT]]]:
    # Not at the top: connecting reads no pages.
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    begun_with = seconds_left()
    waiting = iter(parts)
    pool = ThreadPoolExecutor(max(1, min(len(parts), MAX_AHEAD)), "wspubsub-page")
    under_way: dict[Future[ItemPage[ItemT]], PartT] = {}

    def start(part: PartT | None, key: StartKey | None) -> None:
        if part is not None:
            under_way[pool.submit(read, part, key)] = part

    try:
        for _ in range(MAX_AHEAD):
            start(next(waiting, None), None)
        while under_way:
            done, _ = wait(under_way, max(0.0, seconds_left()), FIRST_COMPLETED)
            if not done:
                raise StoreTimeoutError("Query", begun_with)
            future = done.pop()
            part = under_way.pop(future)
            page = future.result()
            if page.next_key is None:
                start(next(waiting, None), None)
            else:
                start(part, page.next_key)
            yield part, page.items
    finally:
        # A thread cannot be interrupted, but nobody has to wait for it: its request
        # ends by its own timeouts.
        pool.shutdown(wait=False, cancel_futures=True)
        running = [future for future in under_way if not future.cancelled()]
        seconds = min(max(0.0, seconds_left()), LEAVING_SECONDS)
        late = wait(running, seconds).not_done
        pool.shutdown(wait=not late)
