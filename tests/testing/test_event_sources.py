"""Streams and queues in the in-process gateway, by the rules of Lambda."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS
from tests.support.chat_apps import ok
from wspubsub import (
    ConnectEvent,
    Connection,
    DisconnectEvent,
    MessageEvent,
    Publisher,
    Router,
    UsageError,
)
from wspubsub.dynamodb import (
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
    create_table,
)
from wspubsub.eventsources import EventSources, QueueHandler, StreamHandler
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.log.rules import Position
from wspubsub.testing import (
    HandshakeRefused,
    InProcessGateway,
    MemoryQueue,
    MemoryTable,
    QueueSettings,
    QueueSource,
    StreamSettings,
    StreamSource,
    TestClient,
    queue_event,
    stream_event,
)

Handler = Callable[[Any, Any], Any]


class Durable:
    """A chat whose messages are carried by its table's stream, and by a queue."""

    def __init__(
        self, gateway: InProcessGateway, *, store: Any, log: Any, queue: Any, url: str
    ) -> None:
        fanout = QueueFanout(url, inline_threshold=1, segment_size=2, client=queue)
        self.store = store
        self.publisher = Publisher(
            store, gateway.connections, log=log, fanout=StreamFanout(then=fanout)
        )
        router = Router()
        router.connect(self.connect)
        router.disconnect(self.disconnect)
        router.route("subscribe")(self.subscribe)
        router.route("publish")(self.publish)
        gateway.handler = EventSources(
            router,
            stream=StreamHandler(self.publisher, on_ready=self.greet),
            queue=QueueHandler(self.publisher, fanout),
        )

    def connect(self, event: ConnectEvent) -> None:
        self.store.connect(event.connection)

    def disconnect(self, event: DisconnectEvent) -> None:
        self.store.disconnect(event.connection_id)

    def greet(self, connection: Connection) -> None:
        self.publisher.post(connection.id, "welcome")

    def subscribe(self, event: MessageEvent) -> None:
        self.store.subscribe(event.connection_id, "news")

    def publish(self, event: MessageEvent) -> None:
        self.publisher.publish("news", event.json()["text"])


def in_memory(gateway: InProcessGateway) -> Durable:
    table, queue = MemoryTable(now=gateway.now), MemoryQueue(now=gateway.now)
    gateway.add_event_source(table.stream)
    gateway.add_event_source(queue.source)
    return Durable(
        gateway, store=table.store, log=table.log, queue=queue, url=queue.url
    )


def in_moto(gateway: InProcessGateway) -> Durable:
    client = boto3.client("dynamodb", **CREDENTIALS)
    create_table("chat", client=client, stream=True)
    arn = client.describe_table(TableName="chat")["Table"]["LatestStreamArn"]
    streams = boto3.client(
        "dynamodbstreams",
        endpoint_url="https://streams.dynamodb.us-east-1.amazonaws.com",
        **CREDENTIALS,
    )
    queue = boto3.client("sqs", **CREDENTIALS)
    url = queue.create_queue(QueueName="fanout")["QueueUrl"]
    attributes = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    gateway.add_event_source(StreamSource(streams, arn))
    gateway.add_event_source(
        QueueSource(queue, url, attributes["Attributes"]["QueueArn"])
    )
    return Durable(
        gateway,
        store=DynamoDBSubscriptionStore("chat", client=client),
        log=DynamoDBTopicLog("chat", client=client),
        queue=queue,
        url=url,
    )


@pytest.fixture(params=[in_memory, in_moto])
def durable(request: pytest.FixtureRequest) -> Iterator[InProcessGateway]:
    with mock_aws():
        gateway = InProcessGateway()
        request.param(gateway)
        yield gateway


def subscribed(gateway: InProcessGateway, count: int) -> list[TestClient]:
    clients = [gateway.connect() for _ in range(count)]
    for client in clients:
        client.send({"action": "subscribe"})
    return clients


def test_a_published_message_arrives_when_the_stream_brings_it(
    durable: InProcessGateway,
) -> None:
    (reader,) = subscribed(durable, 1)

    reader.send({"action": "publish", "text": "first"})
    reader.send({"action": "publish", "text": "second"})
    reader.expect_nothing()
    durable.run_event_sources()

    assert reader.receive_all() == ["welcome", "first", "second"]
    durable.run_event_sources()
    reader.expect_nothing()
    assert not durable.errors


