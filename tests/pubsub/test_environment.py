"""An application on AWS: its parts come from environment variables."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.pubsub_clients import Client, publications
from wspubsub import EventError, MemoryTopicLog, UsageError
from wspubsub.dynamodb import create_table
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, SUBSCRIBERS, PubSub, User
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.testing import (
    GatewayConfig,
    InProcessGateway,
    RecordingConnections,
    StreamSource,
)

ENDPOINT = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("WSPUBSUB_TABLE", "live")
    monkeypatch.setenv("WSPUBSUB_ENDPOINT", ENDPOINT)
    # What is not for the gateway goes to moto, never to the network.
    with mock_aws():
        create_table("live", stream=True)
        yield


def make_gateway(*, history: History | None) -> InProcessGateway:
    pubsub = PubSub.from_environment()
    pubsub.connect(ANYONE)
    room = pubsub.topic("room", history=history)
    room.subscribe(ANYONE)
    room.publish(SUBSCRIBERS)
    return InProcessGateway(
        pubsub, config=GatewayConfig(two_way=frozenset({"$default"}))
    )


@pytest.mark.parametrize("history", [None, History()])
def test_an_application_works_with_what_the_environment_names(
    history: History | None,
) -> None:
    gateway = make_gateway(history=history)
    client = Client(gateway.connect())
    client.connect()

    reply = client.subscribe("room")["subscribe"]
    client.ask(publish={"channel": "room", "data": {"a": 1}})

    assert ("epoch" in reply) is (history is not None)
    assert [each["pub"]["data"] for each in client.pushes] == [{"a": 1}]
    assert gateway.errors == []


def test_the_stream_of_the_table_carries_topics_with_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = boto3.client("dynamodb").describe_table(TableName="live")
    stream_arn = str(arn["Table"]["LatestStreamArn"])
    monkeypatch.setenv("WSPUBSUB_STREAM", stream_arn)
    gateway = make_gateway(history=History())
    streams = boto3.client(
        "dynamodbstreams",
        endpoint_url="https://streams.dynamodb.us-east-1.amazonaws.com",
    )
    gateway.add_event_source(StreamSource(streams, stream_arn))
    client = Client(gateway.connect())
    client.connect()
    client.subscribe("room")

    for number in range(3):
        client.ask(publish={"channel": "room", "data": number})
        assert client.pushes == []
    gateway.run_event_sources()

    assert publications(client.receive()) == [0, 1, 2]
    assert gateway.errors == []


def test_only_what_is_wired_invokes_the_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wired = {"Records": [{"eventSource": "aws:dynamodb"}]}
    unwired = PubSub.from_environment()
    unwired.topic("room", history=History())
    with pytest.raises(EventError):
        unwired(wired)
    monkeypatch.setenv("WSPUBSUB_STREAM", "arn")

    pubsub = PubSub.from_environment()
    pubsub.topic("room", history=History())

    events: list[object] = [{"Records": [{"eventSource": "aws:sqs"}]}, [], {}]
    for event in events:
        with pytest.raises(EventError):
            pubsub(event)


def test_an_application_says_what_it_should_be_wired_to() -> None:
    pubsub = PubSub.from_environment()
    own = PubSub(MemoryMemberStore(), RecordingConnections(), log=MemoryTopicLog)

    assert (list(pubsub.event_sources), list(pubsub.table_uses)) == ([], ["members"])
    for each in (pubsub, own):
        each.topic("room", history=History())

    assert pubsub.event_sources == {"stream"}
    assert pubsub.table_uses == {"members", "history"}
    assert not own.event_sources


def test_leaves_are_said_later_through_the_queue(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="live")["QueueUrl"]
    pubsub = PubSub.from_environment()
    pubsub.connect(lambda request: User(request.token))
    room = pubsub.topic("room", join_leave=True, grace_seconds=20)
    room.subscribe(ANYONE)
    gateway = InProcessGateway(
        pubsub, config=GatewayConfig(two_way=frozenset({"$default"}))
    )
    ada, bob, eve = [Client(gateway.connect()) for _ in range(3)]
    for client, user in ((ada, "ada"), (bob, "bob"), (eve, "eve")):
        client.connect(user)
        client.subscribe("room")
    ada.receive()

    # It is read when it is needed, so that tools can load the module without it.
    bob.wire.close()
    assert "WSPUBSUB_QUEUE is missing" in caplog.text
    monkeypatch.setenv("WSPUBSUB_QUEUE", url)
    eve.wire.close()

    (left,) = ada.receive()
    assert left["push"]["leave"]["info"]["user"] == "bob"
    names = ["ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    assert found["Attributes"] == {names[0]: "1"}
    assert pubsub.event_sources == {"queue"}


@pytest.mark.parametrize("name", ["WSPUBSUB_TABLE", "WSPUBSUB_ENDPOINT"])
def test_a_variable_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(UsageError, match=f"{name} is "):
        PubSub.from_environment()


def test_a_domain_of_ones_own_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSPUBSUB_ENDPOINT", "https://ws.example.com")
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    options: dict[str, Any] = {"keep": ["Cookie"], "replies": "post"}
    pubsub = PubSub.from_environment(**options)

    assert pubsub.router.route_keys == {"$connect", "$default", "$disconnect"}
    assert pubsub.router.two_way_keys == frozenset()
