"""Clients that do not read, in a stream that others wait for."""

import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub import Publisher, StoreError
from wspubsub.connections import Outcome, PostOutcome
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.eventsources import StreamHandler
from wspubsub.fanout import StreamFanout
from wspubsub.testing import RecordingConnections

TRY_SECONDS = 2.0
"""A post to a client that does not read takes so long before it is given up."""


class SlowReaders(RecordingConnections):
    """Connections of which some take no messages until their time."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time
        self.slow_until: dict[str, float] = {}
        self.tried: list[tuple[str, bytes]] = []
        self.runs: list[list[str]] = []
        self.seconds: list[float] = []

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        slow = []
        self.runs.append([])
        self.seconds.append(deadline - self.time.passed)
        for connection_id in connection_ids:
            self.tried.append((connection_id, data))
            self.runs[-1].append(connection_id)
            if self.slow_until.get(connection_id, 0.0) > self.time.passed:
                slow.append(connection_id)
            else:
                yield from super().post_many((connection_id,), data, deadline=math.inf)
        if slow:
            self.time.passed = min(self.time.passed + TRY_SECONDS, deadline)
        for connection_id in slow:
            yield PostOutcome(connection_id, Outcome.THROTTLED, "429")


class Store(DynamoDBSubscriptionStore):
    """A store whose reading of a connection's topics can fail."""

    is_broken = False

    def topics(self, connection_id: str) -> frozenset[str]:
        if self.is_broken:
            raise StoreError("throttled", operation="Query", code="ThrottlingException")
        return super().topics(connection_id)