def test_a_large_topic_goes_through_the_queue(durable: InProcessGateway) -> None:
    clients = subscribed(durable, 5)

    clients[0].send({"action": "publish", "text": "news"})
    durable.advance(seconds=1)

    assert [client.receive_all() for client in clients] == [["welcome", "news"]] * 5
    sources = [
        each.event["Records"][0]["eventSource"]
        for each in durable.invocations
        if "Records" in each.event
    ]
    assert {"aws:dynamodb", "aws:sqs"} <= set(sources)
    assert durable.invocations[-1].route_key == ""


class Recorder:
    """A function for records that does what its script says.

    Attributes:
        batches: What each invocation has got: bodies, or sort keys of items.
    """

    def __init__(self, *script: Any) -> None:
        self.batches: list[list[str]] = []
        self._script = list(script)

    def __call__(self, event: dict[str, Any], _context: object) -> Any:
        records = event["Records"]
        self.batches.append([each.get("body") or _sort_key(each) for each in records])
        step = self._script.pop(0) if self._script else None
        if isinstance(step, Exception):
            raise step
        if isinstance(step, set):
            failed = [_identifier(each) for each in records if _name(each) in step]
            return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}
        return step


def _sort_key(record: dict[str, Any]) -> str:
    return str(int(record["dynamodb"]["Keys"]["sk"]["S"]))


def _name(record: dict[str, Any]) -> str:
    return record.get("body") or _sort_key(record)


def _identifier(record: dict[str, Any]) -> str:
    number = record.get("dynamodb", {}).get("SequenceNumber")
    return str(record.get("messageId", number))


def streamed(
    handler: Handler, count: int, **settings: Any
) -> tuple[InProcessGateway, MemoryTable]:
    """Return a gateway whose stream has some messages of a topic."""
    gateway = InProcessGateway(ok, raise_errors=False)
    table = MemoryTable(now=gateway.now, settings=StreamSettings(**settings))
    gateway.add_event_source(table.stream, handler)
    for _ in range(count):
        table.log.append("news", b"x")
    return gateway, table


def test_records_come_in_order_in_batches_of_the_size() -> None:
    handler = Recorder()
    gateway, _ = streamed(handler, 5, batch_size=2)

    gateway.run_event_sources()

    assert handler.batches == [["1", "2"], ["3", "4"], ["5"]]


def test_a_batch_that_fails_holds_up_its_shard_until_it_is_redelivered() -> None:
    handler = Recorder(RuntimeError("no"), RuntimeError("not yet"))
    gateway, table = streamed(handler, 2, batch_size=1)

    gateway.run_event_sources()
    gateway.run_event_sources()
    table.log.append("news", b"later")
    assert handler.batches == [["1"]]
    gateway.advance(seconds=0.25)
    assert handler.batches == [["1"], ["1"]]
    gateway.advance(seconds=0.5)

    assert handler.batches == [["1"], ["1"], ["1"], ["2"], ["3"]]
    assert [str(each) for each in gateway.errors] == ["no", "not yet"]


def test_what_a_stream_s_handler_lists_comes_again_with_what_follows() -> None:
    handler = Recorder({"2"})
    gateway, _ = streamed(handler, 3)

    gateway.advance(seconds=1)

    assert handler.batches == [["1", "2", "3"], ["2", "3"]]


def test_retries_that_are_used_up_leave_the_records_behind() -> None:
    handler = Recorder({"1"}, {"1"})
    gateway, table = streamed(handler, 2, batch_size=1, max_retries=1)

    gateway.advance(seconds=1)

    assert handler.batches == [["1"], ["1"], ["2"]]
    (discarded,) = table.stream.discarded
    assert discarded.reason == "the retries are used up"
    assert len(discarded.records) == 1


def test_records_that_are_too_old_are_left_behind() -> None:
    handler = Recorder(*[RuntimeError("down")] * 50)
    gateway, table = streamed(handler, 1, max_record_age_seconds=60)
    gateway.advance(seconds=40)
    table.log.append("news", b"young")

    gateway.advance(seconds=30)

    (discarded,) = table.stream.discarded
    assert discarded.reason == "they are older than the mapping allows"
    assert len(discarded.records) == 1
    assert handler.batches[-1] == ["2"]


def queued(
    handler: Handler, *bodies: str, **settings: Any
) -> tuple[InProcessGateway, MemoryQueue]:
    """Return a gateway whose queue has some messages."""
    gateway = InProcessGateway(ok, raise_errors=False)
    queue = MemoryQueue(QueueSettings(**settings), now=gateway.now)
    gateway.add_event_source(queue.source, handler)
    for body in bodies:
        queue.send_message(QueueUrl=queue.url, MessageBody=body)
    return gateway, queue


