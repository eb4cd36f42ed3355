"""Reading the pages of several parts at once, ahead of their consumer."""

import threading
from collections.abc import Iterator

import pytest

from wspubsub.dynamodb.pages import ItemPage, StartKey, read_ahead

MAX_SECONDS = 10
Item = dict[str, int]
Parts = Iterator[tuple[str, list[Item]]]


class Pages:
    """Parts of pages with one item each.

    Attributes:
        reads: Every read that has begun, in order.
        begun: Is released once for each of them.
    """

    def __init__(self, **pages: int) -> None:
        self.reads: list[tuple[str, int]] = []
        self.begun = threading.Semaphore(0)
        self._pages = pages
        self._held: dict[tuple[str, int], threading.Event] = {}

    def hold(self, part: str, number: int) -> threading.Event:
        """Have a page come only when the event is set."""
        return self._held.setdefault((part, number), threading.Event())

    def read(self, part: str, start: StartKey | None) -> ItemPage[Item]:
        number = int(start["n"]) if start else 1
        self.reads.append((part, number))
        self.begun.release()
        if event := self._held.get((part, number)):
            assert event.wait(MAX_SECONDS)
        has_more = number < self._pages[part]
        return ItemPage([{"n": number}], {"n": number + 1} if has_more else None)

    def await_reads(self, count: int) -> None:
        for _ in range(count):
            assert self.begun.acquire(timeout=MAX_SECONDS)


def release(events: list[threading.Event]) -> None:
    for event in events:
        event.set()


def numbers(pages: Parts) -> list[tuple[str, int]]:
    return [(part, item["n"]) for part, items in pages for item in items]


def test_every_page_of_every_part_comes_once() -> None:
    pages = Pages(a=3, b=1, c=2)

    found = numbers(read_ahead(["a", "b", "c"], pages.read))

    assert sorted(found) == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1), ("c", 2)]


def test_without_parts_nothing_is_read() -> None:
    assert list(read_ahead([], Pages().read)) == []


def test_the_next_page_is_read_while_one_is_used_and_no_further() -> None:
    pages = Pages(a=9)
    reading = read_ahead(["a"], pages.read)

    next(reading)
    pages.await_reads(2)

    assert pages.reads == [("a", 1), ("a", 2)]
    assert numbers(reading) == [("a", number) for number in range(2, 10)]


def test_a_slow_part_holds_up_no_other() -> None:
    pages = Pages(slow=1, quick=3)
    event = pages.hold("slow", 1)
    reading = read_ahead(["slow", "quick"], pages.read)

    found = [next(reading)[0] for _ in range(3)]
    event.set()

    assert found == ["quick", "quick", "quick"]
    assert [part for part, _ in reading] == ["slow"]


def test_when_the_consumer_stops_nothing_is_left_running_or_begun() -> None:
    parts = [f"part {number}" for number in range(50)]
    pages = Pages(**dict.fromkeys(parts, 1))
    held = [pages.hold(part, 1) for part in parts[1:]]
    reading = read_ahead(parts, pages.read)
    next(reading)
    # Eight at a time: the first one's thread has gone on with another.
    pages.await_reads(9)

    # They go on when the reader has long stopped.
    timer = threading.Timer(0.2, release, [held])
    timer.start()
    reading.close()  # type: ignore[attr-defined] # it is a generator
    timer.join()

    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("wspubsub-page") for name in names)
    assert len(pages.reads) == 9


def test_an_error_of_a_part_reaches_the_consumer() -> None:
    def fail(_part: str, _start: StartKey | None) -> ItemPage[Item]:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        list(read_ahead(["a"], fail))
