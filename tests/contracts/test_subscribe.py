"""Subscribing to several topics, how many there may be, and how long they last."""

import math
from typing import Any

import pytest

from tests.contracts.stores import MakeStore
from tests.support.virtual_time import Clock
from wspubsub import MessageError, TooManyTopicsError, TopicError, UsageError


def test_one_call_subscribes_to_several_topics(make_store: MakeStore) -> None:
    store = make_store()

    store.subscribe("a=", "news", "sport", "news")
    store.subscribe("b=")

    assert store.topics("a=") == {"news", "sport"}
    assert store.topics("b=") == frozenset()
    assert list(store.subscribers("sport")) == ["a="]


def test_one_illegal_topic_refuses_all(make_store: MakeStore) -> None:
    store = make_store()

    with pytest.raises(TopicError):
        store.subscribe("a=", "news", "")

    assert store.topics("a=") == frozenset()


def test_a_connection_has_no_more_topics_than_the_store_allows(
    make_store: MakeStore,
) -> None:
    store = make_store(max_topics=3)
    store.subscribe("a=", "1", "2")

    with pytest.raises(TooManyTopicsError, match="at most 3 topics") as caught:
        store.subscribe("a=", "3", "4")
    assert isinstance(caught.value, MessageError)
    assert caught.value.max_topics == 3
    assert store.topics("a=") == {"1", "2"}
    assert list(store.subscribers("3")) == []

    store.subscribe("a=", "3")
    store.subscribe("a=", "1", "2", "3")
    with pytest.raises(TooManyTopicsError):
        store.subscribe("a=", "4")
    store.unsubscribe("a=", "1")
    store.subscribe("a=", "4")
    store.subscribe("b=", "1", "2", "3")

    assert store.topics("a=") == {"2", "3", "4"}


def test_a_limit_that_was_lowered_ends_no_subscription(make_store: MakeStore) -> None:
    store = make_store(max_topics=1)
    store.subscribe("a=", "1")

    store.subscribe("a=", "1")

    assert store.topics("a=") == {"1"}


def test_expired_topics_do_not_count(make_store: MakeStore, clock: Clock) -> None:
    store = make_store(max_topics=1)
    store.subscribe("a=", "1")
    clock.advance(8000)

    store.subscribe("a=", "2")

    assert store.topics("a=") == {"2"}


@pytest.mark.parametrize(
    "options",
    [
        {"max_topics": 0},
        {"ttl_seconds": 0},
        {"ttl_seconds": -5},
        {"ttl_seconds": math.inf},
        {"ttl_seconds": math.nan},
        {"ttl_seconds": "x"},
    ],
)
def test_numbers_out_of_range_are_refused(
    make_store: MakeStore, options: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        make_store(**options)


def test_a_time_to_live_of_less_than_a_second_is_taken(
    make_store: MakeStore, clock: Clock
) -> None:
    store = make_store(ttl_seconds=0.5)

    store.subscribe("a=", "news")
    assert store.topics("a=") == {"news"}
    clock.advance(1)

    assert store.topics("a=") == frozenset()