def test_messages_that_failed_are_redelivered_after_the_visibility_timeout() -> None:
    handler = Recorder({"b"})
    gateway, queue = queued(handler, "a", "b", "c", batch_size=2)

    gateway.run_event_sources()
    assert handler.batches == [["a", "b"], ["c"]]
    assert len(queue) == 1
    gateway.advance(seconds=29)
    assert len(handler.batches) == 2
    gateway.advance(seconds=1)

    assert handler.batches[2:] == [["b"]]
    record = gateway.invocations[-1].event["Records"][0]
    assert record["attributes"]["ApproximateReceiveCount"] == "2"
    assert not len(queue)


def test_a_message_that_fails_too_often_is_a_dead_letter() -> None:
    handler = Recorder(*[RuntimeError("never")] * 9)
    gateway, queue = queued(
        handler, "bad", max_receive_count=3, visibility_timeout_seconds=10
    )

    gateway.advance(minutes=5)

    assert handler.batches == [["bad"]] * 3
    assert queue.dead_letters == ["bad"]


def test_a_delayed_message_comes_when_its_time_has_come() -> None:
    handler = Recorder()
    gateway, queue = queued(handler)
    entry = {"Id": "0", "MessageBody": "later", "DelaySeconds": 60}
    answer = queue.send_message_batch(QueueUrl=queue.url, Entries=[entry])

    gateway.advance(seconds=59)
    assert not handler.batches
    gateway.advance(seconds=1)

    assert handler.batches == [["later"]]
    assert answer["Successful"][0]["Id"] == "0"


def test_attributes_of_messages_reach_the_handler() -> None:
    seen: list[Any] = []

    def keep(event: dict[str, Any], _context: object) -> None:
        seen.extend(event["Records"])

    gateway, queue = queued(keep)
    queue.send_message(
        QueueUrl=queue.url,
        MessageBody="x",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "order"}},
    )

    gateway.run_event_sources()

    assert seen[0]["messageAttributes"]["kind"]["stringValue"] == "order"


def test_connections_that_a_record_s_handler_closes_are_disconnected_after_it() -> None:
    gateway = InProcessGateway()
    order: list[str] = []

    def close(event: dict[str, Any], _context: object) -> None:
        gateway.connections.close(event["Records"][0]["body"])
        order.append("handled")

    router = Router()
    router.disconnect(lambda _event: order.append("disconnected"))
    gateway.handler = router
    queue = MemoryQueue(now=gateway.now)
    gateway.add_event_source(queue.source, close)
    client = gateway.connect()
    queue.send_message(QueueUrl=queue.url, MessageBody=client.connection_id)

    gateway.run_event_sources()

    assert order == ["handled", "disconnected"]
    assert client.close_code == 1000


def test_nothing_is_delivered_while_a_handler_waits() -> None:
    gateway = InProcessGateway()
    queue = MemoryQueue(now=gateway.now)
    order: list[str] = []

    def work(event: dict[str, Any], _context: object) -> dict[str, Any]:
        if "Records" in event:
            order.append("record")
        elif event["requestContext"]["eventType"] == "MESSAGE":
            queue.send_message(QueueUrl=queue.url, MessageBody="x")
            gateway.connections.post(event["requestContext"]["connectionId"], b"posted")
            order.append("message")
        return {"statusCode": 200}

    gateway.handler = work
    gateway.add_event_source(queue.source)
    client = gateway.connect()
    gateway.connections.throttle(client.connection_id, times=2)

    client.send("go")
    gateway.advance(seconds=0)

    assert order == ["message", "record"]
    client.expect("posted")


def test_a_handler_cannot_run_the_event_sources_itself() -> None:
    gateway = InProcessGateway(raise_errors=False)
    gateway.handler = lambda _event, _context: gateway.run_event_sources()

    with pytest.raises(HandshakeRefused):
        gateway.connect()

    (error,) = gateway.errors
    assert "a handler cannot deliver records to its own gateway" in str(error)


def test_records_without_a_handler_are_a_usage_error() -> None:
    gateway = InProcessGateway()
    table = MemoryTable(now=gateway.now)
    gateway.add_event_source(table.stream)
    table.log.append("news", b"x")

    with pytest.raises(UsageError, match="set the handler first"):
        gateway.advance(seconds=1)


