"""What emulators of API Gateway commonly get wrong: IDs, ends, authorizers, results."""

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway_clients import (
    Handler,
    last_context,
    manage,
    ok,
    returning,
    route_keys,
)
from wspubsub import ConnectionGoneError, RouteSelectionExpression
from wspubsub.gateway import (
    DataFrame,
    Gateway,
    Handshake,
    Invoke,
    Returned,
    SendText,
)
from wspubsub.testing import (
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    message_event,
)


def test_request_ids_are_no_uuids_and_the_same_twice() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    client.send("x")

    context = last_context(gateway)
    assert re.fullmatch(r"[A-Za-z0-9_-]{15}=", context["requestId"])
    assert context["extendedRequestId"] == context["requestId"]
    assert context["messageId"][-8:] == client.connection_id[-8:]
    assert context["messageDirection"] == "IN"


# 10
def test_deleting_a_connection_invokes_disconnect_with_1000() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    manage(gateway, "DELETE", client.connection_id)

    context = last_context(gateway)
    assert context["eventType"] == "DISCONNECT"
    assert context["disconnectStatusCode"] == 1000
    assert context["disconnectReason"] == "Connection Closed Normally"


# 11
def test_posting_to_the_own_connection_while_it_is_being_connected_is_410() -> None:
    outcomes: list[type[Exception] | None] = []

    def handler(event: Any, _context: Any) -> dict[str, Any]:
        try:
            gateway.connections.post(event["requestContext"]["connectionId"], b"hi")
        except ConnectionGoneError as error:
            outcomes.append(type(error))
        else:
            outcomes.append(None)
        return {"statusCode": 200}

    gateway = InProcessGateway(handler)

    client = gateway.connect()
    client.send("x")

    assert outcomes == [ConnectionGoneError, None]
    assert client.receive_all() == ["hi"]


# 12
def test_error_messages_are_spaced_as_those_of_aws() -> None:
    gateway = InProcessGateway(returning(None))
    client = gateway.connect()

    client.send("x")

    request_id = last_context(gateway)["requestId"]
    assert client.receive() == (
        f'{{"message": "Internal server error", "connectionId":"{client.connection_id}"'
        f', "requestId":"{request_id}"}}'
    )


# 13
@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_a_subprotocol_is_chosen_only_by_the_handler(name: str) -> None:
    def handler(event: Any, _context: Any) -> dict[str, Any]:
        chosen = (event.get("queryStringParameters") or {}).get("choose")
        headers = {name: chosen, "X-Other": "1"} if chosen else {}
        return {"statusCode": 200, "headers": headers}

    gateway = InProcessGateway(handler)

    silent = gateway.connect(subprotocols=["v1", "v2"])
    chosen = gateway.connect(subprotocols=["v1", "v2"], query={"choose": "v2"})

    assert silent.subprotocol is None
    assert chosen.subprotocol == "v2"


# 14
def test_messages_of_one_connection_are_handled_at_the_same_time() -> None:
    gateway = Gateway(
        GatewayConfig(routes={"$default"}, two_way={"$default"}), draw=os.urandom
    )
    connection_id, _ = gateway.handshake(Handshake(path="/dev"), now=0.0)

    [first] = gateway.receive(connection_id, DataFrame(b"1"), now=1.0)
    [second] = gateway.receive(connection_id, DataFrame(b"2"), now=1.0)
    assert isinstance(first, Invoke)
    assert isinstance(second, Invoke)
    answers = [
        gateway.finish_invocation(
            each.invocation_id,
            Returned({"statusCode": 200, "body": each.event["body"]}),
            now=2.0,
        )
        for each in (second, first)
    ]

    assert answers == [[SendText(connection_id, "2")], [SendText(connection_id, "1")]]


# 15
def test_the_domain_name_is_the_host_that_the_client_used() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect(headers={"Host": "localhost:3001"})

    client.send("x")
    client.close()

    contexts = [each.event["requestContext"] for each in gateway.invocations]
    assert {context["domainName"] for context in contexts} == {"localhost:3001"}
    assert gateway.invocations[-1].event["headers"]["Host"] == "localhost:3001"


# 16
@pytest.mark.parametrize(
    ("message", "route_key"),
    [
        ({"service": "chat", "action": "join"}, "chat/join"),
        ({"service": "chat"}, "chat/"),
        ({"service": "CHAT", "action": "join"}, "$default"),
        ({}, "$default"),
    ],
)
def test_a_route_expression_may_have_several_variables_and_missing_paths(
    message: dict[str, str], route_key: str
) -> None:
    expression = "${request.body.service}/${request.body.action}"
    config = GatewayConfig(
        routes={"chat/join", "chat/", "$default"},
        route_selection_expression=RouteSelectionExpression(expression),
    )
    gateway = InProcessGateway(ok, config=config)

    gateway.connect().send(message)

    assert route_keys(gateway) == [route_key]


