"""What a page may ask and do besides following."""

import json
from pathlib import Path

import pytest

from tests.support.inspector import (
    Entry,
    InspectorClient,
    InspectorError,
    open_inspector,
)
from tests.support.servers.gateways import DevGateway, dev

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
    assert (found["queued_bytes"], found["is_slow"]) == (0, False)
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
