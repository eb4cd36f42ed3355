"""`wspubsub dev --streams --queue`: the chat, while its workers are being killed."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.servers.clients import say
from tests.servers.gateways import DevGateway, Record, descendants, dev

pytestmark = pytest.mark.integration
APP = "examples/chat/app.py:handler"
SUBSCRIBERS, LARGE = 30, 2_000


@pytest.fixture(scope="module")
def gateway() -> Iterator[DevGateway]:
    with dev(APP, "--streams", "--queue", "--environments", "3") as running:
        yield running


@pytest.fixture
def clients(gateway: DevGateway) -> Iterator[list[ClientConnection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(gateway.client()) for _ in range(SUBSCRIBERS)]


def told(client: ClientConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.recv(20))
    return answer


def subscribe(clients: list[ClientConnection], topic: str) -> None:
    for client in clients:
        say(client, type="subscribe", topic=topic)
        assert told(client) == {"type": "subscribed", "topic": topic}


def kill_workers(gateway: DevGateway) -> None:
    for pid in descendants(gateway.process.pid):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text()
            if "bootstrap.py" in command:
                os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue


def has_died(record: Record) -> bool:
    return bool(record["kind"] == "batch" and record["outcome"] == "Runtime.ExitError")


def test_killing_workers_in_the_middle_of_a_fan_out_loses_nothing(
    gateway: DevGateway, clients: list[ClientConnection]
) -> None:
    subscribe(clients, "news")
    with gateway.client() as publisher:
        for number in range(1, 200):
            say(publisher, type="message", topic="news", message=number)
            told(clients[0])  # the fan-out has begun
            kill_workers(gateway)
            if any(map(has_died, gateway.records)) and number >= 5:
                break

        say(publisher, type="message", topic="news", message="last")
        last = number + 1

    assert any(map(has_died, gateway.records))
    for client in clients[1:]:
        seen: dict[int, object] = {}
        while last not in seen:
            message = told(client)
            seen.setdefault(message["offset"], message["message"])
        assert list(seen) == sorted(seen)  # in order, doubles aside
        assert set(seen) >= set(range(1, last + 1))


def test_the_queue_serves_a_large_topic(
    gateway: DevGateway, clients: list[ClientConnection]
) -> None:
    subscribe(clients, "large")
    _subscribe_nobody(gateway, "large")

    with gateway.client() as publisher:
        say(publisher, type="message", topic="large", message="hello")
        messages = [told(client) for client in clients]

    assert {message["message"] for message in messages} == {"hello"}
    assert {message["offset"] for message in messages} == {1}
    gateway.wait_for(lambda each: each.get("source") == "queue", count=2)


def _subscribe_nobody(gateway: DevGateway, topic: str) -> None:
    """Fill a topic with subscribers that have long gone."""
    import boto3  # noqa: PLC0415 - only here

    from wspubsub.dynamodb import DynamoDBSubscriptionStore  # noqa: PLC0415 - as above

    client = boto3.client(
        "dynamodb",
        endpoint_url=gateway.dynamodb_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    store = DynamoDBSubscriptionStore("wspubsub", client=client)
    for number in range(LARGE):
        store.subscribe(f"gone{number:04}=", topic)
