"""What every `SubscriptionStore` prunes, and what it leaves alone."""

from typing import cast

import pytest

from tests.contracts.stores import MakeStore
from tests.support.virtual_time import Clock
from wspubsub import Connection, Pruned, SubscriptionStore, TopicError, UsageError
from wspubsub.subscriptions.port import ReadyStore

HOUR = 3600.0


def connection(connection_id: str = "a=") -> Connection:
    return Connection(id=connection_id, connected_at=0.0)


@pytest.mark.parametrize("age", [0, 59.5, 60])
@pytest.mark.parametrize("what", ["record", "subscription", "mark"])
def test_a_connection_that_may_be_in_its_handshake_is_left_alone(
    store: SubscriptionStore, clock: Clock, what: str, age: float
) -> None:
    if what == "record":
        store.connect(connection())
    elif what == "subscription":
        store.subscribe("a=", "news")
    else:
        cast("ReadyStore", store).mark_ready("a=")
    topics = store.topics("a=")
    is_young = age < 60
    clock.advance(age)

    pruned = store.prune(["a="])

    assert pruned.young == ({"a="} if is_young else frozenset())
    assert store.topics("a=") == (topics if is_young else frozenset())
    assert (store.connection("a=") is not None) == (is_young and what == "record")


def test_the_oldest_item_says_how_old_a_connection_is(
    store: SubscriptionStore, clock: Clock
) -> None:
    store.connect(connection())
    store.subscribe("b=", "sport")
    clock.advance(60)
    for connection_id in ("a=", "b=", "c="):
        store.subscribe(connection_id, "news")

    pruned = store.prune(["a=", "b=", "c="])

    assert pruned == Pruned(
        left={"a=": frozenset({"news"}), "b=": frozenset({"news", "sport"})},
        young=frozenset({"c="}),
    )
    assert list(store.subscribers("news")) == ["c="]


def test_disconnecting_has_no_age_limit(store: SubscriptionStore) -> None:
    store.connect(connection())
    store.subscribe("a=", "news")

    assert store.disconnect("a=") == {"news"}

    assert store.connection("a=") is None
    assert list(store.subscribers("news")) == []


@pytest.mark.parametrize("first", ["prune", "disconnect"])
def test_that_somebody_left_is_said_once(
    store: SubscriptionStore, clock: Clock, first: str
) -> None:
    store.connect(connection())
    store.subscribe("a=", "news")
    clock.advance(HOUR)

    if first == "prune":
        assert store.prune(["a="]).left == {"a=": {"news"}}
    else:
        assert store.disconnect("a=") == {"news"}

    assert store.prune(["a="], topic="news") == Pruned()
    assert store.disconnect("a=") == frozenset()


def test_an_expired_subscription_is_forgotten_in_silence(
    store: SubscriptionStore, clock: Clock
) -> None:
    store.subscribe("a=", "news")
    clock.advance(2 * HOUR + 600)

    assert store.prune(["a="]) == Pruned()


def test_a_prune_of_a_topic_ends_the_other_subscriptions_too(
    make_store: MakeStore, clock: Clock
) -> None:
    store = make_store(shards=3)
    for topic in ("news", "sport", "chess"):
        store.subscribe("a=", topic)
        store.subscribe("b=", topic)
    clock.advance(HOUR)

    pruned = store.prune(["a="], topic="sport", timeout_seconds=60)

    assert pruned.left == {"a=": {"news", "sport", "chess"}}
    assert [list(store.subscribers(t)) for t in ("news", "sport", "chess")] == (
        [["b="]] * 3
    )


def test_a_prune_of_an_illegal_topic_is_refused(
    store: SubscriptionStore, clock: Clock
) -> None:
    store.subscribe("a=", "news")
    clock.advance(HOUR)

    with pytest.raises(TopicError):
        store.prune(["a="], topic="")

    assert store.topics("a=") == {"news"}


@pytest.mark.parametrize(
    ("recorded", "is_pruned"),
    [("abcdef1234/prod", True), (None, True), ("abcdef1234/dev", False)],
)
def test_a_connection_of_another_api_or_stage_is_left_alone(
    make_store: MakeStore, clock: Clock, recorded: str | None, *, is_pruned: bool
) -> None:
    store = make_store(api="abcdef1234/prod")
    store.connect(Connection(id="a=", connected_at=0.0, api=recorded))
    store.subscribe("a=", "sport")
    clock.advance(HOUR)

    pruned = store.prune(["a="], topic="sport")

    assert pruned == (
        Pruned(left={"a=": frozenset({"sport"})}) if is_pruned else Pruned()
    )
    assert (store.connection("a=") is None) is is_pruned
    assert list(store.subscribers("sport")) == ([] if is_pruned else ["a="])


def test_a_store_that_knows_no_api_of_its_own_prunes_every_one_s(
    store: SubscriptionStore, clock: Clock
) -> None:
    store.connect(Connection(id="a=", connected_at=0.0, api="abcdef1234/prod"))
    clock.advance(HOUR)

    store.prune(["a="])

    assert store.connection("a=") is None


@pytest.mark.parametrize(
    "api", ["", "abcdef1234", "abcdef1234/", "/prod", "https://abcdef1234/prod"]
)
def test_what_is_no_api_and_stage_is_refused(make_store: MakeStore, api: str) -> None:
    with pytest.raises(UsageError, match="abcdef1234/prod"):
        make_store(api=api)


def test_disconnecting_asks_for_no_api(make_store: MakeStore) -> None:
    store = make_store(api="abcdef1234/prod")
    store.connect(Connection(id="a=", connected_at=0.0, api="abcdef1234/dev"))

    store.disconnect("a=")

    assert store.connection("a=") is None
