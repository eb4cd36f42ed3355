"""What a page may ask and do besides following."""

import json
import ssl
from pathlib import Path

import pytest

from tests.support.example_apps import EXAMPLES
from tests.support.inspector import (
    Entry,
    InspectorClient,
    InspectorError,
    open_inspector,
)
from tests.support.servers.gateways import APPS, CHAT, CREDENTIALS, DevGateway, dev

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def page(chat: DevGateway) -> InspectorClient:
    return open_inspector(chat)


def test_connections_are_listed_with_their_traffic(
    chat: DevGateway, page: InspectorClient
) -> None:
    text = json.dumps({"action": "unheard of", "id": "traffic"})
    with chat.client() as client:
        client.send(text)
        answer = client.recv(10)
        frame = page.wait_for(lambda each: each.get("text") == text)
        connections = page.call("connections")["connections"]
        found = next(each for each in connections if each["id"] == frame["connection"])
    page.wait_for(lambda each: _is(each, "closed", frame))
    after = page.call("connections")["connections"]

    assert (found["in"], found["bytes_in"]) == (1, len(text))
    assert (found["out"], found["bytes_out"]) == (1, len(answer))
    assert (found["queued_bytes"], found["bytes_per_second"]) == (0, None)
    assert found["since"] <= frame["at"]
    assert frame["connection"] not in [each["id"] for each in after]


def test_items_are_decoded_as_what_they_are(
    chat: DevGateway, page: InspectorClient
) -> None:
    with chat.client() as client:
        client.send(json.dumps({"type": "subscribe", "topic": "looked-at"}))
        client.recv(10)
        items = page.call("items")["items"]

    found = [each for each in items if each["decoded"].get("topic") == "looked-at"]
    assert {each["kind"] for each in found} == {"subscriber", "subscription"}
    assert all({"pk", "sk"} <= each["raw"].keys() for each in found)


def test_topics_and_what_connections_have_come_from_the_table(
    chat: DevGateway, page: InspectorClient
) -> None:
    text = json.dumps({"type": "subscribe", "topic": "asked-for"})
    with chat.client() as client:
        client.send(text)
        client.recv(10)
        frame = page.wait_for(lambda each: each.get("text") == text)
        topics = page.call("topics")["topics"]
        topic = page.call("topic", topic="asked-for")
        connections = page.call("connections")["connections"]

    found = next(each for each in topics if each["topic"] == "asked-for")
    own = next(each for each in connections if each["id"] == frame["connection"])
    assert (found["subscribers"], found["presence"]) == (1, 0)
    assert [each["connection"] for each in topic["subscribers"]] == [own["id"]]
    assert (topic["presence"], topic["history"]) == ([], [])
    assert own["topics"] == ["asked-for"]


def test_publishing_reaches_the_subscribers(
    chat: DevGateway, page: InspectorClient
) -> None:
    with chat.client() as client:
        client.send(json.dumps({"type": "subscribe", "topic": "spoken-to"}))
        client.recv(10)
        report = page.call("publish", topic="spoken-to", data={"text": "hello"})
        received = json.loads(client.recv(10))

    assert received == {"text": "hello"}
    assert (report["delivered"], report["gone"]) == (1, [])


def test_a_gateway_says_what_it_is(chat: DevGateway, page: InspectorClient) -> None:
    state = page.call("state")

    assert (state["url"], state["table"]) == (chat.url, chat.table)
    assert (state["is_pubsub"], state["is_embedded"]) == (False, True)
    assert (state["faults"], state["clock_offset"]) == ([], 0)


@pytest.mark.slow
def test_a_pubsub_is_known_as_one() -> None:
    environ = {**CREDENTIALS, "ROOMS_SECRET": "only-for-these-tests-32-bytes-long"}
    app = f"{EXAMPLES / 'rooms' / 'app.py'}:handler"
    with dev(app, environ=environ) as gateway:
        assert open_inspector(gateway).call("state")["is_pubsub"]


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
        page = open_inspector(gateway, trust)
        with gateway.client("?token=friend", ssl=trust) as client:
            client.send(json.dumps({"type": "subscribe", "topic": "sealed"}))
            client.recv(10)
            report = page.call("publish", topic="sealed", data="hello")
            received = client.recv(10)
            connections = page.call("connections")["connections"]

    assert (report["delivered"], received) == (1, "hello")
    assert [each["user"] for each in connections] == ["friend"]


@pytest.mark.parametrize("topic", ["", "no\ntopic", 5, None])
def test_what_is_not_a_topic_is_refused(page: InspectorClient, topic: object) -> None:
    with pytest.raises(InspectorError) as caught:
        page.call("publish", topic=topic, data="x")

    assert caught.value.status == 400


@pytest.mark.slow
def test_an_event_is_replayed_with_changed_code(
    chat: DevGateway, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text("def handler(event, context):\n    return {'statusCode': 200}\n")
    with dev("app:handler", "--dynamodb", chat.dynamodb_url, cwd=tmp_path) as gateway:
        page = open_inspector(gateway)
        with gateway.client() as client:
            client.send("again")
            first = page.wait_for(lambda each: _body(each) == "again")
        app.write_text("def handler(event, context):\n    return event['body'] * 2\n")

        new = page.call("replay", n=first["n"])["n"]

        replayed = page.wait_for(lambda each: each["n"] == new)
        result = page.wait_for(
            lambda each: each["kind"] == "result" and each["parent"] == new
        )
    assert (replayed["kind"], replayed["replayed"]) == ("invocation", first["n"])
    assert replayed["event"] == first["event"]
    assert replayed["route_key"] == "$default"
    assert result["value"] == "againagain"


@pytest.mark.parametrize("number", [1, 2**53])
def test_only_an_invocation_is_replayed(page: InspectorClient, number: int) -> None:
    page.call("clear")

    with pytest.raises(InspectorError, match="no invocation") as caught:
        page.call("replay", n=number)

    assert caught.value.status == 404


def _is(entry: Entry, kind: str, frame: Entry) -> bool:
    return bool(entry["kind"] == kind and entry["connection"] == frame["connection"])


def _body(entry: Entry) -> str | None:
    body: str | None = entry.get("event", {}).get("body")
    return body
