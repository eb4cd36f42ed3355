"""What every `SubscriptionStore` does."""

import enum
import threading
from collections import Counter
from typing import Any

import pytest

from tests.contracts.stores import MakeStore
from tests.support.virtual_time import Clock
from wspubsub import (
    Connection,
    MessageError,
    Pruned,
    SubscriptionStore,
    TopicError,
    UsageError,
)

STRANGE_TOPICS = [
    "a",
    "#",
    "a#b",
    "T#0#a",
    "C#a=",
    "0#a",
    "with space",
    "émoji 🎉",
    "'; DROP TABLE",
    "x" * 256,
]


def connection(connection_id: str = "a=") -> Connection:
    return Connection(id=connection_id, connected_at=1_800_000_000.25)


def test_a_recorded_connection_is_returned_as_it_was(store: SubscriptionStore) -> None:
    recorded = Connection(
        id="L0SM9cOFvHcCIhw=",
        connected_at=1_731_324_924.553,
        principal="user-1",
        attributes={"name": "Ann", "empty": "", "ключ": "значение"},
    )

    store.connect(recorded)

    assert store.connection("L0SM9cOFvHcCIhw=") == recorded


def test_an_unknown_connection_is_none(store: SubscriptionStore) -> None:
    assert store.connection("unknown=") is None


def test_connecting_again_replaces_the_record_and_keeps_subscriptions(
    store: SubscriptionStore,
) -> None:
    store.connect(connection())
    store.subscribe("a=", "news")

    store.connect(Connection(id="a=", connected_at=5.0, principal="p"))

    assert store.connection("a=") == Connection(
        id="a=", connected_at=5.0, principal="p"
    )
    assert store.topics("a=") == {"news"}


def test_a_subscriber_is_seen_from_both_sides(store: SubscriptionStore) -> None:
    store.subscribe("a=", "news")
    store.subscribe("b=", "news")
    store.subscribe("a=", "sport")

    assert set(store.subscribers("news")) == {"a=", "b="}
    assert set(store.subscribers("sport")) == {"a="}
    assert store.topics("a=") == {"news", "sport"}


def test_a_topic_without_subscribers_has_none(store: SubscriptionStore) -> None:
    assert list(store.subscribers("nobody")) == []
    assert store.topics("nobody=") == frozenset()


def test_subscribing_again_changes_nothing(store: SubscriptionStore) -> None:
    store.subscribe("a=", "news")
    store.subscribe("a=", "news")

    assert list(store.subscribers("news")) == ["a="]


def test_unsubscribing_ends_just_that_subscription(store: SubscriptionStore) -> None:
    store.subscribe("a=", "news")
    store.subscribe("a=", "sport")
    store.subscribe("b=", "news")

    store.unsubscribe("a=", "news")
    store.unsubscribe("a=", "never subscribed")

    assert list(store.subscribers("news")) == ["b="]
    assert store.topics("a=") == {"sport"}


def test_disconnecting_forgets_everything_and_tells_the_topics(
    store: SubscriptionStore,
) -> None:
    store.connect(connection())
    store.subscribe("a=", "news")
    store.subscribe("a=", "sport")
    store.subscribe("b=", "news")

    topics = store.disconnect("a=")

    assert topics == {"news", "sport"}
    assert store.connection("a=") is None
    assert store.topics("a=") == frozenset()
    assert list(store.subscribers("news")) == ["b="]
    assert store.disconnect("a=") == frozenset()


def test_a_connection_with_many_topics_is_forgotten_whole(
    store: SubscriptionStore,
) -> None:
    expected = {f"topic-{number:03}" for number in range(60)}
    for topic in expected:
        store.subscribe("a=", topic)

    assert store.disconnect("a=") == expected

    assert [t for t in expected if list(store.subscribers(t))] == []


def test_pruning_forgets_several_connections(
    store: SubscriptionStore, clock: Clock
) -> None:
    for connection_id in ("a=", "b=", "c="):
        store.connect(connection(connection_id))
        store.subscribe(connection_id, "news")
    store.subscribe("a=", "sport")
    clock.advance(3600)

    pruned = store.prune(["a=", "b=", "a=", "unknown="])

    assert pruned.left == {"a=": {"news", "sport"}, "b=": {"news"}}
    assert pruned.young == frozenset()
    assert list(store.subscribers("news")) == ["c="]
    assert list(store.subscribers("sport")) == []
    assert store.connection("a=") is None
    assert store.connection("c=") is not None


def test_pruning_nobody_does_nothing(store: SubscriptionStore) -> None:
    store.subscribe("a=", "news")

    assert store.prune([]) == Pruned()

    assert list(store.subscribers("news")) == ["a="]


@pytest.mark.parametrize("topic", STRANGE_TOPICS)
def test_topics_with_strange_characters_stay_apart(
    store: SubscriptionStore, topic: str
) -> None:
    for other in STRANGE_TOPICS:
        store.subscribe(f"of {other[:9]}", other)

    store.subscribe("a=", topic)

    assert set(store.subscribers(topic)) == {"a=", f"of {topic[:9]}"}
    assert store.disconnect("a=") == {topic}
    assert set(store.subscribers(topic)) == {f"of {topic[:9]}"}


