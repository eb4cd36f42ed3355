"""A publish ends in its time, whatever is silent, and never hides who was left out."""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub import (
    ManagementError,
    MemorySubscriptionStore,
    Publisher,
    PublishError,
    StoreError,
    StoreTimeoutError,
)
from wspubsub.connections import Outcome, PostOutcome
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.eventsources import QueueHandler
from wspubsub.fanout import QueueFanout
from wspubsub.subscriptions.port import Pruned
from wspubsub.testing import RecordingConnections

LONG = 30.0
"""Real seconds that no test here takes, unless a time is not kept."""


def connections_in(
    virtual: VirtualTime, connected: Iterable[str] = ()
) -> RecordingConnections:
    return RecordingConnections(connected, clock=virtual.clock, sleep=virtual.sleep)


def store_of(*ids: str) -> MemorySubscriptionStore:
    """Return a store whose subscriptions are an hour old."""
    now = [1_800_000_000.0]
    store = MemorySubscriptionStore(now=lambda: now[0])
    for connection_id in ids:
        store.subscribe(connection_id, "news")
    now[0] += 3_600
    return store


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [(None, 2, 4), (60.0, 55, 59), (math.inf, 2, 4), (2.0, 0.1, 1), (0.0, 0, 0)],
)
def test_a_call_may_ask_for_more_and_for_less_than_the_default(
    asked: float | None, least: float, most: float
) -> None:
    virtual = VirtualTime()
    connections = connections_in(virtual, {"a"})
    connections.throttle("a", times=None)
    publisher = Publisher(
        store_of("a"), connections, timeout_seconds=5.0, clock=virtual.clock
    )

    publisher.publish("news", "x", timeout_seconds=asked)

    assert least <= virtual.passed <= most


