"""Fan-out, and the account of it."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.support.virtual_time import Clock
from wspubsub import (
    AccessDeniedError,
    ConnectionNotReadyError,
    MemorySubscriptionStore,
    MessageError,
    MessageTooLargeError,
    Pruned,
    Publisher,
    PublishError,
    StoreError,
    TopicError,
    UsageError,
    parse_event,
)
from wspubsub.testing import RecordingConnections, connect_event


class FailingStore(MemorySubscriptionStore):
    """A store whose reads or prunes fail when told to."""

    fails_after: int | None = None
    fails_to_prune = False
    pruned: int = 0

    def subscribers(self, topic: str, **options: Any) -> Iterator[str]:
        found = super().subscribers(topic, **options)
        for number, connection_id in enumerate(found):
            if number == self.fails_after:
                raise StoreError("no capacity", operation="Query", code="Throttled")
            yield connection_id

    def prune(self, connection_ids: Iterable[str], **options: Any) -> Pruned:
        if self.fails_to_prune:
            raise StoreError("no", operation="Query", code="Throttled")
        self.pruned += 1
        return super().prune(connection_ids, **options)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> FailingStore:
    return FailingStore(now=clock)


@pytest.fixture
def connections() -> RecordingConnections:
    return RecordingConnections()


@pytest.fixture
def publisher(store: FailingStore, connections: RecordingConnections) -> Publisher:
    return Publisher(store, connections)


def subscribe(
    store: FailingStore, connections: RecordingConnections, *ids: str
) -> None:
    for connection_id in ids:
        connections.connect(connection_id)
        store.subscribe(connection_id, "news")


def test_every_subscriber_gets_the_message(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a", "b")
    connections.connect("other")

    report = publisher.publish("news", {"text": "ü"})

    assert report.delivered == 2
    assert report.is_complete
    assert sorted(connections.posted) == [
        ("a", '{"text":"ü"}'.encode()),
        ("b", '{"text":"ü"}'.encode()),
    ]


def test_who_is_excluded_gets_nothing(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a", "b")

    report = publisher.publish("news", "x", exclude={"a"})

    assert report.delivered == 1
    assert connections.messages("a") == []


def test_gone_connections_are_reported_and_pruned(
    store: FailingStore,
    connections: RecordingConnections,
    publisher: Publisher,
    clock: Clock,
) -> None:
    subscribe(store, connections, "a", "b")
    store.subscribe("b", "sport")
    connections.disconnect("b")
    clock.advance(60)

    report = publisher.publish("news", "x")

    assert report.gone == {"b"}
    assert report.is_complete
    assert list(store.subscribers("news")) == ["a"]
    assert store.topics("b") == frozenset()


def test_a_connection_in_its_handshake_is_not_ready_and_not_pruned(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a")
    store.subscribe("new", "news")

    report = publisher.publish("news", "x")

    assert report.delivered == 1
    assert report.gone == frozenset()
    assert report.not_ready == report.left_over == {"new"}
    assert report.is_complete
    connections.connect("new")
    assert publisher.publish("news", "y").delivered == 2


def test_a_post_to_a_connection_in_its_handshake_says_so(
    store: FailingStore, publisher: Publisher
) -> None:
    store.subscribe("new", "news")

    report = publisher.post("new", "welcome")

    assert report.not_ready == {"new"}
    assert store.topics("new") == {"news"}


def test_who_was_pruned_is_told_with_the_topics_that_were_left(
    store: FailingStore, connections: RecordingConnections, clock: Clock
) -> None:
    told: list[tuple[str, frozenset[str]]] = []
    publisher = Publisher(
        store, connections, on_gone=lambda *pruned: told.append(pruned)
    )
    subscribe(store, connections, "a")
    store.subscribe("b", "news")
    store.subscribe("b", "sport")
    store.subscribe("c", "sport")
    clock.advance(60)
    store.subscribe("new", "news")

    publisher.publish("news", "x")
    assert told == [("b", frozenset({"news", "sport"}))]
    publisher.post("c", "x")
    assert told[1:] == [("c", frozenset({"sport"}))]

    assert store.disconnect("b") == frozenset()


def test_who_was_closed_is_told_too(
    store: FailingStore, connections: RecordingConnections
) -> None:
    told: list[tuple[str, frozenset[str]]] = []
    publisher = Publisher(store, connections, on_gone=lambda *gone: told.append(gone))
    subscribe(store, connections, "a")
    connections.connect("b")

    publisher.close("a")
    publisher.close("b")

    assert told == [("a", frozenset({"news"}))]
    assert store.disconnect("a") == frozenset()


def test_an_error_of_on_gone_is_logged_and_hides_nothing(
    store: FailingStore,
    connections: RecordingConnections,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []

    def fail(connection_id: str, _topics: frozenset[str]) -> None:
        told.append(connection_id)
        raise ZeroDivisionError

    publisher = Publisher(store, connections, on_gone=fail)
    store.subscribe("a", "news")
    store.subscribe("b", "news")
    clock.advance(60)

    report = publisher.publish("news", "x")

    assert report.gone == {"a", "b"}
    assert sorted(told) == ["a", "b"]
    assert "on_gone failed for connection a" in caplog.text


def test_throttled_and_failed_connections_are_reported_and_kept(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a", "b", "c")
    connections.throttle("a", times=None)
    connections.fail("b", status=503, times=None)

    report = publisher.publish("news", "x", timeout_seconds=5)

    assert report.delivered == 1
    assert report.throttled == {"a"}
    assert report.failed.keys() == {"b"}
    assert "503" in report.failed["b"]
    assert not report.is_complete
    assert set(store.subscribers("news")) == {"a", "b", "c"}


def test_without_time_nothing_is_sent_and_everyone_is_deferred(
    store: FailingStore, connections: RecordingConnections
) -> None:
    subscribe(store, connections, "a", "b")
    times = iter([0.0, 0.0, 0.0])
    publisher = Publisher(store, connections, clock=lambda: next(times, 0.0) - 1e9)

    report = publisher.publish("news", "x", timeout_seconds=2)

    assert report.deferred == {"a", "b"}
    assert not report.unread
    assert not report.is_complete
    assert connections.posted == []


def test_when_even_reading_takes_too_long_the_report_says_so(
    store: FailingStore, connections: RecordingConnections
) -> None:
    subscribe(store, connections, "a", "b")
    publisher = Publisher(store, connections)

    report = publisher.publish("news", "x", timeout_seconds=-5)

    assert report.unread
    assert not report.is_complete
    assert connections.posted == []


def test_a_message_that_is_too_large_is_not_sent_to_anybody(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a")

    with pytest.raises(MessageTooLargeError):
        publisher.publish("news", "x" * 131_073)
    with pytest.raises(MessageTooLargeError):
        publisher.post("a", "x" * 131_073)

    assert connections.posted == []


def test_bad_arguments_are_refused(publisher: Publisher) -> None:
    with pytest.raises(TopicError):
        publisher.publish("", "x")
    with pytest.raises(UsageError, match="collection"):
        publisher.publish("news", "x", exclude="connection")
    for call in (lambda: publisher.post("", "x"), lambda: publisher.close("..")):
        with pytest.raises(MessageError, match="not the ID of a connection"):
            call()
    with pytest.raises(UsageError):
        publisher.publish("news", object())


def test_a_store_that_fails_half_way_leaves_an_account_of_the_first_half(
    store: FailingStore,
    connections: RecordingConnections,
    publisher: Publisher,
    clock: Clock,
) -> None:
    subscribe(store, connections, "a", "b", "c")
    connections.disconnect("a")
    store.fails_after = 2
    clock.advance(60)

    with pytest.raises(PublishError, match="no capacity") as caught:
        publisher.publish("news", "x")

    assert caught.value.report.delivered == 1
    assert caught.value.report.gone == {"a"}
    assert isinstance(caught.value.__cause__, StoreError)
    assert store.topics("a") == frozenset()


def test_a_refused_permission_stops_the_publish(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a")
    connections.fail("a", status=403, times=None)

    with pytest.raises(PublishError) as caught:
        publisher.publish("news", "x")
    assert isinstance(caught.value.__cause__, AccessDeniedError)
    with pytest.raises(AccessDeniedError):
        publisher.post("a", "x")


def test_a_prune_that_fails_does_not_hide_the_report(
    store: FailingStore,
    connections: RecordingConnections,
    publisher: Publisher,
    caplog: pytest.LogCaptureFixture,
) -> None:
    subscribe(store, connections, "a", "b")
    connections.disconnect("b")
    store.fails_to_prune = True

    with caplog.at_level(logging.WARNING, "wspubsub"):
        report = publisher.publish("news", "x")

    assert report.gone == {"b"}
    assert report.delivered == 1
    assert "could not prune" in caplog.text


def test_many_gone_connections_are_pruned_in_chunks(
    store: FailingStore, publisher: Publisher, clock: Clock
) -> None:
    for number in range(250):
        store.subscribe(f"c{number}", "news")
    clock.advance(60)

    report = publisher.publish("news", "x")

    assert len(report.gone) == 250
    assert store.pruned == 3
    assert list(store.subscribers("news")) == []


def test_pruning_stops_when_the_time_is_up(
    connections: RecordingConnections, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    passed = [0.0]

    class SlowStore(FailingStore):
        """A store that needs a minute to prune a chunk."""

        def prune(self, connection_ids: Iterable[str], **options: Any) -> Pruned:
            passed[0] += 60
            return super().prune(connection_ids, **options)

    store = SlowStore(now=clock)
    for number in range(150):
        store.subscribe(f"c{number}", "news")
    clock.advance(60)
    publisher = Publisher(
        store, connections, clock=lambda: time.monotonic() + passed[0]
    )

    with caplog.at_level(logging.WARNING, "wspubsub"):
        report = publisher.publish("news", "x")

    assert len(report.gone) == 150
    assert "no time left to prune 50 gone connections" in caplog.text
    assert len(list(store.subscribers("news"))) == 50


def test_a_post_reaches_one_connection_and_is_accounted_for(
    store: FailingStore,
    connections: RecordingConnections,
    publisher: Publisher,
    clock: Clock,
) -> None:
    connections.connect("a")
    store.subscribe("gone", "news")
    clock.advance(60)

    assert publisher.post("a", {"n": 1}).delivered == 1
    assert publisher.post("gone", "x").gone == {"gone"}

    assert connections.messages("a") == [b'{"n":1}']
    assert list(store.subscribers("news")) == []


def test_a_post_to_the_connection_that_is_being_made_says_what_to_do(
    publisher: Publisher, connections: RecordingConnections
) -> None:
    event = parse_event(connect_event(connection_id="a="))

    with pytest.raises(ConnectionNotReadyError, match="first message") as caught:
        publisher.post(event.connection_id, "welcome")

    assert caught.value.connection_id == "a="
    assert connections.posted == []
    with pytest.raises(ConnectionNotReadyError):
        publisher.close(event.connection_id)


def test_closing_forgets_the_connection_whether_it_was_there_or_not(
    store: FailingStore, connections: RecordingConnections, publisher: Publisher
) -> None:
    subscribe(store, connections, "a")
    store.subscribe("gone", "news")

    publisher.close("a")
    publisher.close("gone")

    assert connections.closed == ["a"]
    assert list(store.subscribers("news")) == []


fates = st.dictionaries(
    st.integers(0, 60).map("c{}".format),
    st.sampled_from(
        ["well", "gone", "not_ready", "throttled", "failed", "slow", "excluded"]
    ),
)


@settings(deadline=None)
@given(fates)
def test_the_report_names_each_subscriber_exactly_once(fate: dict[str, str]) -> None:
    clock = Clock()
    store, connections = FailingStore(now=clock), RecordingConnections()
    for connection_id in (key for key, end in fate.items() if end == "gone"):
        store.subscribe(connection_id, "news")
    clock.advance(60)
    for connection_id, end in fate.items():
        if end == "gone":
            continue
        store.subscribe(connection_id, "news")
        if end != "not_ready":
            connections.connect(connection_id)
        if end in {"throttled", "slow"}:
            connections.throttle(connection_id, times=1 if end == "slow" else None)
        if end == "failed":
            connections.fail(connection_id, times=None)
    named = {
        end: {key for key, value in fate.items() if value == end}
        for end in ("gone", "not_ready", "throttled", "failed", "excluded")
    }

    report = Publisher(store, connections).publish(
        "news", "x", exclude=named["excluded"]
    )

    assert report.gone == named["gone"]
    assert report.not_ready == named["not_ready"]
    assert report.throttled == named["throttled"]
    assert report.failed.keys() == named["failed"]
    assert report.deferred == frozenset()
    got_it = {connection_id for connection_id, _ in connections.posted}
    assert got_it == fate.keys() - set().union(*named.values())
    assert report.delivered == len(got_it) == len(connections.posted)
    assert set(store.subscribers("news")) == fate.keys() - named["gone"]
