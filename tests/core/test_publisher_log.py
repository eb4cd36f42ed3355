"""Publishing with a log: its time, its keys, and what becomes of failures."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.faulty_dynamodb import faulty_moto, refusal
from tests.support.servers.small_table import SmallTable
from tests.support.turns import Actor, Step, Stepwise, dying, orders
from tests.support.virtual_time import Clock
from wspubsub import (
    KeyConflictError,
    LoggedMessage,
    MemorySubscriptionStore,
    MemoryTopicLog,
    MessageTooLargeError,
    Publisher,
    PublishError,
    PublishReport,
    StoreError,
    TopicLog,
    UsageError,
)
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.testing import RecordingConnections

TABLE = "log"


class Flaky(MemorySubscriptionStore):
    """A store that cannot be read when told so."""

    is_down = False

    def subscribers(self, topic: str, **options: Any) -> Iterator[str]:
        if self.is_down:
            raise StoreError("no", operation="Query", code="ThrottlingException")
        return super().subscribers(topic, **options)


class MarkLess(MemoryTopicLog):
    """A log that takes no marks when told so."""

    is_down = True
    marks = 0

    def mark_sent(
        self, message: LoggedMessage, key: str, *, timeout_seconds: float | None = None
    ) -> None:
        self.marks += 1
        if self.is_down:
            raise StoreError("no", operation="PutItem", code="ThrottlingException")
        super().mark_sent(message, key, timeout_seconds=timeout_seconds)


class Sqs:
    """A queue that takes everything."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.taken += request["Entries"]
        return {}


class Chat:
    """A topic with one subscriber, and who publishes to it with a log."""

    def __init__(self, log: TopicLog | None = None, **options: Any) -> None:
        self.store = Flaky()
        self.store.subscribe("a=", "news")
        self.connections = RecordingConnections({"a="})
        self.log = MemoryTopicLog() if log is None else log
        self.publisher = Publisher(
            self.store, self.connections, log=self.log, **options
        )

    def publish(self, data: str = "hello", key: str | None = "k") -> PublishReport:
        return self.publisher.publish("news", data, key=key)

    @property
    def received(self) -> int:
        return len(self.connections.messages("a="))


@pytest.mark.parametrize(
    ("publisher_seconds", "call_seconds", "least"), [(25, 1, 0.4), (2, None, 1.4)]
)
def test_a_log_that_takes_nothing_keeps_a_publish_no_longer_than_its_time(
    publisher_seconds: float, call_seconds: float | None, least: float
) -> None:
    clock = Clock()
    with faulty_moto(TABLE) as client:
        client.fail("put_item", refusal("ThrottlingException"), times=1000)
        log = DynamoDBTopicLog(TABLE, client=client, now=clock, sleep=clock.advance)
        publisher = Publisher(
            MemorySubscriptionStore(),
            RecordingConnections(),
            log=log,
            timeout_seconds=publisher_seconds,
            clock=clock,
        )
        before = clock.time

        with pytest.raises(StoreError, match="in time"):
            publisher.publish("news", "hello", timeout_seconds=call_seconds)

    seconds = publisher_seconds if call_seconds is None else call_seconds
    assert least < clock.time - before < seconds


def test_a_message_whose_first_publish_failed_is_sent_by_the_next() -> None:
    chat = Chat()
    chat.store.is_down = True
    with pytest.raises(PublishError) as caught:
        chat.publish()
    chat.store.is_down = False

    second, third = chat.publish(), chat.publish()

    assert (second.delivered, second.repeated) == (1, False)
    assert (third.delivered, third.repeated, third.is_complete) == (0, True, True)
    positions = {each.position for each in (caught.value.report, second, third)}
    assert positions == {chat.log.position("news")}
    assert chat.received == 1


def test_a_message_that_did_not_reach_everyone_is_sent_again() -> None:
    chat = Chat()
    first = chat.publisher.publish("news", "hello", key="k", timeout_seconds=0)

    second, third = chat.publish(), chat.publish()

    assert (first.is_complete, second.is_complete) == (False, True)
    assert (second.repeated, third.repeated) == (False, True)
    assert chat.received == 1


def test_a_message_that_could_not_be_marked_is_sent_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = MarkLess()
    chat = Chat(log)
    with caplog.at_level(logging.WARNING, logger="wspubsub"):
        first = chat.publish()
    log.is_down = False

    second, third = chat.publish(), chat.publish()

    assert (first.delivered, second.delivered, third.delivered) == (1, 1, 0)
    assert "could not mark message" in caplog.text


def test_what_the_queue_has_taken_is_not_sent_again() -> None:
    sqs = Sqs()
    queue = QueueFanout("https://queue/1/a", inline_threshold=0, client=sqs)
    chat = Chat(fanout=queue)

    first, second = chat.publish(), chat.publish()

    assert (first.queued, first.repeated) == (True, False)
    assert (second.queued, second.repeated) == (False, True)
    assert len(sqs.taken) == 1


def test_with_a_stream_the_log_is_the_hand_over_and_there_is_no_mark() -> None:
    log = MarkLess()
    chat = Chat(log, fanout=StreamFanout())

    first, second = chat.publish(), chat.publish()

    assert (first.queued, first.repeated) == (True, False)
    assert (second.queued, second.repeated) == (False, True)
    assert log.marks == 0


def test_a_message_without_a_key_is_not_marked() -> None:
    log = MarkLess()
    chat = Chat(log)

    chat.publish(key=None)

    assert (chat.received, log.marks) == (1, 0)


