"""`wspubsub dev --streams --queue`: the chat, while its workers are being killed."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.support.chat_script import converse
from tests.support.servers.gateways import (
    CREDENTIALS,
    DevGateway,
    Record,
    descendants,
    dev,
)

pytestmark = pytest.mark.integration
APP = "examples/chat/app.py:handler"
SUBSCRIBERS = 30
ENVIRONMENT = {**CREDENTIALS, "CHAT_INLINE_THRESHOLD": "10"}


# As short as a queue allows: what has died comes again when this is over.
QUEUE = ("--queue", "--timeout", "4", "--queue-visibility", "4")


# Half of a topic's subscribers hear of it late: time to kill who delivers.
RULES = [
    {
        "match": {"service": "management", "topic": "shaken"},
        "action": "slow",
        "seconds": 0.5,
        "probability": 0.5,
    }
]


@pytest.fixture(scope="module", params=[(), QUEUE], ids=["stream", "queue"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DevGateway]:
    rules = tmp_path_factory.mktemp("rules") / "rules.json"
    rules.write_text(json.dumps(RULES))
    options = ("--streams", *request.param, "--faults", str(rules))
    with dev(APP, *options, environ=ENVIRONMENT) as running:
        yield running


@pytest.fixture
def clients(gateway: DevGateway) -> Iterator[list[ClientConnection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(gateway.client()) for _ in range(SUBSCRIBERS)]


def say(client: ClientConnection, **message: object) -> None:
    client.send(json.dumps(message))


def told(client: ClientConnection, seconds: float = 20.0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.recv(seconds))
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


def publish(
    publisher: ClientConnection, subscriber: ClientConnection, text: str
) -> int:
    """Publish until it gets through, and return the offset it has then."""
    while True:
        say(publisher, type="message", topic="shaken", message=text)
        with suppress(TimeoutError):
            while (message := told(subscriber, seconds=5))["message"] != text:
                pass  # what an earlier death has brought again
            offset: int = message["offset"]
            return offset


@pytest.mark.slow
def test_killing_workers_in_the_middle_of_a_fan_out_loses_nothing(
    gateway: DevGateway, clients: list[ClientConnection]
) -> None:
    if "queue_url" in gateway.records[0]:
        clients = clients[:10]  # up to the threshold, the stream's function delivers
    subscribe(clients, "shaken")
    with gateway.client() as publisher:
        for number in range(100):
            publish(publisher, clients[0], f"message {number}")
            kill_workers(gateway)  # the fan-out has begun, and has perhaps not ended
            if any(map(has_died, gateway.records)):
                break
        last = publish(publisher, clients[0], "the last one")

    assert any(map(has_died, gateway.records))
    for client in clients[1:]:
        seen: set[int] = set()
        while seen != set(range(1, last + 1)):
            seen.add(told(client)["offset"])


@pytest.mark.slow
def test_the_whole_conversation(gateway: DevGateway) -> None:
    converse(gateway.url, is_durable=True)


def test_a_topic_above_the_threshold_goes_through_the_queue_if_there_is_one(
    gateway: DevGateway, clients: list[ClientConnection]
) -> None:
    subscribe(clients, "large")

    with gateway.client() as publisher:
        say(publisher, type="message", topic="large", message="hello")
        messages = [told(client) for client in clients]

    assert {message["message"] for message in messages} == {"hello"}
    assert {message["offset"] for message in messages} == {1}
    if "queue_url" in gateway.records[0]:
        # One message to split the topic, and one segment.
        gateway.wait_for(lambda each: each.get("source") == "aws:sqs", count=2)


def test_a_small_topic_is_served_by_the_stream_alone(
    gateway: DevGateway, clients: list[ClientConnection]
) -> None:
    subscribe(clients[:3], "small")

    with gateway.client() as publisher:
        say(publisher, type="message", topic="small", message="hello")
        messages = [told(client) for client in clients[:3]]

    assert [message["message"] for message in messages] == ["hello"] * 3


@pytest.mark.slow
def test_a_client_that_says_nothing_is_greeted() -> None:
    with (
        dev("tests/apps/greeting.py:handler", "--streams") as gateway,
        gateway.client() as client,
    ):
        greeting = client.recv(20)
        opened = gateway.wait_for(lambda each: each["kind"] == "opened")

    assert greeting == f"welcome {opened['connection_id']}"
