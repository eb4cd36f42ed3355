"""The store in memory, beyond the contract in tests/contracts/test_store.py."""

import gc
import weakref

from tests.contracts.stores import Clock
from wspubsub import Connection, MemorySubscriptionStore


class Attributes(dict[str, str]):
    """Attributes that can be watched."""


def test_what_has_expired_does_not_pile_up() -> None:
    clock = Clock()
    store = MemorySubscriptionStore(ttl_seconds=60, now=clock)
    attributes = Attributes(name="Ann")
    watched = weakref.ref(attributes)
    store.connect(Connection(id="a=", connected_at=0.0, attributes=attributes))
    store.subscribe("a=", "news")
    del attributes
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


def test_the_default_clock_is_the_system_s() -> None:
    store = MemorySubscriptionStore()
    store.subscribe("a=", "news")

    assert list(store.subscribers("news")) == ["a="]
