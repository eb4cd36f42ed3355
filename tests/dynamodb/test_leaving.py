"""A connection that ends: said once, and nothing of it found for long."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB, refusal
from tests.support.interleaving import Caller, every_order, some_orders
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import Connection
from wspubsub.dynamodb import DynamoDBSubscriptionStore


class Ending:
    """Calls about a connection that has ended, which begin before any has ended."""

    def __init__(self, *calls: str) -> None:
        self.calls = calls
        self.clock = Clock()
        self.table = SmallTable()
        self.told: list[str] = []

    def __call__(self) -> tuple[SmallTable, Sequence[Caller]]:
        self.table = SmallTable()
        self.told = []
        store = self.store(self.table)
        store.connect(Connection(id="a=", connected_at=0.0))
        store.subscribe("a=", "news")
        self.clock.advance(60)
        return self.table, [partial(self._call, name) for name in self.calls]

    def store(self, client: Any) -> DynamoDBSubscriptionStore:
        return DynamoDBSubscriptionStore("t", client=client, now=self.clock)

    def _call(self, name: str, client: Any) -> None:
        store = self.store(client)
        if name == "disconnect":
            self.told += store.disconnect("a=")
        elif name == "prune":
            left = store.prune(["a="], topic="news").left
            self.told += left.get("a=", ())
        else:
            getattr(store, name)("a=", "news")


@pytest.mark.parametrize("other", ["prune", "disconnect"])
def test_that_somebody_left_is_said_once_in_every_order(other: str) -> None:
    ending = Ending("prune", other)

    for order in every_order(ending):
        assert ending.told == ["news"], order
        assert ending.table.keys() == set(), order


def test_that_somebody_left_is_said_once_by_many() -> None:
    ending = Ending("prune", "disconnect", "prune", "disconnect")

    for order in some_orders(ending, 300):
        assert ending.told == ["news"], order
        assert ending.table.keys() == set(), order


@pytest.mark.parametrize("call", ["prune", "disconnect"])
def test_an_unsubscribe_at_the_same_time_leaves_nothing(call: str) -> None:
    ending = Ending("unsubscribe", call)

    for order in every_order(ending):
        assert ending.table.keys() == set(), order
        assert ending.told in ([], ["news"])


def test_a_subscribe_at_the_same_time_leaves_what_the_next_publish_finds() -> None:
    ending = Ending("subscribe", "disconnect")

    for order in every_order(ending):
        left = ending.table.keys()
        if left:
            assert ("T#0#news", "a=") in left, order
        ending.clock.advance(60)
        ending.store(ending.table).prune(["a="], topic="news")
        assert ending.table.keys() == set(), order


def half_gone(client: FaultyDynamoDB, clock: Clock) -> DynamoDBSubscriptionStore:
    """Return a store in which the end of "a=" fails after one topic is deleted."""
    store = DynamoDBSubscriptionStore("t", client=client, now=clock)
    store.subscribe("a=", "news", "sport")
    clock.advance(60)
    client.plan("delete_item", [client.client.delete_item])
    client.fail("delete_item", refusal("InternalServerError"))
    return store


def ends(store: DynamoDBSubscriptionStore, call: str) -> frozenset[str]:
    if call == "disconnect":
        return store.disconnect("a=")
    return store.prune(["a="], topic="news").left.get("a=", frozenset())


@pytest.mark.parametrize("call", ["prune", "disconnect"])
def test_whatever_fails_afterward_who_has_left_is_said(
    client: FaultyDynamoDB, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    store = half_gone(client, Clock())

    first = ends(store, call)
    assert [each.message for each in caplog.records] == [
        "could not forget all the connections"
    ]
    assert len(first) == 1

    assert ends(store, call) == {"news", "sport"} - first


def test_who_has_left_is_said_though_dynamodb_falls_silent(
    client: FaultyDynamoDB,
) -> None:
    clock, speaks = Clock(), threading.Event()
    store = DynamoDBSubscriptionStore("t", client=client, now=clock)
    store.subscribe("a=", "news")
    clock.advance(60)
    client.before("batch_write_item", lambda: speaks.wait(10))

    left = store.prune(["a="], topic="news", timeout_seconds=0.5).left
    speaks.set()

    assert left == {"a=": {"news"}}
