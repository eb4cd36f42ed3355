"""Stores and logs that fail and read late when a test asks them to."""

import pytest

from wspubsub import Connection, Publisher, StoreError, UsageError
from wspubsub.testing import (
    InProcessGateway,
    MemoryTable,
    RecordingConnections,
    ScriptedLog,
    ScriptedStore,
)

ANN, BOB = "AAAAAAAAAAAAAAA=", "BBBBBBBBBBBBBBA="


def test_an_operation_fails_as_often_as_asked_and_changes_nothing() -> None:
    store = ScriptedStore()
    store.fail("subscribe", times=2)

    with pytest.raises(StoreError, match="subscribe failed") as failed:
        store.subscribe(ANN, "news")
    with pytest.raises(StoreError):
        store.subscribe(ANN, "news")
    before = store.topics(ANN)
    store.subscribe(ANN, "news")

    assert failed.value.operation == "subscribe"
    assert before == frozenset()
    assert store.topics(ANN) == {"news"}


def test_any_operation_may_fail_for_good_with_an_error_of_one_s_own() -> None:
    store = ScriptedStore()
    store.fail(error=OSError("no disk"), times=None)

    for _ in range(2):
        with pytest.raises(OSError, match="no disk"):
            store.connect(Connection(id=ANN, connected_at=0))
        with pytest.raises(OSError, match="no disk"):
            store.subscribers("news")


def test_what_an_operation_calls_itself_is_not_another_call() -> None:
    store = ScriptedStore()
    store.subscribe(ANN, "news")
    store.fail("subscribers")

    (whole,) = store.whole("news")
    assert list(store.segment("news", whole)) == [ANN]
    with pytest.raises(StoreError):
        store.subscribers("news")


def test_an_unknown_operation_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"'subscribed'.* subscribe, subscribers"):
        ScriptedStore().fail("subscribed")


def test_a_log_fails_too_and_so_do_the_store_and_the_log_of_a_table() -> None:
    table = MemoryTable()
    for log in (ScriptedLog(), table.log):
        log.fail("append")
        with pytest.raises(StoreError):
            log.append("news", b"x")
        assert log.append("news", b"y").message.position
    table.store.fail("connect")
    with pytest.raises(StoreError):
        table.store.connect(Connection(id=ANN, connected_at=0))


def test_a_snapshot_is_all_that_has_not_expired() -> None:
    time = [0.0]
    store = ScriptedStore(ttl_seconds=100, now=lambda: time[0])
    store.subscribe(ANN, "news", "sports")
    time[0] = 50
    store.subscribe(BOB, "news")
    before = store.snapshot()
    time[0] = 120

    assert before == {"news": {ANN, BOB}, "sports": {ANN}}
    assert store.snapshot() == {"news": {BOB}}


def test_reads_that_need_not_be_consistent_are_late() -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": 200})
    store = ScriptedStore(now=gateway.now, stale_seconds=1)
    store.subscribe(ANN, "news")
    assert list(store.subscribers("news")) == []
    assert list(store.subscribers("news", consistent=True)) == [ANN]

    gateway.advance(seconds=2)
    store.unsubscribe(ANN, "news")
    store.subscribe(BOB, "news")

    (whole,) = store.whole("news")
    assert list(store.subscribers("news")) == [ANN]
    assert list(store.segment("news", whole)) == [ANN]
    assert list(store.segment("news", whole, consistent=True)) == [BOB]
    assert [each.until for each in store.segments("news", 1, [whole])] == [None]
    assert list(store.subscribers("other")) == []
    store.stale_seconds = 0
    assert list(store.subscribers("news")) == [BOB]


def test_a_late_read_shows_what_a_publish_misses() -> None:
    store = ScriptedStore(stale_seconds=1)
    publisher = Publisher(store, RecordingConnections({ANN}))

    store.subscribe(ANN, "news")

    assert publisher.publish("news", "x").delivered == 0
