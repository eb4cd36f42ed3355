"""Durable publish: the log has the message, the table's stream brings it on."""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts.tables import CREDENTIALS
from tests.support.servers.queues import QueueInMoto
from wspubsub import (
    Connection,
    EventError,
    History,
    LoggedMessage,
    MemorySubscriptionStore,
    MemoryTopicLog,
    MessageTooLargeError,
    Publisher,
    PublishError,
    UsageError,
)
from wspubsub.dynamodb import (
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
    create_table,
)
from wspubsub.dynamodb.log_items import Tail, entry_after, entry_item
from wspubsub.dynamodb.log_offers import offer_item, offer_of
from wspubsub.eventsources import QueueHandler, StreamHandler
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.log.drafts import draft
from wspubsub.log.rules import DEFAULT_HISTORY
from wspubsub.mappings.stream_records import stream_records
from wspubsub.testing import RecordingConnections

TABLE = "chat"


def with_offset(message: LoggedMessage) -> object:
    return {"data": message.data.decode(), "offset": message.position.offset}


class Service:
    """A table with a stream in moto, and a publisher that ends with the log."""

    def __init__(self, *, then: QueueFanout | None = None, **options: Any) -> None:
        self.client = boto3.client("dynamodb", **CREDENTIALS)
        create_table(TABLE, client=self.client, stream=True)
        description = self.client.describe_table(TableName=TABLE)["Table"]
        self.arn = description["LatestStreamArn"]
        # moto knows the host of old, not those that boto3 may choose.
        self.streams = boto3.client(
            "dynamodbstreams",
            endpoint_url="https://streams.dynamodb.us-east-1.amazonaws.com",
            **CREDENTIALS,
        )
        self.store = DynamoDBSubscriptionStore(TABLE, client=self.client)
        self.connections = RecordingConnections()
        self.log = DynamoDBTopicLog(TABLE, client=self.client)
        self.publisher = Publisher(
            self.store,
            self.connections,
            log=self.log,
            fanout=StreamFanout(then=then),
            **options,
        )
        self.slept: list[float] = []
        self.handler = self.handling()

    def handling(self, **options: Any) -> StreamHandler:
        return StreamHandler(self.publisher, sleep=self.slept.append, **options)

    def subscribe(self, *connection_ids: str, topic: str = "news") -> None:
        for connection_id in connection_ids:
            self.connections.connect(connection_id)
            self.store.subscribe(connection_id, topic)

    def records(self) -> list[dict[str, Any]]:
        stream = self.streams.describe_stream(StreamArn=self.arn)["StreamDescription"]
        iterator = self.streams.get_shard_iterator(
            StreamArn=self.arn,
            ShardId=stream["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        found = self.streams.get_records(ShardIterator=iterator)["Records"]
        events = list(stream_records(found, stream_arn=self.arn))
        records: list[dict[str, Any]] = json.loads(json.dumps(events))
        return records

    def entries(self) -> list[dict[str, Any]]:
        """Return the records of messages in the log."""
        return [
            record
            for record in self.records()
            if record["dynamodb"]["Keys"]["pk"]["S"].startswith("L#")
            and "id" in record["dynamodb"]["NewImage"]
        ]

    def deliver(self, handler: StreamHandler | None = None) -> dict[str, Any]:
        return (handler or self.handler)({"Records": self.records()})


class Countdown:
    """A Lambda context whose time passes a little each time it is asked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        seconds = self.seconds
        self.seconds -= 0.1
        return round(seconds * 1000)


class Refusing:
    """An SQS client that nothing is to be sent with."""

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        raise AssertionError(request)


def returned(record: dict[str, Any]) -> dict[str, Any]:
    number = record["dynamodb"]["SequenceNumber"]
    return {"batchItemFailures": [{"itemIdentifier": number}]}


def left_of(
    records: list[dict[str, Any]], answer: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the records that Lambda delivers again."""
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    failures = answer["batchItemFailures"]
    return records[numbers.index(failures[0]["itemIdentifier"]) :] if failures else []


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_publish_is_one_write_and_posts_nothing(service: Service) -> None:
    service.subscribe("a=", "b=")

    report = service.publisher.publish("news", "hello")

    assert report.queued
    assert report.position is not None
    assert report.position.offset == 1
    assert service.connections.posted == []


def test_the_stream_brings_it_to_the_subscribers(service: Service) -> None:
    service.subscribe("a=", "b=", "c=")

    service.publisher.publish("news", "Grüße", exclude={"b="})
    answer = service.deliver()

    assert answer == {"batchItemFailures": []}
    assert sorted(service.connections.posted) == [
        ("a=", "Grüße".encode()),
        ("c=", "Grüße".encode()),
    ]


def test_messages_come_in_the_order_of_their_offsets() -> None:
    service = Service(envelope=with_offset)
    service.subscribe("a=")

    for text in ("one", "two", "three"):
        service.publisher.publish("news", text)
    service.deliver()

    assert [json.loads(each) for each in service.connections.messages("a=")] == [
        {"data": "one", "offset": 1},
        {"data": "two", "offset": 2},
        {"data": "three", "offset": 3},
    ]


def test_a_key_is_published_once(service: Service) -> None:
    service.subscribe("a=")

    first = service.publisher.publish("news", "hello", key="k")
    again = service.publisher.publish("news", "hello", key="k")
    service.deliver()

    assert again.repeated
    assert again.position == first.position
    assert service.connections.messages("a=") == [b"hello"]


def test_other_records_are_skipped(service: Service) -> None:
    service.store.connect(Connection(id="a=", connected_at=1.0))
    service.subscribe("a=")
    service.store.unsubscribe("a=", "news")
    service.store.disconnect("a=")

    assert service.deliver() == {"batchItemFailures": []}
    assert service.connections.posted == []


def test_an_empty_message_is_a_message(service: Service) -> None:
    service.subscribe("a=")

    service.publisher.publish("news", "")
    service.deliver()

    assert service.connections.messages("a=") == [b""]


def test_from_the_record_that_failed_on_the_batch_comes_again(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.subscribe("a=", topic="one")
    service.subscribe("b=", "c=", topic="two")
    for connection_id in ("b=", "c="):
        service.connections.fail(connection_id, status=500, times=None)

    for topic in ("one", "two", "one"):
        service.publisher.publish(topic, "hello")
    answer = service.deliver()

    assert answer == returned(service.entries()[1])
    assert service.connections.messages("a=") == [b"hello"]
    number = answer["batchItemFailures"][0]["itemIdentifier"]
    assert (
        f"stream record {number} will be redelivered: not every subscriber was reached"
        in (caplog.text)
    )


def test_a_record_is_returned_however_old_it_is(service: Service) -> None:
    service.subscribe("a=")
    service.publisher.publish("news", "hello")
    [entry] = service.entries()
    entry["dynamodb"]["ApproximateCreationDateTime"] -= 7200
    service.connections.fail("a=", status=403)

    first = service.handler({"Records": [entry]})
    second = service.handler({"Records": [entry]})

    assert first == returned(entry)
    assert second == {"batchItemFailures": []}
    assert service.connections.messages("a=") == [b"hello"]


def test_a_backlog_is_worked_off_as_the_time_allows(service: Service) -> None:
    service.subscribe("a=")
    texts = [f"message {number}" for number in range(10)]
    for text in texts:
        service.publisher.publish("news", text)
    left = service.entries()

    invocations = 0
    while left:
        answer = service.handler({"Records": left}, Countdown(2.5))
        left = left_of(left, answer)
        invocations += 1

    assert [each.decode() for each in service.connections.messages("a=")] == texts
    assert invocations > 2


def test_a_redelivered_message_goes_only_to_those_who_have_not_got_it(
    service: Service,
) -> None:
    service.subscribe("a=", "b=", "c=", "d=")
    for connection_id in ("b=", "d="):
        service.connections.throttle(connection_id, times=40)
    service.publisher.publish("news", "one")
    service.publisher.publish("news", "two")
    left = service.entries()

    while left:
        left = left_of(left, service.handler({"Records": left}))

    for connection_id in ("a=", "b=", "c=", "d="):
        assert service.connections.messages(connection_id) == [b"one", b"two"]


def test_a_publish_that_stopped_half_way_goes_on_where_it_stopped(
    service: Service,
) -> None:
    ids = [f"c{number}=" for number in range(9)]
    service.subscribe(*ids)
    service.connections.fail("c5=", status=403, times=2)
    service.publisher.publish("news", "hello")
    [entry] = service.entries()

    answers = [service.handler({"Records": [entry]}) for _ in range(3)]

    assert answers == [returned(entry), returned(entry), {"batchItemFailures": []}]
    assert sorted(id_ for id_, _ in service.connections.posted) == ids


def test_another_environment_delivers_once_more(service: Service) -> None:
    service.subscribe("a=", "b=", "c=")
    for connection_id in ("b=", "c="):
        service.connections.fail(connection_id, status=500, times=3)
    service.publisher.publish("news", "hello")

    service.deliver()
    answer = service.deliver(service.handling())
    assert answer == {"batchItemFailures": []}

    assert service.connections.messages("a=") == [b"hello"] * 2
    assert service.connections.messages("b=") == [b"hello"]


def test_what_is_done_is_forgotten(service: Service) -> None:
    service.subscribe("a=")
    service.publisher.publish("news", "hello")

    for _ in range(2):
        assert service.deliver() == {"batchItemFailures": []}

    assert service.connections.messages("a=") == [b"hello"] * 2


@pytest.mark.parametrize("then", [None, "queue"])
def test_what_the_publishing_call_has_fanned_out_does_not_go_out_again(
    service: Service, then: str | None
) -> None:
    queue = QueueFanout("https://queue", client=Refusing()) if then else None
    service.publisher = Publisher(
        service.store,
        service.connections,
        log=service.log,
        fanout=queue,
    )
    service.subscribe("a=")
    service.store.connect(Connection(id="a=", connected_at=1.0))
    greeted: list[Connection] = []

    service.publisher.publish("news", "hello")
    answer = service.deliver(service.handling(on_ready=greeted.append))

    assert answer == {"batchItemFailures": []}
    assert service.connections.messages("a=") == [b"hello"]
    assert [each.id for each in greeted] == ["a="]


@pytest.mark.parametrize(
    "image",
    [
        None,
        {},
        {"pk": "L#news"},
        {"pk": {"S": "L#news"}, "sk": {"S": "x"}},
        {"pk": {"S": "L#news"}, "sk": {"S": "1"}, "epoch": {"S": "e"}},
        {"pk": {"S": "C#a="}, "sk": {"S": "#"}},
    ],
)
def test_what_cannot_be_read_holds_nobody_up_and_is_logged_whole(
    service: Service, image: object, caplog: pytest.LogCaptureFixture
) -> None:
    service.subscribe("a=")
    service.publisher.publish("news", "hello")
    bad = {
        "eventSource": "aws:dynamodb",
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": "1", "NewImage": image},
    }
    handler = service.handling(on_ready=lambda _: None)

    answer = handler({"Records": [bad, *service.records()]})

    assert answer == {"batchItemFailures": []}
    [error] = [each.getMessage() for each in caplog.records if each.levelno >= 40]
    assert json.loads(error.partition("the record: ")[2]) == bad
    assert service.connections.messages("a=") == [b"hello"]


def test_redelivery_repeats_the_message_with_the_same_offset() -> None:
    service = Service(envelope=with_offset)
    service.subscribe("a=")
    service.publisher.publish("news", "hello")

    service.deliver()
    service.deliver()

    first, second = service.connections.messages("a=")
    assert first == second


@pytest.mark.parametrize(("seconds", "posts"), [(2.0, 0), (2.3, 1)])
def test_without_time_the_record_comes_again(
    service: Service, seconds: float, posts: int
) -> None:
    service.subscribe("a=")
    service.publisher.publish("news", "hello")

    answer = service.handler({"Records": service.entries()}, Countdown(seconds))

    assert len(answer["batchItemFailures"]) == 1 - posts
    assert len(service.connections.posted) == posts


def test_what_the_stream_has_given_up_is_replayed_from_the_log(
    service: Service,
) -> None:
    service.subscribe("a=", "b=")
    service.publisher.publish("news", "one")
    service.publisher.publish("news", "two", exclude={"b="})

    reports = [
        service.publisher.deliver_logged(message)
        for message in service.log.read("news", limit=1000).messages
    ]

    assert [report.delivered for report in reports] == [2, 1]
    assert [report.position for report in reports] == [
        message.position for message in service.log.read("news").messages
    ]
    assert service.connections.messages("a=") == [b"one", b"two"]
    assert service.connections.messages("b=") == [b"one"]


def test_a_large_topic_goes_on_through_the_queue() -> None:
    queue = QueueInMoto(boto3.client("sqs", **CREDENTIALS))
    fanout = QueueFanout(
        queue.url, inline_threshold=3, segment_size=4, client=queue.sender
    )
    service = Service(then=fanout, envelope=with_offset)
    ids = [f"c{number}=" for number in range(10)]
    service.subscribe(*ids)

    service.publisher.publish("news", "hello")
    service.deliver()
    posted_by_the_stream = len(service.connections.posted)
    queue.work_off(QueueHandler(service.publisher, fanout))

    assert posted_by_the_stream == 0
    assert sorted(each for each, _ in service.connections.posted) == ids
    assert json.loads(service.connections.posted[0][1])["offset"] == 1


def test_another_event_is_refused(service: Service) -> None:
    with pytest.raises(EventError, match="aws:dynamodb"):
        service.handler({"Records": [{"eventSource": "aws:sqs"}]})


class Offline:
    """What a publisher over memory needs."""

    def __init__(self, **options: Any) -> None:
        self.store = MemorySubscriptionStore()
        self.connections = RecordingConnections({"a="})
        self.store.subscribe("a=", "news")
        self.log = MemoryTopicLog(history=History(limit=10))
        self.publisher = Publisher(
            self.store, self.connections, log=self.log, **options
        )


def test_with_a_log_alone_a_publish_is_logged_and_posted() -> None:
    offline = Offline(envelope=with_offset)

    report = offline.publisher.publish("news", "hello")

    assert report.delivered == 1
    assert report.position == offline.log.position("news")
    assert json.loads(offline.connections.messages("a=")[0])["offset"] == 1


def test_an_error_half_way_says_where_the_message_stands() -> None:
    offline = Offline()
    offline.connections.fail("a=", status=403, times=1)

    with pytest.raises(PublishError) as caught:
        offline.publisher.publish("news", "hello")

    assert caught.value.report.position == offline.log.position("news")


def test_what_does_not_fit_with_its_envelope_is_not_logged() -> None:
    offline = Offline(envelope=with_offset)

    with pytest.raises(MessageTooLargeError):
        offline.publisher.publish("news", "x" * 131_072)

    assert offline.log.position("news") is None


@pytest.mark.parametrize(
    "options", [{"fanout": StreamFanout()}, {"envelope": with_offset}]
)
def test_what_works_on_logged_messages_needs_a_log(options: dict[str, Any]) -> None:
    offline = Offline()

    with pytest.raises(UsageError, match="pass log="):
        Publisher(offline.store, offline.connections, **options)


def test_a_key_needs_a_log() -> None:
    offline = Offline()
    publisher = Publisher(offline.store, offline.connections)

    with pytest.raises(UsageError, match="log="):
        publisher.publish("news", "hello", key="k")


def test_what_begins_an_epoch_is_no_message_for_anybody(service: Service) -> None:
    service.subscribe("a=")

    service.log.ensure_position("news")
    answer = service.deliver()

    assert len(service.records()) > len(service.entries())
    assert answer == {"batchItemFailures": []}
    assert service.connections.messages("a=") == []


def test_the_stream_brings_the_info_of_a_message(service: Service) -> None:
    seen: list[LoggedMessage] = []

    def envelope(message: LoggedMessage) -> bytes:
        seen.append(message)
        return message.data

    service.subscribe("a=")
    publisher = Publisher(
        service.store,
        service.connections,
        log=service.log,
        fanout=StreamFanout(),
        envelope=envelope,
    )
    message = service.log.append("news", b"hello", info=b"ann\xff").message

    service.deliver(StreamHandler(publisher))

    assert seen == [message]
    assert message.info == b"ann\xff"


def carry(service: Service, *data: bytes) -> None:
    """Write an entry with several messages, and an offer, as many writers do."""
    drafts = [draft("news", each, None, {"z="}, None) for each in data]
    tail = Tail(service.log.ensure_position("news"), time.time(), int(time.time()))
    first, *others = drafts
    entry = entry_after(tail, first, DEFAULT_HISTORY, time.time(), others)
    offered = offer_item(offer_of(first, tail.position, "p", time.time()))
    for item in (offered, entry_item(entry)):
        service.client.put_item(TableName=TABLE, Item=item)


def test_messages_of_one_entry_are_posted_one_by_one_in_order(service: Service) -> None:
    service.subscribe("a=", "z=")
    carry(service, b"1", b"", b"3")

    assert service.deliver() == {"batchItemFailures": []}

    assert service.connections.messages("a=") == [b"1", b"", b"3"]
    assert service.connections.messages("z=") == []


def test_of_an_entry_that_comes_again_nobody_gets_twice_what_it_has(
    service: Service,
) -> None:
    service.subscribe("a=")
    texts = [b"%d" % number for number in range(10)]
    carry(service, *texts)
    left, rounds = service.records(), 0

    while left:
        left = left_of(
            left, service.handler({"Records": left}, Countdown(2.5 + rounds))
        )
        rounds += 1

    assert rounds > 1
    assert service.connections.messages("a=") == texts


def test_an_entry_whose_carried_messages_cannot_be_read_is_skipped_and_logged(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.subscribe("a=")
    carry(service, b"1", b"", b"3")
    [entry] = service.entries()
    entry["dynamodb"]["NewImage"]["carried"]["L"][0]["M"] = "?"

    assert service.handler({"Records": [entry]}) == {"batchItemFailures": []}

    assert "cannot be read and is skipped" in caplog.text
    assert service.connections.messages("a=") == []
