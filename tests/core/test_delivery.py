"""Budgets, and how a delivery prunes."""

import math
from collections.abc import Iterable
from typing import Any

import pytest

from wspubsub import MemorySubscriptionStore, Publisher, StoreError, UsageError
from wspubsub.delivery import (
    PRUNE_CHUNK,
    RESERVE_SECONDS,
    TIMEOUT_SECONDS,
    Budget,
    Delivery,
)
from wspubsub.subscriptions.port import Pruned
from wspubsub.testing import RecordingConnections


class Clock:
    """A clock that stands until it is told to move."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_delivery(clock: Clock) -> Delivery:
    return Delivery(MemorySubscriptionStore(), RecordingConnections(), clock=clock)


def test_a_function_has_25_seconds_of_which_one_is_kept_back() -> None:
    assert (TIMEOUT_SECONDS, RESERVE_SECONDS) == (25.0, 1.0)


@pytest.mark.parametrize(
    ("seconds", "posting"), [(10.0, 9.0), (2.0, 1.0), (1.0, 0.5), (0.0, 0.0)]
)
def test_the_reserve_is_half_of_the_time_at_most(
    clock: Clock, seconds: float, posting: float
) -> None:
    budget = Budget(clock, seconds, reserve_seconds=1.0)

    assert budget.seconds_left() == seconds
    assert budget.posting_seconds_left() == posting
    assert budget.posting_until == 100.0 + posting


def test_time_is_over_at_its_end_and_never_less_than_none(clock: Clock) -> None:
    budget = Budget(clock, 10.0, reserve_seconds=1.0)
    clock.time = 109.0
    assert budget.posting_seconds_left() == 0
    assert not budget.is_spent()

    clock.time = 110.0
    assert budget.is_spent()
    clock.time = 120.0

    assert budget.seconds_left() == 0
    assert budget.posting_seconds_left() == 0


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (None, 25.0),
        (math.inf, 25.0),
        (math.nan, 25.0),
        (60.0, 60.0),
        (0.0, 0.0),
        (-5.0, 0.0),
        (-math.inf, 0.0),
    ],
)
def test_a_call_has_the_time_that_it_asks_for(
    clock: Clock, asked: float | None, seconds: float
) -> None:
    delivery = make_delivery(clock)

    assert delivery.budget(asked).seconds_left() == seconds


@pytest.mark.parametrize("seconds", [0, -1.0, math.inf, math.nan, "5", None])
def test_a_publisher_without_a_time_is_refused(seconds: Any) -> None:
    with pytest.raises(
        UsageError, match="timeout_seconds must be a number greater than 0"
    ):
        Publisher(
            MemorySubscriptionStore(), RecordingConnections(), timeout_seconds=seconds
        )


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan, "5", None])
def test_a_reserve_that_is_not_a_time_is_refused(seconds: Any) -> None:
    with pytest.raises(UsageError, match="reserve_seconds must be a number, 0 or more"):
        Publisher(
            MemorySubscriptionStore(), RecordingConnections(), reserve_seconds=seconds
        )


def test_a_publisher_may_keep_nothing_back(clock: Clock) -> None:
    delivery = Delivery(
        MemorySubscriptionStore(),
        RecordingConnections(),
        timeout_seconds=1,
        reserve_seconds=0,
        clock=clock,
    )

    assert delivery.budget(None).seconds_left() == 1.0
    assert delivery.budget(None).posting_seconds_left() == 1.0


def test_only_the_default_is_cut(clock: Clock) -> None:
    delivery = make_delivery(clock)

    assert delivery.budget(None, longest_default=10.0).seconds_left() == 10.0
    assert delivery.budget(None, longest_default=30.0).seconds_left() == 25.0
    assert delivery.budget(20.0, longest_default=10.0).seconds_left() == 20.0


class Pruning(MemorySubscriptionStore):
    """A store that takes a second for each prune.

    Attributes:
        sizes: How many were pruned at a time.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self._clock = clock

    def prune(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Pruned:
        ids = list(connection_ids)
        self.sizes.append(len(ids))
        self._clock.time += 1.0
        return Pruned(young=frozenset(ids[:1]))


def deliver_to_gone(store: Pruning, clock: Clock, count: int, seconds: float) -> int:
    """Deliver to connections that are gone, and return how many may not be."""
    connections = RecordingConnections(clock=clock)
    delivery = Delivery(store, connections, clock=clock)
    report = delivery.deliver(
        [f"{number:05}=" for number in range(count)],
        b"x",
        topic="news",
        exclude=frozenset(),
        budget=delivery.budget(seconds),
    )
    return len(report.not_ready)


def test_a_hundred_are_pruned_at_a_time(clock: Clock) -> None:
    store = Pruning(clock)

    young = deliver_to_gone(store, clock, 250, seconds=60.0)

    assert PRUNE_CHUNK == 100
    assert store.sizes == [100, 100, 50]
    assert young == 3


def test_pruning_ends_with_the_time_and_says_how_many_are_left(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Pruning(clock)

    deliver_to_gone(store, clock, 450, seconds=2.0)

    assert store.sizes == [100, 100]
    assert [each.getMessage() for each in caplog.records] == [
        "no time left to prune 250 gone connections"
    ]


class Failing(Pruning):
    """A store that cannot prune."""

    def prune(self, connection_ids: Iterable[str], **options: Any) -> Pruned:
        super().prune(connection_ids, **options)
        raise StoreError("throttled", operation="Query", code="T")


def test_a_store_that_cannot_prune_is_asked_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Failing(clock)

    young = deliver_to_gone(store, clock, 250, seconds=60.0)

    assert store.sizes == [100]
    assert young == 0
    assert [each.getMessage() for each in caplog.records] == [
        "could not prune gone connections"
    ]


def test_what_on_gone_publishes_goes_to_nobody_who_was_found_gone(
    clock: Clock,
) -> None:
    connections = RecordingConnections({"here="}, clock=clock)
    store = MemorySubscriptionStore(now=clock)
    gone = [f"gone{number}=" for number in range(2 * PRUNE_CHUNK + 1)]
    for connection_id in ["here=", *gone]:
        store.subscribe(connection_id, "news")
    clock.time += 60

    publisher = Publisher(
        store,
        connections,
        clock=clock,
        on_gone=lambda connection_id, _: publisher.publish("news", connection_id),
    )
    publisher.publish("news", "hello")

    assert {connections.attempts(each) for each in gone} == {1}
    told = connections.messages("here=")
    assert sorted(told) == sorted(each.encode() for each in ["hello", *gone])