@pytest.mark.parametrize("asked", ["$connect", "$disconnect", "$default"])
def test_a_client_that_asks_for_a_lifecycle_route_gets_default(asked: str) -> None:
    gateway = InProcessGateway(ok)

    gateway.connect().send({"action": asked})

    assert route_keys(gateway) == ["$connect", "$default"]
    assert last_context(gateway)["eventType"] == "MESSAGE"


# 17
def authorizing(context: dict[str, Any]) -> Handler:
    def authorizer(event: Any, _context: Any) -> dict[str, Any]:
        statement = {
            "Effect": "Allow",
            "Action": "execute-api:Invoke",
            "Resource": event["methodArn"],
        }
        return {
            "principalId": "user-1",
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": context,
        }

    return authorizer


def test_the_authorizer_s_context_comes_out_as_text_in_every_event() -> None:
    values = {"tenant": "t1", "level": 3, "ratio": 0.5, "admin": True}
    gateway = InProcessGateway(ok, authorizer=authorizing(values))

    client = gateway.connect()
    client.send("x")
    client.close()

    assert route_keys(gateway) == ["$connect", "$connect", "$default", "$disconnect"]
    for invocation in gateway.invocations[1:]:
        assert invocation.event["requestContext"]["authorizer"] == {
            "principalId": "user-1",
            "integrationLatency": 0,
            "tenant": "t1",
            "level": "3",
            "ratio": "0.5",
            "admin": "true",
        }


def test_an_authorizer_that_returns_a_status_gives_500() -> None:
    gateway = InProcessGateway(
        ok, authorizer=lambda _event, _context: {"statusCode": 401}
    )

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == 500


# 18
@pytest.mark.parametrize(
    "result",
    [
        {"ConnectionId": "x", "Data": "y", "statusCode": 200},
        {"statusCode": 200, "body": {"a": 1}},
        "text",
        ["statusCode", 200],
        {"statusCode": "many"},
    ],
)
def test_a_malformed_result_is_an_internal_server_error(result: object) -> None:
    gateway = InProcessGateway(returning(result))
    client = gateway.connect()

    client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert client.is_open


def test_a_handler_that_raises_is_an_internal_server_error() -> None:
    def handler(event: Any, _context: Any) -> dict[str, Any]:
        if event["requestContext"]["eventType"] == "MESSAGE":
            raise ValueError("no")
        return {"statusCode": 200}

    gateway = InProcessGateway(handler, raise_errors=False)
    client = gateway.connect()

    client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert client.is_open


# 19
def test_an_idle_connection_is_closed_with_1001_after_ten_minutes() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    gateway.advance(minutes=9, seconds=59)
    was_open = client.is_open
    gateway.advance(seconds=1)

    assert was_open
    assert (client.close_code, client.close_reason) == (1001, "Going away")
    assert last_context(gateway)["disconnectStatusCode"] == 1001
    assert last_context(gateway)["disconnectReason"] == "Going away"


def test_messages_either_way_keep_a_connection_from_being_idle() -> None:
    gateway = InProcessGateway(ok)
    sending, posted_to, idle = (gateway.connect() for _ in range(3))

    gateway.advance(minutes=9)
    sending.send("x")
    gateway.connections.post(posted_to.connection_id, b"x")
    idle.ping()
    gateway.advance(minutes=9)

    assert sending.is_open
    assert posted_to.is_open
    assert not idle.is_open


def test_nothing_keeps_a_connection_longer_than_two_hours() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    for _ in range(119):
        gateway.advance(minutes=1)
        client.send("x")
    was_open = client.is_open
    gateway.advance(minutes=1)

    assert was_open
    assert (client.close_code, client.close_reason) == (1001, "Going away")


# 20
@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_times_are_utc_and_english_wherever_the_machine_is() -> None:
    months = [
        message_event(at=1767225600 + index * 31 * 86400)["requestContext"][
            "requestTime"
        ]
        for index in range(12)
    ]

    assert time.tzname[0] == "JST"
    assert months[0] == "01/Jan/2026:00:00:00 +0000"
    assert [text[3:6] for text in months] == [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]  # fmt: skip
