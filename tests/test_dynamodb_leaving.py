"""A connection that ends: said once, and nothing of it found for long."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.contracts.tables import Clock
from tests.interleaving import Caller, every_order, some_orders
from tests.servers.small_table import SmallTable
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
