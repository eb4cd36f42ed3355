"""The store in memory, beyond the contract in tests/contracts/test_store.py."""

import gc
import weakref
from collections.abc import Callable

import pytest

from tests.support.growth import bytes_kept
from tests.support.virtual_time import Clock
from wspubsub import Connection, MemorySubscriptionStore


def watch_a_record(store: MemorySubscriptionStore) -> weakref.ref[Connection]:
    """Record a connection, and return what says whether the store still has it."""
    store.connect(Connection(id="a=", connected_at=0.0))
    recorded = store.connection("a=")
    assert recorded is not None
    return weakref.ref(recorded)


def test_what_has_expired_does_not_pile_up() -> None:
    clock = Clock()
    store = MemorySubscriptionStore(ttl_seconds=60, now=clock)
    watched = watch_a_record(store)
    store.subscribe("a=", "news")
    clock.advance(50)
    store.connect(Connection(id="b=", connected_at=0.0))
    store.subscribe("b=", "news")
    assert watched() is not None

    clock.advance(11)
    store.subscribe("c=", "sport")

    gc.collect()
    assert watched() is None
    assert list(store.subscribers("news")) == ["b="]
    assert store.topics("a=") == frozenset()
    assert store.connection("b=") is not None


def subscribe_for_good(store: MemorySubscriptionStore, number: int) -> None:
    store.subscribe(f"connection {number}", f"topic {number}")


def subscribe_for_a_while(store: MemorySubscriptionStore, number: int) -> None:
    store.subscribe(f"connection {number}", f"topic {number}")
    store.unsubscribe(f"connection {number}", f"topic {number}")


def connect_for_good(store: MemorySubscriptionStore, number: int) -> None:
    store.connect(Connection(id=f"connection {number}", connected_at=0.0))


def be_greeted(store: MemorySubscriptionStore, number: int) -> None:
    store.mark_ready(f"connection {number}")


def leave(store: MemorySubscriptionStore, number: int) -> None:
    connect_for_good(store, number)
    be_greeted(store, number)
    subscribe_for_good(store, number)
    store.disconnect(f"connection {number}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "act",
    [subscribe_for_good, subscribe_for_a_while, connect_for_good, be_greeted, leave],
)
def test_it_does_not_grow_with_those_who_are_not_there_any_more(
    act: Callable[[MemorySubscriptionStore, int], None],
) -> None:
    clock = Clock()
    store = MemorySubscriptionStore(ttl_seconds=60, now=clock)

    def act_later(number: int) -> None:
        clock.advance(10)
        act(store, number)

    assert bytes_kept(act_later, times=1000) < 50_000


def test_what_is_swept_is_swept_at_the_end_of_its_time() -> None:
    clock = Clock()
    store = MemorySubscriptionStore(ttl_seconds=60, now=clock)
    watched = watch_a_record(store)
    clock.advance(60)

    store.mark_ready("b=")

    gc.collect()
    assert watched() is None


def test_the_default_clock_is_the_system_s() -> None:
    store = MemorySubscriptionStore()
    store.subscribe("a=", "news")

    assert list(store.subscribers("news")) == ["a="]
