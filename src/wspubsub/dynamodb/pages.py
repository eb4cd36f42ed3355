"""Reading ahead: the next page of every shard is on its way while one is used."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Future

StartKey = dict[str, Any]


class Page(NamedTuple):
    """The items of one page, and where the next one starts, if there is one."""

    items: list[dict[str, Any]]
    next_key: StartKey | None


ReadPage = Callable[[str, StartKey | None], Page]


def read_ahead(partitions: list[str], read: ReadPage) -> Iterator[list[dict[str, Any]]]:
    """Yield the pages of several partitions as they come.

    At most one page of each partition is held besides the one in use, so memory does
    not grow with the number of items. When the consumer stops early, what is under
    way is waited for and nothing is left running.
    """
    from concurrent.futures import (  # noqa: PLC0415 - connecting reads no pages
        FIRST_COMPLETED,
        ThreadPoolExecutor,
        wait,
    )

    pool = ThreadPoolExecutor(len(partitions), "wspubsub-page")
    try:
        under_way: dict[Future[Page], str] = {
            pool.submit(read, partition, None): partition for partition in partitions
        }
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                partition = under_way.pop(future)
                page = future.result()
                if page.next_key is not None:
                    again = pool.submit(read, partition, page.next_key)
                    under_way[again] = partition
                yield page.items
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
