"""Reading and calling with a time that ends, whatever does not answer."""

import threading
from collections.abc import Iterator

import pytest

from tests.support.virtual_time import VirtualTime
from wspubsub import StoreTimeoutError
from wspubsub.dynamodb.pages import ItemPage, StartKey, read_ahead
from wspubsub.dynamodb.timeouts import run_within


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Lets go who waits for an answer that does not come."""
    event = threading.Event()
    yield event
    event.set()


def is_reading(thread: threading.Thread) -> bool:
    return thread.name.startswith("wspubsub-page")


def test_a_page_that_does_not_come_ends_the_reading(released: threading.Event) -> None:
    def read(part: str, _start: StartKey | None) -> ItemPage[dict[str, str]]:
        if part == "silent":
            released.wait(30)
        return ItemPage([{"sk": part}], None)

    pages = read_ahead(["a", "silent"], read, seconds=0.25)

    assert next(pages) == ("a", [{"sk": "a"}])
    with pytest.raises(StoreTimeoutError, match=r"Query: no answer within 0\.2 s") as e:
        next(pages)
    assert (e.value.operation, e.value.code) == ("Query", "Timeout")


def test_what_has_been_read_comes_though_the_time_is_over() -> None:
    virtual = VirtualTime()

    def read(_part: str, start: StartKey | None) -> ItemPage[dict[str, str]]:
        return ItemPage([{"sk": "x"}], None if start else {"next": True})

    pages = read_ahead(["a"], read, seconds=1.0, clock=virtual.clock)
    first = next(pages)
    [second] = pages

    assert first == second == ("a", [{"sk": "x"}])


def test_who_stops_early_does_not_wait_for_what_is_silent(
    released: threading.Event,
) -> None:
    begun = threading.Event()

    def read(part: str, _start: StartKey | None) -> ItemPage[dict[str, str]]:
        if part == "silent":
            begun.set()
            released.wait(30)
        return ItemPage([{"sk": part}], None)

    pages = read_ahead(["a", "silent"], read, seconds=20.0)
    next(pages)
    begun.wait(20)
    assert hasattr(pages, "close")
    pages.close()

    # It was left while the read went on.
    assert any(map(is_reading, threading.enumerate()))


def test_a_call_that_ends_in_time_is_as_without() -> None:
    def fail() -> str:
        raise ZeroDivisionError

    assert run_within(20.0, lambda: "x", "Query") == "x"
    assert run_within(float("inf"), lambda: None, "Query") is None
    with pytest.raises(ZeroDivisionError):
        run_within(20.0, fail, "Query")


@pytest.mark.parametrize("seconds", [0.05, -1.0])
def test_a_call_that_takes_too_long_is_left_behind(
    released: threading.Event, seconds: float
) -> None:
    def call() -> bool:
        return released.wait(30)

    with pytest.raises(StoreTimeoutError, match="no answer") as caught:
        run_within(seconds, call, "Query")

    assert caught.value.operation == "Query"
