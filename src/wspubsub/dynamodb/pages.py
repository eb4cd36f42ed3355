"""Reading ahead: the next pages of some parts are requested while one is used."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

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
    begun_with = seconds_left()
    waiting = iter(parts)
    readers = _Readers(read)
    try:
        for part in islice(waiting, MAX_AHEAD):
            readers.start(part, None)
        while readers.under_way:
            if not readers.wait(seconds_left()):
                raise StoreTimeoutError("Query", begun_with)
            part, page = readers.take()
            if page.next_key is not None:
                readers.start(part, page.next_key)
            else:
                for other in islice(waiting, 1):
                    readers.start(other, None)
            yield part, page.items
    finally:
        # A thread cannot be interrupted, but nobody has to wait for it: its request
        # ends by its own timeouts.
        readers.leave(min(seconds_left(), LEAVING_SECONDS))


class _Readers(Generic[PartT, ItemT]):
    """Pages on their way, each in a thread.

    `concurrent.futures` is a millisecond of a cold start's first publish, half of it
    for parts that nothing here needs.

    Args:
        read: Reads a page of a part.

    Attributes:
        under_way: The threads whose pages have not been taken.
    """

    def __init__(
        self, read: Callable[[PartT, StartKey | None], ItemPage[ItemT]]
    ) -> None:
        self.under_way: set[threading.Thread] = set()
        self._read = read
        self._ended = threading.Semaphore(0)
        self._results: list[_Result[PartT, ItemT]] = []

    def start(self, part: PartT, key: StartKey | None) -> None:
        """Begin to read a page."""
        thread = threading.Thread(
            target=self._run, args=(part, key), name="wspubsub-page", daemon=True
        )
        thread.start()
        self.under_way.add(thread)

    def wait(self, seconds: float) -> bool:
        """Return whether a page has come in that time."""
        return self._ended.acquire(timeout=max(0.0, seconds))

    def take(self) -> tuple[PartT, ItemPage[ItemT]]:
        """Return the page that has been waited for, or raise what reading it raised."""
        thread, part, page = self._results.pop(0)
        self.under_way.remove(thread)
        if isinstance(page, BaseException):
            raise page
        return part, page

    def leave(self, seconds: float) -> None:
        """Wait that long for the threads to end."""
        until = time.monotonic() + seconds
        for thread in self.under_way:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, part: PartT, key: StartKey | None) -> None:
        page: ItemPage[ItemT] | BaseException
        try:
            page = self._read(part, key)
        except BaseException as error:  # noqa: BLE001 - raised by `take`
            page = error
        self._results.append((threading.current_thread(), part, page))
        self._ended.release()


_Result = tuple[threading.Thread, PartT, ItemPage[ItemT] | BaseException]
