"""Cause and effect, from a client's message to the messages that it causes."""

import http.client
import json

import pytest

from tests.support.inspector import Entry, InspectorClient, body_of, open_inspector
from tests.support.servers.gateways import APPS, DevGateway, dev

pytestmark = pytest.mark.integration


def test_a_message_leads_to_the_messages_that_it_causes(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    text = json.dumps({"action": "unheard of", "id": "following"})
    with chat.client() as client:
        client.send(text)
        answer = client.recv()
        frame = inspector.wait_for(lambda each: each.get("text") == text)
        sent = inspector.wait_for(lambda each: _follows(each, "sent", frame))

    post = inspector.parent_of(sent)
    invocation = inspector.parent_of(post)
    result = inspector.wait_for(
        lambda each: each["kind"] == "result" and each["parent"] == invocation["n"]
    )
    assert (frame["kind"], frame["size"], frame["parent"]) == ("frame", len(text), None)
    assert invocation["parent"] == frame["n"]
    assert invocation["event"]["body"] == text
    assert (invocation["function"], invocation["route_key"]) == ("handler", "$default")
    assert (post["kind"], post["status"]) == ("post", 200)
    assert post["text"] == sent["text"] == answer
    assert (result["outcome"], result["value"]) == ("200", {"statusCode": 200})
    assert {each["connection"] for each in (frame, invocation, post, sent)} == {
        frame["connection"]
    }


def test_a_connection_is_told_from_its_handshake_to_its_end(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    with chat.client("?from=begin&to=end"):
        pass
    handshake = inspector.wait_for(
        lambda each: each.get("query") == "from=begin&to=end"
    )
    id_ = handshake["connection"]
    closed = inspector.wait_for(
        lambda each: each["kind"] == "closed" and each["connection"] == id_
    )
    goodbye = inspector.wait_for(lambda each: each.get("parent") == closed["n"])
    opened = inspector.wait_for(
        lambda each: each["kind"] == "opened" and each["connection"] == id_
    )

    assert handshake["kind"] == "handshake"
    assert ["Host", f"127.0.0.1:{chat.port}"] in handshake["headers"]
    assert inspector.parent_of(opened)["route_key"] == "$connect"
    assert inspector.parent_of(opened)["parent"] == handshake["n"]
    assert (closed["code"], closed["by"]) == (1000, "client")
    assert (goodbye["kind"], goodbye["route_key"]) == ("invocation", "$disconnect")


def test_an_invocation_has_its_output_its_environment_and_its_traceback(
    probe: DevGateway,
) -> None:
    inspector = open_inspector(probe)
    with probe.client("?wanted=traceback") as client:
        client.send(json.dumps({"action": "fail"}))
        client.recv()
    invocation = inspector.wait_for(lambda each: '"fail"' in body_of(each))
    result = inspector.wait_for(
        lambda each: each["kind"] == "result" and each["parent"] == invocation["n"]
    )
    output = inspector.wait_for(
        lambda each: (
            each["kind"] == "output"
            and each["parent"] == invocation["n"]
            and "EVENT" in each["line"]
        )
    )

    assert (result["outcome"], result["error"]) == ("MyError", "it was asked for")
    assert 'raise MyError("it was asked for")' in result["traceback"]
    assert (result["is_cold"], result["ms"] > 0) == (False, True)
    assert output["environment"] == result["environment"]
    assert output["stream"] == "stdout"


def test_the_page_learns_what_gateway_it_is(
    chat: DevGateway, inspector: InspectorClient
) -> None:
    state = inspector.call("state")

    assert state["url"] == chat.url
    assert state["management_url"] == chat.management_url
    assert "subscribe" in state["routes"]
    assert (state["functions"], state["is_embedded"]) == (["handler"], True)
    assert {"state", "follow", "clear"} <= {*state["methods"]}


@pytest.mark.slow
def test_without_an_inspector_there_is_neither_page_nor_link(
    chat: DevGateway,
) -> None:
    arguments = ["--no-inspector", "--dynamodb", chat.dynamodb_url]
    with dev(f"{APPS / 'probe.py'}:handler", *arguments) as gateway:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        connection.request("GET", "/")
        status = connection.getresponse().status
        connection.close()

    assert status == 403
    assert "inspector" not in gateway.records[0]


def _follows(entry: Entry, kind: str, frame: Entry) -> bool:
    is_later = entry["kind"] == kind and int(entry["n"]) > int(frame["n"])
    return is_later and bool(entry["connection"] == frame["connection"])