@pytest.mark.parametrize(
    "fanout", [None, QueueFanout("https://queue/1/a", client=Sqs())]
)
def test_whatever_fails_after_the_append_says_where_the_message_stands(
    fanout: QueueFanout | None,
) -> None:
    chat = Chat(fanout=fanout)
    chat.store.is_down = True

    with pytest.raises(PublishError) as caught:
        chat.publish(key=None)

    assert caught.value.report.position == chat.log.position("news")
    assert isinstance(caught.value.__cause__, StoreError)


def test_an_envelope_that_fails_after_the_append_says_where_the_message_stands() -> (
    None
):
    log = MemoryTopicLog()

    def odd(message: LoggedMessage) -> Any:
        # What it is asked before the append has no such offset.
        return {1, 2} if message.position.offset == 1 else "fine"

    chat = Chat(log, envelope=odd)

    with pytest.raises(PublishError) as caught:
        chat.publish(key=None)

    assert caught.value.report.position == log.position("news")
    assert isinstance(caught.value.__cause__, UsageError)


def test_an_envelope_with_the_time_counts_before_the_message_is_logged() -> None:
    log = MemoryTopicLog(now=lambda: 1_764_000_000.1234567)

    def with_time(message: LoggedMessage) -> dict[str, Any]:
        return {"text": message.data.decode(), "at": message.published_at}

    chat = Chat(log, envelope=with_time)
    most = 131_072 - len('{"text":"","at":1764000000.1234567}')

    with pytest.raises(MessageTooLargeError):
        chat.publish("x" * (most + 1), key=None)
    assert log.position("news") is None

    assert chat.publish("x" * most, key=None).delivered == 1


def test_other_data_with_the_same_key_is_refused_and_not_sent() -> None:
    chat = Chat()
    chat.publish("one")

    with pytest.raises(KeyConflictError):
        chat.publish("two")

    assert chat.connections.messages("a=") == [b"one"]


class Two:
    """Two processes that publish a message with the same key at the same time."""

    def __init__(self, kind: str) -> None:
        self.chat = Chat(_make_log(kind, SmallTable()))
        self.kind = kind

    def publish(self, step: Step) -> None:
        log: Any = self.chat.log
        if self.kind == "memory":
            log = Stepwise(log, step)
        else:
            log = _make_log(self.kind, Stepwise(log.table, step))
        publisher = Publisher(
            self.chat.store,
            Stepwise(self.chat.connections, step),
            log=log,
        )
        report = publisher.publish("news", "hello", key="k")
        assert report.position == self.chat.log.position("news")
        assert report.is_complete
        assert self.chat.received >= 1

    def check(self) -> None:
        """Publish twice more: the message is everywhere, and then it is not sent."""
        assert len(self.chat.log.read("news").messages) <= 1
        self.chat.publish()
        received = self.chat.received
        assert 1 <= received <= 3
        assert self.chat.publish().repeated
        assert self.chat.received == received
        assert len(self.chat.log.read("news").messages) == 1


class TableLog(DynamoDBTopicLog):
    def __init__(self, table: Any) -> None:
        super().__init__(TABLE, client=table, sleep=lambda _seconds: None)
        self.table = table


def _make_log(kind: str, table: Any) -> TopicLog:
    return MemoryTopicLog() if kind == "memory" else TableLog(table)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "table"])
@pytest.mark.parametrize("first_dies", [None, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("second_dies", [None, 2])
def test_in_every_order_of_two_publishers_a_message_with_a_key_is_sent(
    kind: str, first_dies: int | None, second_dies: int | None
) -> None:
    made: list[Two] = []

    def make_actors() -> list[Actor]:
        made.append(Two(kind))
        publish: Callable[[Step], None] = made[-1].publish
        return [dying(publish, first_dies), dying(publish, second_dies)]

    count = 0
    for _order in orders(make_actors):
        made.pop().check()
        count += 1

    assert count > 1


def test_an_envelope_is_measured_with_the_longest_that_may_be_in_it() -> None:
    seen: list[LoggedMessage] = []

    def keep(message: LoggedMessage) -> bytes:
        seen.append(message)
        return message.data

    publisher = Publisher(
        MemorySubscriptionStore(),
        RecordingConnections(),
        log=MemoryTopicLog(),
        envelope=keep,
    )
    publisher.publish("news", "hello")

    measured, logged = seen
    assert measured.position.offset == 2**53 - 1
    assert len(measured.position.epoch) == len(logged.position.epoch)
    assert len(measured.id) == len(logged.id)
    assert len(repr(measured.published_at)) >= len(repr(logged.published_at))
    assert measured.data == logged.data == b"hello"


def test_who_is_excluded_gets_nothing_of_a_logged_message() -> None:
    chat = Chat()
    chat.store.subscribe("b=", "news")
    chat.connections.connect("b=")

    chat.publisher.publish("news", "hello", exclude={"a="})
    [message] = chat.log.read("news").messages
    chat.publisher.deliver_logged(message)

    assert chat.received == 0
    assert chat.connections.messages("b=") == [b"hello", b"hello"]


@pytest.mark.parametrize("fanout", [None, StreamFanout()])
def test_a_message_may_stay_out_of_the_log(fanout: StreamFanout | None) -> None:
    store, connections = MemorySubscriptionStore(), RecordingConnections({"a="})
    store.subscribe("a=", "news")
    topic_log = MemoryTopicLog()
    publisher = Publisher(
        store,
        connections,
        log=topic_log,
        fanout=fanout,
        envelope=lambda message: {"position": message.position},
    )

    report = publisher.publish("news", {"typing": "ann"}, log=False)

    assert (report.delivered, report.position) == (1, None)
    assert connections.messages("a=") == [b'{"typing":"ann"}']
    assert topic_log.position("news") is None


def test_what_is_not_logged_has_no_key() -> None:
    chat = Chat()

    with pytest.raises(UsageError, match="leave out log=False"):
        chat.publisher.publish("news", "hello", key="k", log=False)