def test_a_connection_id_and_a_topic_of_the_same_text_do_not_meet(
    store: SubscriptionStore,
) -> None:
    store.connect(connection("#"))
    store.subscribe("#", "#")
    store.subscribe("T##", "T##")

    assert store.connection("#") is not None
    assert store.topics("#") == {"#"}
    assert list(store.subscribers("T##")) == ["T##"]


@pytest.mark.parametrize("topic", ["", "x" * 257, "a\nb", "\x7f", "\ud800", 5])
def test_an_illegal_topic_is_refused_before_anything_is_written(
    store: SubscriptionStore, topic: str
) -> None:
    with pytest.raises(TopicError):
        store.subscribe("a=", topic)
    with pytest.raises(TopicError):
        store.unsubscribe("a=", topic)
    with pytest.raises(TopicError):
        store.subscribers(topic)

    assert store.topics("a=") == frozenset()


@pytest.mark.parametrize(
    ("id_", "error"),
    [
        ("", MessageError),
        (".", MessageError),
        ("..", MessageError),
        ("\ud800", MessageError),
        ("é" * 128 + "x", MessageError),
        (5, UsageError),
        (None, UsageError),
    ],
)
def test_what_is_no_connection_id_is_refused(
    store: SubscriptionStore, id_: Any, error: type[Exception]
) -> None:
    for call in (
        lambda: store.connect(connection(id_)),
        lambda: store.subscribe(id_, "news"),
        lambda: store.unsubscribe(id_, "news"),
        lambda: store.disconnect(id_),
        lambda: store.connection(id_),
        lambda: store.topics(id_),
        lambda: store.prune([id_]),
    ):
        with pytest.raises(error):
            call()


class Device(str, enum.Enum):  # noqa: UP042 - equal to its text, and str() of it is not
    PHONE = "phone="


@pytest.mark.parametrize("id_", ["é" * 128, "...", Device.PHONE])
def test_unusual_connection_ids_are_kept_as_they_are(
    store: SubscriptionStore, id_: str
) -> None:
    store.subscribe(id_, "news")

    assert [*store.subscribers("news")] == [str.__str__(id_)]
    assert store.topics(str.__str__(id_)) == {"news"}


def test_what_is_expired_counts_as_absent(
    store: SubscriptionStore, clock: Clock
) -> None:
    store.connect(connection())
    store.subscribe("a=", "news")
    clock.advance(2 * 3600 + 600 - 1)
    store.subscribe("b=", "news")
    assert set(store.subscribers("news")) == {"a=", "b="}

    clock.advance(2)

    assert list(store.subscribers("news")) == ["b="]
    assert store.connection("a=") is None
    assert store.topics("a=") == frozenset()
    assert store.disconnect("a=") == frozenset()


def test_subscribing_again_prolongs_the_subscription(
    store: SubscriptionStore, clock: Clock
) -> None:
    store.subscribe("a=", "news")
    clock.advance(7000)
    store.subscribe("a=", "news")

    clock.advance(7000)

    assert list(store.subscribers("news")) == ["a="]
    assert store.topics("a=") == {"news"}


@pytest.mark.slow
def test_every_subscriber_is_seen_once_however_many_there_are(
    store: SubscriptionStore,
) -> None:
    expected = {f"connection-{number:04}" for number in range(300)}
    for connection_id in expected:
        store.subscribe(connection_id, "news")

    assert Counter(store.subscribers("news")) == Counter(expected)


def test_subscribers_can_be_left_half_read(store: SubscriptionStore) -> None:
    for number in range(30):
        store.subscribe(f"c{number}", "news")

    subscribers = store.subscribers("news")
    first = next(subscribers)
    del subscribers

    assert first.startswith("c")
    names = [thread.name for thread in threading.enumerate()]
    assert [name for name in names if name.startswith("wspubsub")] == []
    assert len(list(store.subscribers("news"))) == 30


def test_several_threads_may_use_a_store(store: SubscriptionStore) -> None:
    def work(name: str) -> None:
        for number in range(10):
            store.subscribe(f"{name}{number}", "news")
            store.unsubscribe(f"{name}{number}", "other")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(list(store.subscribers("news"))) == 40


@pytest.mark.parametrize(("before", "after"), [(1, 8), (8, 1), (3, 5)])
def test_a_changed_number_of_shards_loses_and_doubles_nobody(
    make_store: MakeStore, before: int, after: int
) -> None:
    old = make_store(shards=before)
    ids = {f"c{number}" for number in range(24)}
    for connection_id in ids:
        old.subscribe(connection_id, "news")
    new = make_store(shards=after, previous_shards=before)

    for number in range(8):
        new.subscribe(f"c{number}", "news")
    new.unsubscribe("c10", "news")
    new.disconnect("c11")

    assert Counter(new.subscribers("news")) == Counter(ids - {"c10", "c11"})


def test_a_consistent_read_sees_who_has_just_subscribed(
    store: SubscriptionStore,
) -> None:
    for connection_id in ("a=", "b="):
        store.subscribe(connection_id, "news")

    assert set(store.subscribers("news", consistent=True)) == {"a=", "b="}
    assert set(store.subscribers("news", consistent=True, timeout_seconds=60)) == {
        "a=",
        "b=",
    }
