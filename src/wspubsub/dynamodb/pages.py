"""Reading ahead: the next page of every part is on its way while one is used."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

PartT = TypeVar("PartT")
StartKey = dict[str, Any]

MAX_THREADS = 32


class Page:
    """The items of one page, and where the next one starts, if there is one."""

    __slots__ = ("items", "next_key")

    def __init__(self, items: list[dict[str, Any]], next_key: StartKey | None) -> None:
        self.items = items
        self.next_key = next_key


def read_ahead(
    parts: Sequence[PartT], read: Callable[[PartT, StartKey | None], Page]
) -> Iterator[tuple[PartT, list[dict[str, Any]]]]:
    """Yield the pages of several parts as they come, each with what it is a page of.

    At most one page of each part is held besides the one in use, so memory does not
    grow with the number of items. When the consumer stops early, what is under way is
    waited for and nothing is left running.
    """
    from concurrent.futures import (  # noqa: PLC0415 - connecting reads no pages
        FIRST_COMPLETED,
        ThreadPoolExecutor,
        wait,
    )

    threads = max(1, min(len(parts), MAX_THREADS))
    pool = ThreadPoolExecutor(threads, "wspubsub-page")
    try:
        under_way: dict[Future[Page], PartT] = {
            pool.submit(read, part, None): part for part in parts
        }
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                part = under_way.pop(future)
                page = future.result()
                if page.next_key is not None:
                    under_way[pool.submit(read, part, page.next_key)] = part
                yield part, page.items
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
