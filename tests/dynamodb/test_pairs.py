"""Both items of a subscription are there, or neither, whatever comes in between."""

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.support.faulty_dynamodb import (
    FaultyDynamoDB,
    Stopped,
    StopsAfter,
    refusal,
)
from tests.support.interleaving import Caller, every_order, some_orders
from tests.support.servers.small_table import SmallTable
from wspubsub import StoreError
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.topics import shard_of

ID = next(f"c{n}=" for n in range(99) if shard_of(f"c{n}=", 2) != shard_of(f"c{n}=", 3))
FIRSTS = ["nothing", "subscribed", "left half-way"]
PLANS: list[dict[str, int]] = [{}, {"shards": 3, "previous_shards": 2}]


def make_store(client: Any, **options: Any) -> DynamoDBSubscriptionStore:
    return DynamoDBSubscriptionStore("t", client=client, **options)


def sides(table: SmallTable) -> tuple[list[str], list[str]]:
    """Return what the connection's side and the topic's side of the table hold."""
    keys = sorted(table.keys())
    return (
        [sk for pk, sk in keys if pk == f"C#{ID}"],
        [pk for pk, sk in keys if sk == ID],
    )


def subscribed(plan: dict[str, int]) -> tuple[list[str], list[str]]:
    shard = shard_of(ID, plan.get("shards", 1))
    return ["T#news"], [f"T#{shard}#news"]


NOBODY: tuple[list[str], list[str]] = [], []


def table_with(first: str, plan: dict[str, int]) -> SmallTable:
    table = SmallTable()
    if first != "nothing":
        shards = plan.get("previous_shards", 1)
        make_store(table, shards=shards).subscribe(ID, "news")
    if first == "left half-way":
        with pytest.raises(Stopped):
            make_store(StopsAfter(table, 1), **plan).unsubscribe(ID, "news")
    return table


class Overlap:
    """Calls for one subscription that begin before any of them has ended."""

    def __init__(self, calls: Sequence[str], first: str, plan: dict[str, int]) -> None:
        self.calls = calls
        self.first = first
        self.plan = plan
        self.table = SmallTable()

    def __call__(self) -> tuple[SmallTable, list[Caller]]:
        self.table = table_with(self.first, self.plan)
        return self.table, [partial(self._call, name) for name in self.calls]

    def _call(self, name: str, client: Any) -> None:
        getattr(make_store(client, **self.plan), name)(ID, "news")


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("first", FIRSTS)
def test_a_subscribe_and_an_unsubscribe_end_in_one_of_the_two_states(
    first: str, plan: dict[str, int]
) -> None:
    overlap = Overlap(["subscribe", "unsubscribe"], first, plan)
    ends = set()

    for order in every_order(overlap):
        found = sides(overlap.table)
        assert found in (NOBODY, subscribed(plan)), order
        ends.add(found == NOBODY)

    assert ends == {True, False}


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize(
    "calls",
    [
        ["subscribe", "subscribe", "unsubscribe"],
        ["unsubscribe", "unsubscribe", "subscribe"],
        ["unsubscribe", "subscribe", "unsubscribe", "subscribe"],
    ],
)
def test_more_calls_that_overlap_end_in_one_of_the_two_states(
    calls: Sequence[str], first: str, plan: dict[str, int]
) -> None:
    overlap = Overlap(calls, first, plan)

    for order in some_orders(overlap, 100):
        assert sides(overlap.table) in (NOBODY, subscribed(plan)), order


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("requests", range(4))
@pytest.mark.parametrize("call", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("then", ["subscribe", "unsubscribe", "disconnect"])
def test_what_a_function_left_half_done_can_be_done_again(
    call: str, requests: int, then: str, first: str, plan: dict[str, int]
) -> None:
    table = table_with(first, plan)
    with contextlib.suppress(Stopped):
        getattr(make_store(StopsAfter(table, requests), **plan), call)(ID, "news")

    store = make_store(table, **plan)
    if then == "disconnect":
        store.disconnect(ID)
    else:
        getattr(store, then)(ID, "news")

    assert sides(table) == (subscribed(plan) if then == "subscribe" else NOBODY)


def test_an_unsubscribe_that_fails_at_its_end_says_so() -> None:
    table = table_with("subscribed", {})
    client = FaultyDynamoDB(table)
    client.fail("delete_item", refusal("InternalServerError"))

    with pytest.raises(StoreError, match="InternalServerError"):
        make_store(client).unsubscribe(ID, "news")


@pytest.mark.parametrize("requests", range(1, 3))
def test_a_subscription_that_is_being_ended_counts_as_ended(requests: int) -> None:
    table = table_with("subscribed", {})
    with pytest.raises(Stopped):
        make_store(StopsAfter(table, requests)).unsubscribe(ID, "news")

    store = make_store(table)

    assert store.topics(ID) == frozenset()
    assert store.disconnect(ID) == frozenset()