class Service:
    """A stream with readers of the topic "news", and "slow", who may not read."""

    def __init__(self, *, readers: int = 10) -> None:
        self.time = VirtualTime()
        self.table = SmallTable()
        client: Any = self.table
        self.connections = SlowReaders(self.time)
        self.store = Store("chat", client=client, now=self.time.now)
        self.publisher = Publisher(
            self.store,
            self.connections,
            log=DynamoDBTopicLog("chat", client=client, now=self.time.now),
            fanout=StreamFanout(),
            clock=self.time.clock,
        )
        self.handler = self.new_handler()
        self.readers = [f"reader{number}" for number in range(readers)]
        for connection_id in [*self.readers, "slow"]:
            self.subscribe(connection_id)
        self.seen = len(self.table.records)

    def new_handler(self) -> StreamHandler:
        return StreamHandler(
            self.publisher,
            now=self.time.now,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def subscribe(self, connection_id: str, topic: str = "news") -> None:
        self.connections.connect(connection_id)
        self.store.subscribe(connection_id, topic)

    def publish(self, *texts: str, topic: str = "news") -> None:
        for text in texts:
            self.publisher.publish(topic, text)

    def records(self) -> list[Any]:
        found = self.table.records[self.seen :]
        self.seen = len(self.table.records)
        # The event source's filter leaves out what begins an epoch.
        return [each for each in found if "genesis" not in each["dynamodb"]["NewImage"]]

    def handle(self, records: list[Any], seconds: float = 29.0) -> list[Any]:
        """Return the records that Lambda delivers again."""
        context = self.time.context(seconds)
        failures = self.handler({"Records": records}, context)["batchItemFailures"]
        numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
        if not failures:
            return []
        return records[numbers.index(failures[0]["itemIdentifier"]) :]

    def got(self, connection_id: str) -> list[str]:
        return [each.decode() for each in self.connections.messages(connection_id)]


def test_a_client_that_reads_again_in_time_misses_nothing() -> None:
    service = Service()
    service.connections.slow_until["slow"] = 6.0
    service.publish("one", "two", "three")

    left = service.handle(service.records())

    assert left == []
    for connection_id in ("slow", *service.readers):
        assert service.got(connection_id) == ["one", "two", "three"]


def test_a_client_that_never_reads_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service()
    service.connections.slow_until["slow"] = math.inf
    service.publish(*map(str, range(10)))

    left = service.handle(service.records())

    assert left == []
    assert service.time.passed < 20
    assert service.time.waits == [1.0, 2.0, 4.0]
    for connection_id in service.readers:
        assert service.got(connection_id) == list(map(str, range(10)))
    [error] = [
        each.getMessage() for each in caplog.records if each.levelname == "ERROR"
    ]
    assert error.startswith("connection slow accepts no messages")
    assert error.endswith(", ".join(f"'news' {number}" for number in range(1, 11)))


def test_it_is_tried_once_for_each_batch_from_then_on() -> None:
    service = Service()
    service.connections.slow_until["slow"] = math.inf
    service.publish("one")
    service.handle(service.records())
    service.time.waits.clear()
    service.connections.tried.clear()
    began = service.time.passed

    service.publish("two", "three")
    left = service.handle(service.records())

    assert left == []
    assert service.time.waits == []
    assert service.time.passed - began == TRY_SECONDS
    assert [data for id_, data in service.connections.tried if id_ == "slow"] == [
        b"two"
    ]


@pytest.mark.parametrize(("seconds", "waits"), [(59.9, 0), (60.0, 3)])
def test_it_is_waited_for_again_after_a_minute(seconds: float, waits: int) -> None:
    service = Service()
    service.connections.slow_until["slow"] = math.inf
    service.publish("one")
    service.handle(service.records())
    service.time.waits.clear()

    service.time.passed += seconds
    service.publish("two")
    service.handle(service.records())

    assert len(service.time.waits) == waits


def test_once_it_reads_it_is_a_reader_like_the_others() -> None:
    service = Service()
    service.connections.slow_until["slow"] = 20.0
    service.publish("one")
    service.handle(service.records())

    service.time.passed = 20.0
    service.publish("two")
    service.handle(service.records())
    service.connections.runs.clear()
    service.publish("three")
    service.handle(service.records())

    assert service.got("slow") == ["two", "three"]
    assert [len(run) for run in service.connections.runs] == [11]
    assert service.time.passed == 20.0


def test_it_gets_what_it_missed_of_other_topics_too_and_of_no_others() -> None:
    service = Service()
    service.subscribe("slow", "sports")
    service.connections.slow_until["slow"] = 3.0
    service.publish("one")
    service.publish("goal", topic="sports")
    service.publish("rain", topic="weather")

    service.handle(service.records())

    assert service.got("slow") == ["one", "goal"]


def test_whoever_has_unsubscribed_meanwhile_gets_nothing() -> None:
    service = Service()
    service.connections.slow_until["slow"] = 3.0
    service.publish("one")
    service.time.when_asleep = lambda: service.store.unsubscribe("slow", "news")

    left = service.handle(service.records())

    assert left == []
    assert service.got("slow") == []


def test_if_nobody_else_was_reached_the_record_comes_again() -> None:
    service = Service(readers=0)
    service.connections.slow_until["slow"] = 100.0
    service.connections.fail("slow", status=500, times=10)
    service.publish("one", "two")
    records = service.records()

    left = service.handle(records)
    service.time.passed = 100.0
    finally_left = service.handle(left)

    assert left == records
    assert finally_left == []
    assert service.got("slow") == ["one", "two"]


@pytest.mark.parametrize(
    ("status", "seconds", "is_returned"),
    [
        (None, 29.0, False),
        (None, 14.1, False),
        (None, 14.0, True),
        (410, 29.0, False),
        (429, 29.0, True),
        (403, 29.0, True),
    ],
)
def test_if_nobody_else_was_to_be_reached_api_gateway_is_asked_for_it(
    status: int | None,
    seconds: float,
    is_returned: bool,
) -> None:
    service = Service(readers=0)
    service.connections.slow_until["slow"] = math.inf
    if status is not None:
        service.connections.fail("slow", status=status, times=20)
    service.publish("one")

    left = service.handle(service.records(), seconds=seconds)
    if not is_returned:
        left = service.handle(left)

    assert bool(left) == is_returned


@pytest.mark.parametrize(
    ("reached", "slow", "is_returned"),
    [(1, 1, False), (5, 2, True), (20, 2, False), (29, 3, True), (30, 3, False)],
)
def test_what_keeps_more_than_a_tenth_from_a_message_is_not_their_fault(
    reached: int,
    slow: int,
    is_returned: bool,
) -> None:
    service = Service(readers=reached + slow)
    for connection_id in service.readers[:slow]:
        service.connections.slow_until[connection_id] = math.inf
    service.store.unsubscribe("slow", "news")
    service.publish("one")

    left = service.handle(service.records())

    assert bool(left) == is_returned
    assert Counter(id_ for id_, _ in service.connections.posted) == Counter(
        service.readers[slow:]
    )


def test_a_client_known_not_to_read_holds_up_no_topic_of_its_own() -> None:
    service = Service()
    service.subscribe("slow", "private")
    service.connections.slow_until["slow"] = math.inf
    service.publish("one")
    service.handle(service.records())

    service.publish("two", topic="private")
    left = service.handle(service.records())

    assert left == []


def test_an_attempt_to_catch_up_is_short() -> None:
    service = Service()
    service.connections.slow_until["slow"] = math.inf
    service.publish("one")

    service.handle(service.records())

    assert service.connections.seconds == [26.0, 2.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(("seconds", "waits"), [(7.0, []), (7.1, [1.0])])
def test_nothing_is_waited_for_past_the_functions_time(
    seconds: float, waits: list[float]
) -> None:
    service = Service()
    service.connections.slow_until["slow"] = math.inf
    service.publish("one")
    records = service.records()

    left = service.handle(records, seconds=seconds)

    assert left == records
    assert service.time.waits == waits


def test_if_the_time_ends_it_goes_on_with_the_next_invocation() -> None:
    service = Service()
    service.connections.slow_until["slow"] = 8.0
    service.publish("one", "two")
    records = service.records()

    left = service.handle(records, seconds=5.0)
    finally_left = service.handle(left)

    assert left == records
    assert finally_left == []
    for connection_id in ("slow", *service.readers):
        assert service.got(connection_id) == ["one", "two"]


def test_a_client_that_never_reads_is_given_up_though_the_time_ends_first() -> None:
    service = Service()
    service.connections.slow_until["slow"] = math.inf
    service.publish("one", "two")

    left = service.handle(service.records(), seconds=5.0)
    finally_left = service.handle(left)

    assert left
    assert finally_left == []
    assert all(service.got(each) == ["one", "two"] for each in service.readers)


def test_if_the_store_fails_the_record_comes_again() -> None:
    service = Service()
    service.connections.slow_until["slow"] = 3.0
    service.publish("one", "two")
    records = service.records()

    service.store.is_broken = True
    left = service.handle(records)
    service.store.is_broken = False
    finally_left = service.handle(left)

    assert left == records
    assert finally_left == []
    for connection_id in ("slow", *service.readers):
        assert service.got(connection_id) == ["one", "two"]


def test_if_the_store_fails_only_records_that_someone_lacks_come_again() -> None:
    service = Service()
    service.subscribe(service.readers[0], topic="calm")
    service.seen = len(service.table.records)
    service.connections.slow_until["slow"] = 3.0
    service.publish("quiet", topic="calm")
    service.publish("one")
    records = service.records()

    service.store.is_broken = True
    left = service.handle(records)

    assert left == records[1:]


def test_so_many_slow_clients_are_remembered_and_no_more() -> None:
    service = Service(readers=1_200)
    for connection_id in service.readers[:101]:
        service.connections.slow_until[connection_id] = math.inf
    service.publish("one")

    left = service.handle(service.records())
    service.connections.runs.clear()
    service.publish("two")
    left += service.handle(service.records())

    assert left == []
    assert len(set(service.connections.runs[0]) & set(service.readers[:101])) == 1


def test_where_nobody_lags_nothing_is_looked_up() -> None:
    service = Service()
    service.publish("one")
    service.store.is_broken = True

    assert service.handle(service.records()) == []
    assert len(service.connections.runs) == 1
    assert [each.name for each in threading.enumerate() if "topics" in each.name] == []