class SlowStore(MemorySubscriptionStore):
    """A store that takes a millisecond for each ID, and can be silent.

    Attributes:
        pruned: Who was pruned.
        prune_seconds: How much time each prune was given.
    """

    def __init__(self, virtual: VirtualTime, *, answers: int = 100_000) -> None:
        super().__init__()
        self.pruned: list[str] = []
        self.prune_seconds: list[float | None] = []
        self._virtual = virtual
        self._answers = answers

    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        assert timeout_seconds is not None
        until = self._virtual.passed + timeout_seconds
        for number in range(self._answers):
            self._virtual.sleep(0.001)
            yield f"c{number}"
        self._virtual.passed = until
        raise StoreTimeoutError("Query", timeout_seconds)

    def prune(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Pruned:
        self.pruned += connection_ids
        self.prune_seconds.append(timeout_seconds)
        self._virtual.sleep(0.125)
        return Pruned()


def test_reading_ends_with_the_posts_and_the_reserve_is_for_pruning() -> None:
    virtual = VirtualTime()
    store = SlowStore(virtual)
    connections = connections_in(virtual, (f"c{each}" for each in range(150, 100_000)))
    publisher = Publisher(store, connections, clock=virtual.clock)

    report = publisher.publish("news", "x", timeout_seconds=4.0)

    assert report.unread
    assert report.reason == "the time ran out"
    assert len(report.deferred) <= 1
    assert 2_900 < report.delivered + len(report.gone) < 3_001
    assert len(store.pruned) == len(report.gone) == 150
    assert store.prune_seconds == pytest.approx([1.0, 0.875], abs=0.01)
    assert virtual.passed <= 4.0


def test_a_silent_store_ends_the_reading_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    virtual = VirtualTime()
    store = SlowStore(virtual, answers=3)
    publisher = Publisher(
        store, connections_in(virtual, {"c0", "c2"}), clock=virtual.clock
    )

    report = publisher.publish("news", "x", timeout_seconds=5.0)

    assert report.delivered == 2
    assert report.gone == {"c1"}
    assert report.unread
    assert report.reason == "DynamoDB Query: no answer within 4.0 s"
    assert store.pruned == ["c1"]
    assert virtual.passed <= 5.0
    assert [each.getMessage() for each in caplog.records] == [
        "a message did not reach everyone in topic 'news': 2 delivered, not all "
        "subscribers read (DynamoDB Query: no answer within 4.0 s)"
    ]


def test_whoever_was_read_before_the_store_failed_has_an_outcome() -> None:
    class Failing(MemorySubscriptionStore):
        def subscribers(self, topic: str, **options: Any) -> Iterator[str]:
            yield from super().subscribers(topic, **options)
            raise StoreError("no capacity", operation="Query", code="Throttled")

    store = Failing()
    for connection_id in ("a", "b", "c"):
        store.subscribe(connection_id, "news")
    virtual = VirtualTime()
    connections = connections_in(virtual, {"a", "b"})
    connections.throttle("b")

    with pytest.raises(PublishError, match="no capacity") as caught:
        Publisher(store, connections, clock=virtual.clock).publish("news", "x")

    assert caught.value.report.delivered == 2
    assert caught.value.report.not_ready == {"c"}


class SilentTable(SmallTable):
    """A table whose queries of some partitions are never answered.

    Attributes:
        silent: How their keys begin.
        is_released: Lets go who waits for an answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.silent: tuple[str, ...] = ()
        self.is_released = threading.Event()

    def query(self, **request: Any) -> dict[str, Any]:
        partition = request["ExpressionAttributeValues"][":pk"]["S"]
        if partition.startswith(self.silent):
            self.is_released.wait(LONG)
        return super().query(**request)


@pytest.mark.parametrize(
    ("silent", "delivered", "said"),
    [
        ("T#", 0, "no answer within"),
        ("C#", 1, "could not prune"),
    ],
    ids=["the subscribers", "what is to be pruned"],
)
def test_a_publish_ends_in_its_time_though_dynamodb_is_silent(
    silent: str, delivered: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    table = SilentTable()
    client: Any = table
    now = [1_800_000_000.0]
    store = DynamoDBSubscriptionStore("chat", client=client, now=lambda: now[0])
    for connection_id in ("a", "gone"):
        store.subscribe(connection_id, "news")
    now[0] += 3_600
    table.silent = (silent,)
    begun = time.monotonic()

    report = Publisher(store, RecordingConnections({"a"})).publish(
        "news", "x", timeout_seconds=1.0
    )
    seconds = time.monotonic() - begun
    table.is_released.set()

    assert seconds < LONG / 2
    assert report.delivered == delivered
    assert report.unread is (delivered == 0)
    assert said in caplog.text


def test_pruning_one_connection_with_thousands_of_topics_ends_in_its_time() -> None:
    virtual = VirtualTime()

    class Timed(SmallTable):
        """A table that takes a hundredth of a second for a deletion."""

        def delete_item(self, **request: Any) -> dict[str, Any]:
            virtual.sleep(0.01)
            return super().delete_item(**request)

        def batch_write_item(self, **request: Any) -> dict[str, Any]:
            virtual.sleep(0.01)
            return super().batch_write_item(**request)

    client: Any = Timed()
    store = DynamoDBSubscriptionStore(
        "chat", client=client, now=virtual.now, clock=virtual.clock
    )
    for number in range(2_000):
        store.subscribe("hoarder", f"topic {number}")
    virtual.passed += 3_600
    begun = virtual.passed

    report = Publisher(store, connections_in(virtual), clock=virtual.clock).publish(
        "topic 0", "x", timeout_seconds=2.0
    )

    assert report.gone == {"hoarder"}
    assert 1.5 < virtual.passed - begun < 2.5


def test_an_incomplete_report_is_logged_once_with_the_counts_and_a_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    virtual = VirtualTime()
    connections = connections_in(virtual, {"a", "b", "c", "d"})
    connections.throttle("b", times=None)
    for broken in ("c", "d"):
        connections.fail(broken, status=503, times=None)
    publisher = Publisher(
        store_of("a", "b", "c", "d"), connections, clock=virtual.clock
    )

    report = publisher.publish("news", "x")

    assert report.reason == "503"
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        (
            "WARNING",
            "a message did not reach everyone in topic 'news': 1 delivered, "
            "1 throttled, 2 failed (503)",
        )
    ]


def test_a_complete_report_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(store_of("a", "gone"), RecordingConnections({"a"}))

    report = publisher.publish("news", "x")

    assert report.is_complete
    assert report.reason == ""
    assert caplog.records == []


def test_without_time_the_reason_is_the_time(caplog: pytest.LogCaptureFixture) -> None:
    class Late(RecordingConnections):
        def post_many(
            self,
            connection_ids: Iterable[str],
            data: bytes,
            *,
            deadline: float,
            patience_seconds: float | None = None,
        ) -> Iterator[PostOutcome]:
            for connection_id in connection_ids:
                yield PostOutcome(connection_id, Outcome.DEFERRED)

    report = Publisher(store_of("a"), Late()).publish("news", "x")

    assert report.reason == "the time ran out"
    assert "0 delivered, 1 not tried (the time ran out)" in caplog.text


def test_a_post_to_a_client_that_reads_too_slowly_is_a_report_and_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    virtual = VirtualTime()
    connections = connections_in(virtual, {"a"})
    connections.throttle("a", times=None)

    report = Publisher(store_of(), connections, clock=virtual.clock).post("a", "x")

    assert report.throttled == {"a"}
    assert 7 < virtual.passed <= 9
    assert [each.getMessage() for each in caplog.records] == [
        "a message did not reach connection a: 0 delivered, 1 throttled "
        "(429: the client reads too slowly, or the account is throttled)"
    ]


def test_a_post_that_fails_is_an_error() -> None:
    virtual = VirtualTime()
    connections = connections_in(virtual, {"a"})
    connections.fail("a", status=500, times=None)
    publisher = Publisher(
        store_of(), connections, timeout_seconds=3.0, clock=virtual.clock
    )

    with pytest.raises(ManagementError, match="could not post to connection a: 500"):
        publisher.post("a", "x")

    assert virtual.passed <= 2


def test_a_post_may_ask_for_more_time() -> None:
    virtual = VirtualTime()
    connections = connections_in(virtual, {"a"})
    connections.throttle("a", times=None)
    publisher = Publisher(store_of(), connections, clock=virtual.clock)

    publisher.post("a", "x", timeout_seconds=60.0)

    assert 55 < virtual.passed <= 59


def test_a_post_to_who_has_left_is_neither_an_error_nor_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    report = Publisher(store_of("gone"), RecordingConnections()).post("gone", "x")

    assert report.gone == {"gone"}
    assert caplog.records == []


class Sqs:
    """A queue that keeps what it is sent."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.entries += request["Entries"]
        return {}


def test_with_a_queue_who_fails_is_handed_over_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    virtual, queue = VirtualTime(), Sqs()
    connections = connections_in(virtual, {"slow"})
    connections.throttle("slow", times=None)
    publisher = Publisher(
        store_of("slow"),
        connections,
        fanout=QueueFanout("https://sqs/1/fanout", client=queue),
        clock=virtual.clock,
    )

    report = publisher.publish("news", "x")

    assert report.queued
    assert report.is_complete
    assert report.reason == ""
    assert connections.attempts("slow") == 2
    assert virtual.passed < 0.5
    assert len(queue.entries) == 1
    assert caplog.records == []


def test_the_queue_s_function_hands_back_at_once_who_fails_in_a_segment() -> None:
    virtual, queue = VirtualTime(), Sqs()
    ids = [f"c{number}" for number in range(20)]
    connections = connections_in(virtual, ids)
    connections.throttle("c7", times=None)
    fanout = QueueFanout("https://sqs/1/fanout", inline_threshold=0, client=queue)
    publisher = Publisher(
        store_of(*ids), connections, fanout=fanout, clock=virtual.clock
    )
    handler = QueueHandler(publisher, fanout)

    publisher.publish("news", "x")
    seconds = []
    for number in range(3):
        begun = virtual.passed
        body = queue.entries[number]["MessageBody"]
        record = {"eventSource": "aws:sqs", "messageId": "m", "body": body}
        assert handler({"Records": [record]}) == {"batchItemFailures": []}
        seconds.append(virtual.passed - begun)

    # The topic is split, the segment is delivered, and then there is only the slow one.
    assert seconds[0] == 0
    assert seconds[1] < 0.5
    assert 0.5 < seconds[2] <= 2.5
    assert len(connections.posted) == 19
    assert len(queue.entries) == 4
