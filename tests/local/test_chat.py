"""The chat example behind the local gateway, and what is left in its table."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from websockets.sync.client import ClientConnection

from tests.support.chat_script import converse, leave
from tests.support.servers.clients import say
from tests.support.servers.gateways import APPS, DevGateway, dev
from tests.support.servers.raw import RawClient, masked
from wspubsub.dynamodb import DynamoDBSubscriptionStore

pytestmark = pytest.mark.integration

TEXT = 0x1


@pytest.fixture(scope="module")
def pruning(chat: DevGateway) -> Iterator[DevGateway]:
    with dev(
        f"{APPS / 'pruning.py'}:handler", "--dynamodb", chat.dynamodb_url
    ) as gateway:
        yield gateway


def told(client: ClientConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.recv(10))
    return answer


def dynamodb(gateway: DevGateway) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=gateway.dynamodb_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def items(gateway: DevGateway, topic: str, id_: str) -> list[str]:
    """Return the keys of all items that mention a topic or a connection."""
    client = dynamodb(gateway)
    found = [
        f"{item['pk']['S']} {item['sk']['S']}"
        for page in client.get_paginator("scan").paginate(TableName=gateway.table)
        for item in page["Items"]
    ]
    return [key for key in found if topic in key or id_ in key]


def test_a_subscriber_gets_what_others_send_until_it_unsubscribes(
    chat: DevGateway,
) -> None:
    with chat.client() as reader, chat.client() as writer:
        assert say(reader, type="subscribe", topic="news") == {
            "type": "subscribed",
            "topic": "news",
        }
        say(writer, type="subscribe", topic="news")
        for content in ("text", {"any": ["JSON", 1, None]}):
            message = {"type": "message", "topic": "news", "message": content}
            writer.send(json.dumps(message))
            got = told(reader)
            assert got.pop("from")
            assert got == message

        assert say(reader, type="unsubscribe", topic="news") == {
            "type": "unsubscribed",
            "topic": "news",
        }
        writer.send(json.dumps({"type": "message", "topic": "news", "message": 3}))
        chat.wait_for_line("published to news: PublishReport(delivered=0")
        # Neither the one that has left nor the sender has got it.
        assert say(reader, type="subscribe", topic="other")["topic"] == "other"
        assert say(writer, type="subscribe", topic="other")["topic"] == "other"


def test_the_whole_conversation(chat: DevGateway) -> None:
    converse(chat.url, is_durable=False)


def test_who_leaves_is_taken_out_of_the_table(chat: DevGateway) -> None:
    leave(chat.url, DynamoDBSubscriptionStore(chat.table, client=dynamodb(chat)))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("hello", "the message is not JSON"),
        ("[1]", "the message must be a JSON object, not an array"),
        ("{}", 'the message has no field "type"'),
        ('{"type": "shout"}', "type is subscribe, unsubscribe or message, not 'shout'"),
        ('{"type": "$connect"}', "not '$connect'"),
        ('{"type": "subscribe"}', 'the message has no field "topic"'),
        ('{"type": "message", "topic": "t"}', 'the message has no field "message"'),
        ('{"type": "subscribe", "topic": 5}', 'field "topic" must be text'),
        ('{"type": "subscribe", "topic": ""}', "a topic must not be empty"),
        (
            json.dumps({"type": "subscribe", "topic": "t" * 257}),
            "a topic must have at most 256 bytes",
        ),
    ],
)
def test_what_is_wrong_is_answered_with_a_reason(
    chat: DevGateway, sent: str, reason: str
) -> None:
    with chat.client() as client:
        client.send(sent)

        answer = told(client)

    assert answer["type"] == "error"
    assert reason in answer["reason"]


def test_what_would_be_too_large_to_pass_on_is_answered_with_a_reason(
    chat: DevGateway,
) -> None:
    text = json.dumps({"type": "message", "topic": "t", "message": "x" * 131_015})

    with chat.client(compression=None) as client:
        client.send(text[i : i + 32_768] for i in range(0, len(text), 32_768))

        answer = told(client)

    assert answer["type"] == "error"
    assert "at most 131,072" in answer["reason"]


def test_nothing_is_left_of_a_client_that_disconnects(chat: DevGateway) -> None:
    with chat.client() as client:
        say(client, type="subscribe", topic="leaving")
        kept = items(chat, "leaving", "leaving")
        id_ = next(key.split("#")[1].split()[0] for key in kept if key[:2] == "C#")
        assert kept

    chat.wait_for(
        lambda each: (
            each["kind"] == "invoked"
            and each["connection_id"] == id_
            and each["route_key"] == "$disconnect"
        )
    )
    assert items(chat, "leaving", id_) == []


def test_a_killed_client_is_reported_and_pruned_by_the_next_publish(
    pruning: DevGateway,
) -> None:
    killed = RawClient(pruning.port)
    killed.upgrade()
    killed.send(masked(TEXT, b'{"action": "subscribe", "topic": "killed"}'))
    assert killed.frame() == (TEXT, b"subscribed")
    keys = items(pruning, "killed", "killed")
    id_ = next(key.split("#")[1].split()[0] for key in keys if key[:2] == "C#")
    killed.reset()
    pruning.wait_for(lambda each: each["kind"] == "closed")

    with pruning.client() as writer:
        publish = {"action": "publish", "topic": "killed", "text": "anybody?"}
        writer.send(json.dumps(publish))
        line = pruning.wait_for_line("REPORT")

    assert line.endswith(f"REPORT 0 ['{id_}']")
    assert items(pruning, "killed", id_) == []