def test_errors_are_raised_in_the_test_if_it_asks_for_that() -> None:
    gateway = InProcessGateway(ok, raise_errors=True)
    queue = MemoryQueue(now=gateway.now)
    gateway.add_event_source(queue.source, Recorder(RuntimeError("on purpose")))
    queue.send_message(QueueUrl=queue.url, MessageBody="x")

    with pytest.raises(RuntimeError, match="on purpose"):
        gateway.run_event_sources()


def test_a_repeated_message_and_a_connection_known_already_are_no_new_items() -> None:
    names: list[str] = []

    def keep(event: dict[str, Any], _context: object) -> None:
        names.extend(each["eventName"] for each in event["Records"])

    gateway, table = streamed(keep, 0)
    connection = Connection(id="L0SM9cOFvHcCIhw=", connected_at=0.0)
    for _ in range(2):
        table.log.append("news", b"x", key="1", exclude={"a"}, info=b"i")
        table.store.connect(connection)

    gateway.run_event_sources()

    assert names == ["INSERT", "INSERT", "MODIFY"]


class Shards:
    """A stream whose first shard has been split."""

    def __init__(self) -> None:
        self._records = {"a": [_record("1")], "b": [_record("2")], "c": []}

    def describe_stream(self, **request: Any) -> dict[str, Any]:
        shards: list[dict[str, Any]] = [
            {"ShardId": "c", "ParentShardId": "a"},
            {"ShardId": "b", "ParentShardId": "a"},
            {"ShardId": "a", "SequenceNumberRange": {"EndingSequenceNumber": "1"}},
        ]
        page = 2 if "ExclusiveStartShardId" in request else 0
        description: dict[str, Any] = {"Shards": shards[page : page + 2]}
        if not page:
            description["LastEvaluatedShardId"] = "b"
        return {"StreamDescription": description}

    def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        return {"ShardIterator": request["ShardId"]}

    def get_records(self, **request: Any) -> dict[str, Any]:
        shard = request["ShardIterator"]
        records, self._records[shard] = self._records[shard], []
        following = None if shard == "a" else shard
        return {"Records": records, "NextShardIterator": following}


def _record(number: str) -> dict[str, Any]:
    return {
        "eventID": number,
        "eventName": "INSERT",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Keys": {"pk": {"S": "x"}, "sk": {"S": number}},
            "SequenceNumber": number,
        },
    }


def test_the_children_of_a_shard_come_after_it() -> None:
    handler = Recorder(RuntimeError("once"))
    gateway = InProcessGateway(ok, raise_errors=False)
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x"
    gateway.add_event_source(StreamSource(Shards(), arn), handler)

    gateway.run_event_sources()
    assert handler.batches == [["1"]]
    gateway.advance(seconds=1)

    assert handler.batches == [["1"], ["1"], ["2"]]


def test_events_of_a_stream_are_made_of_messages_connections_and_items() -> None:
    gateway = InProcessGateway(ok, raise_errors=False)
    table = MemoryTable(now=gateway.now)
    publisher = Publisher(
        table.store, gateway.connections, log=table.log, fanout=StreamFanout()
    )
    client = gateway.connect()
    table.store.subscribe(client.connection_id, "news")
    greeted: list[str] = []
    handler = StreamHandler(publisher, on_ready=lambda each: greeted.append(each.id))
    message = table.log.append("news", b"hello", info=b"i").message
    connection = Connection(id=client.connection_id, connected_at=gateway.now())
    item = {"pk": {"S": "T#0#news"}, "sk": {"S": "a"}}

    event = stream_event(message, connection, item, at=gateway.now())
    answer = handler(json.loads(json.dumps(event)))

    assert answer == {"batchItemFailures": []}
    client.expect("hello")
    assert greeted == [client.connection_id]
    assert message.position == Position(message.position.epoch, 1)
    numbers = [each["dynamodb"]["SequenceNumber"] for each in event["Records"]]
    assert numbers == sorted(set(numbers))


def test_events_of_a_queue_are_made_of_bodies() -> None:
    event = queue_event("text", {"a": 1}, receive_count=3)

    first, second = event["Records"]
    assert (first["body"], second["body"]) == ("text", '{"a": 1}')
    assert first["messageId"] != second["messageId"]
    assert first["eventSource"] == "aws:sqs"
    assert first["attributes"]["ApproximateReceiveCount"] == "3"
    # The MD5 of "text", as `md5sum` says.
    assert first["md5OfBody"] == "1cb251ec0d568de6a929b520c4aed8d1"
