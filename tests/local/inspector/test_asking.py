"""What a page may ask and do besides following."""

import json
import ssl
from pathlib import Path

import pytest

from tests.support.inspector import (
    Entry,
    InspectorClient,
    InspectorError,
    body_of,
    open_inspector,
    subscribe,
)
from tests.support.servers.gateways import APPS, CHAT, CREDENTIALS, DevGateway, dev

pytestmark = pytest.mark.integration


def test_connections_are_listed_with_their_traffic(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    text = json.dumps({"action": "unheard of", "id": "traffic"})
    with chat.client() as client:
        client.send(text)
        answer = client.recv()
        frame = inspector.wait_for(lambda each: each.get("text") == text)
        connections = inspector.call("connections")["connections"]
        found = next(each for each in connections if each["id"] == frame["connection"])
    inspector.wait_for(lambda each: _is(each, "closed", frame))
    after = inspector.call("connections")["connections"]

    assert (found["in"], found["bytes_in"]) == (1, len(text))
    assert (found["out"], found["bytes_out"]) == (1, len(answer))
    assert (found["queued_bytes"], found["bytes_per_second"]) == (0, None)
    assert found["since"] <= frame["at"]
    assert frame["connection"] not in [each["id"] for each in after]


def test_items_are_decoded_as_what_they_are(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    with chat.client() as client:
        client.send(subscribe("looked-at"))
        client.recv()
        items = inspector.call("items")["items"]

    found = [each for each in items if each["decoded"].get("topic") == "looked-at"]
    assert {each["kind"] for each in found} == {"subscriber", "subscription"}
    assert all({"pk", "sk"} <= each["raw"].keys() for each in found)


def test_topics_and_what_connections_have_come_from_the_table(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    text = subscribe("asked-for")
    with chat.client() as client:
        client.send(text)
        client.recv()
        frame = inspector.wait_for(lambda each: each.get("text") == text)
        topics = inspector.call("topics")["topics"]
        topic = inspector.call("topic", topic="asked-for")
        connections = inspector.call("connections")["connections"]

    found = next(each for each in topics if each["topic"] == "asked-for")
    own = next(each for each in connections if each["id"] == frame["connection"])
    assert (found["subscribers"], found["presence"]) == (1, 0)
    assert [each["connection"] for each in topic["subscribers"]] == [own["id"]]
    assert (topic["presence"], topic["history"]) == ([], [])
    assert own["topics"] == ["asked-for"]


def test_a_gateway_says_what_it_is(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    state = inspector.call("state")

    assert (state["url"], state["table"]) == (chat.url, chat.table)
    assert (state["is_pubsub"], state["is_embedded"]) == (False, True)
    assert (state["faults"], state["clock_offset"]) == ([], 0)


@pytest.mark.slow
def test_a_pubsub_is_known_as_one(rooms: DevGateway) -> None:
    assert open_inspector(rooms).call("state")["is_pubsub"]


@pytest.mark.slow
def test_a_gateway_with_a_certificate_of_its_own_is_published_to(
    chat: DevGateway,
) -> None:
    arguments = ["--tls", "--authorizer", f"{APPS / 'plain_boto3.py'}:authorize"]
    with dev(
        f"{CHAT}:handler",
        *("--dynamodb", chat.dynamodb_url, "--table", chat.table),
        *arguments,
        environ={"TABLE_NAME": chat.table, **CREDENTIALS},
    ) as gateway:
        bundle = gateway.connect_command.partition("SSL_CERT_FILE=")[2].split()[0]
        trust = ssl.create_default_context(cafile=bundle)
        inspector = open_inspector(gateway, trust)
        with gateway.client("?token=friend", ssl=trust) as client:
            client.send(subscribe("sealed"))
            client.recv()
            report = inspector.call("publish", topic="sealed", text="hello")
            received = client.recv()
            connections = inspector.call("connections")["connections"]

    assert (report["delivered"], received) == (1, "hello")
    assert [each["user"] for each in connections] == ["friend"]


@pytest.mark.slow
def test_an_event_is_replayed_with_changed_code(
    chat: DevGateway, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text("def handler(event, context):\n    return {'statusCode': 200}\n")
    with dev("app:handler", "--dynamodb", chat.dynamodb_url, cwd=tmp_path) as gateway:
        inspector = open_inspector(gateway)
        with gateway.client() as client:
            client.send("again")
            first = inspector.wait_for(lambda each: body_of(each) == "again")
        app.write_text("def handler(event, context):\n    return event['body'] * 2\n")

        new = inspector.call("replay", n=first["n"])["n"]

        replayed = inspector.wait_for(lambda each: each["n"] == new)
        result = inspector.wait_for(
            lambda each: each["kind"] == "result" and each["parent"] == new
        )
    assert (replayed["kind"], replayed["replayed"]) == ("invocation", first["n"])
    assert replayed["event"] == first["event"]
    assert replayed["route_key"] == "$default"
    assert result["value"] == "againagain"


@pytest.mark.parametrize("number", [1, 2**53])
def test_only_an_invocation_is_replayed(
    inspector: InspectorClient, number: int
) -> None:
    inspector.call("clear")

    with pytest.raises(InspectorError, match="no invocation") as caught:
        inspector.call("replay", n=number)

    assert caught.value.status == 404


def _is(entry: Entry, kind: str, frame: Entry) -> bool:
    return bool(entry["kind"] == kind and entry["connection"] == frame["connection"])
