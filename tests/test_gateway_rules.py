"""What emulators of API Gateway commonly get wrong, one rule after the other."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from wspubsub import ConnectionGoneError, RouteSelectionExpression
from wspubsub.gateway import (
    Accept,
    DataFrame,
    Gateway,
    Handshake,
    Invoke,
    ManagementRequest,
    ManagementResponse,
    Returned,
    Send,
)
from wspubsub.testing import (
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    message_event,
)

Handler = Callable[[Any, Any], object]
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test"}
UNKNOWN = "AAAAAAAAAAAAAAA="


def returning(result: object) -> Handler:
    """A handler that lets everybody in and returns this for every message."""

    def handler(event: Any, _context: Any) -> object:
        is_message = event["requestContext"]["eventType"] == "MESSAGE"
        return result if is_message else {"statusCode": 200}

    return handler


ok = returning({"statusCode": 200})


def route_keys(gateway: InProcessGateway) -> list[str]:
    return [each.route_key for each in gateway.invocations]


def last_context(gateway: InProcessGateway) -> Any:
    return gateway.invocations[-1].event["requestContext"]


def manage(
    gateway: InProcessGateway, method: str, connection_id: str, body: bytes = b""
) -> ManagementResponse:
    path = f"/dev/@connections/{quote(connection_id, safe='')}"
    return gateway.manage(
        ManagementRequest(method=method, path=path, headers=SIGNED, body=body)
    )


# 1
@pytest.mark.parametrize("data", [b"text", b"\xff\x00", b""])
def test_a_binary_message_closes_the_connection_with_1003_and_reaches_no_handler(
    data: bytes,
) -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    client.send(data)

    assert client.close_code == 1003
    assert route_keys(gateway) == ["$connect", "$disconnect"]
    assert last_context(gateway)["disconnectStatusCode"] == 1003


# 2
def test_a_frame_over_32_kb_closes_the_connection_with_1009() -> None:
    gateway = InProcessGateway(ok)
    fitting, too_big = gateway.connect(), gateway.connect()

    fitting.send("x" * 32_768)
    too_big.send("x" * 32_769)

    assert fitting.is_open
    assert too_big.close_code == 1009
    assert route_keys(gateway) == ["$connect", "$connect", "$default", "$disconnect"]
    assert last_context(gateway)["disconnectStatusCode"] == 1009


def test_a_message_over_128_kb_closes_the_connection_with_1009() -> None:
    gateway = InProcessGateway(ok)
    fitting, too_big = gateway.connect(), gateway.connect()
    fragments = ["x" * 32_768] * 4

    fitting.send_frames(fragments)
    too_big.send_frames([*fragments, "x"])

    assert fitting.is_open
    assert len(gateway.invocations[2].event["body"]) == 131_072
    assert too_big.close_code == 1009
    assert last_context(gateway)["disconnectStatusCode"] == 1009


def test_a_message_in_fragments_reaches_the_handler_as_one() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    client.send_frames([b"gr\xc3", b"\xbc", b"\xc3\x9fe"])

    assert gateway.invocations[-1].event["body"] == "grüße"


# 3
def test_a_returned_body_is_sent_only_where_there_is_a_route_response() -> None:
    config = GatewayConfig(routes={"$default", "ask"}, two_way={"ask"})
    gateway = InProcessGateway(
        returning({"statusCode": 500, "body": "answer"}), config=config
    )
    client = gateway.connect()

    client.send({"action": "tell"})
    client.expect_nothing()
    client.send({"action": "ask"})

    client.expect("answer")
    client.expect_nothing()


@pytest.mark.parametrize("status", [200, 301, 401, 501])
def test_the_status_of_a_message_s_result_has_no_effect(status: int) -> None:
    gateway = InProcessGateway(returning({"statusCode": status}))
    client = gateway.connect()

    client.send("x")

    client.expect_nothing()
    assert client.is_open


# 4
def test_without_a_connect_route_every_handshake_is_accepted() -> None:
    gateway = InProcessGateway(ok, config=GatewayConfig(routes={"$default"}))

    client = gateway.connect()
    client.send("x")
    client.close()

    assert route_keys(gateway) == ["$default"]
    assert not gateway.is_open(client.connection_id)


# 5
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 501])
def test_a_refusal_is_an_http_response_with_the_handler_s_status(status: int) -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": status})

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == status
    assert json.loads(refused.value.body).keys() == {
        "message",
        "connectionId",
        "requestId",
    }
    assert route_keys(gateway) == ["$connect"]
    assert gateway.connection_count == 0


def test_a_connect_handler_that_raises_is_502() -> None:
    def handler(_event: Any, _context: Any) -> None:
        raise KeyError("token")

    with pytest.raises(HandshakeRefused, match="KeyError") as refused:
        InProcessGateway(handler).connect()

    assert refused.value.status == 502


def test_the_101_is_not_sent_before_the_connect_handler_has_finished() -> None:
    gateway = Gateway(GatewayConfig(), draw=os.urandom)

    connection_id, effects = gateway.handshake(Handshake(path="/dev"), now=0.0)
    before = [type(effect) for effect in effects]
    was_open = gateway.is_open(connection_id)
    [invoke] = [effect for effect in effects if isinstance(effect, Invoke)]
    after = gateway.finished(
        invoke.invocation_id, Returned({"statusCode": 200}), now=0.5
    )

    assert before == [Invoke]
    assert not was_open
    assert after == [Accept(connection_id=connection_id)]
    assert gateway.is_open(connection_id)


# 6
@pytest.mark.parametrize("message", ['{"action": "other"}', "not json", "[]", "5"])
def test_a_message_without_a_route_is_answered_with_forbidden(message: str) -> None:
    gateway = InProcessGateway(ok, config=GatewayConfig(routes={"known"}))
    client = gateway.connect()

    client.send(message)

    answer = client.receive_json()
    assert answer["message"] == "Forbidden"
    assert answer["connectionId"] == client.connection_id
    assert client.is_open
    assert gateway.invocations == []


# 7
def test_posting_to_a_connection_that_never_existed_is_410_with_an_error_type() -> None:
    gateway = InProcessGateway(ok)

    response = manage(gateway, "POST", UNKNOWN, b"x")

    assert response.status == 410
    assert response.body == b""
    assert response.headers["x-amzn-errortype"] == "GoneException"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == "0"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_closed_connection_is_410(method: str) -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()
    client.close()

    assert manage(gateway, method, client.connection_id).status == 410


@pytest.mark.parametrize(
    "connection_id",
    ["WDGT8fY4joECJrQ=test", "x", "a/b", "7e0b6f0e-6f3f-4c5e-8a43-4f9b3f3c9a10"],
)
def test_a_malformed_connection_id_is_400(connection_id: str) -> None:
    response = manage(InProcessGateway(ok), "POST", connection_id, b"x")

    assert response.status == 400
    assert response.headers["x-amzn-errortype"] == "BadRequestException"
    expected = f'{{"message":"Invalid connectionId: {connection_id}"}}'
    assert response.body.decode() == expected


def test_getting_a_connection_gives_lower_camel_keys_and_iso_times() -> None:
    gateway = InProcessGateway(ok, start_time=1605443594.726)
    client = gateway.connect(
        headers={"User-Agent": "Mozilla/5.0"}, source_ip="192.0.2.1"
    )
    gateway.advance(seconds=0.246)
    client.send("x")

    response = manage(gateway, "GET", client.connection_id)

    assert response.status == 200
    assert response.body.decode() == (
        "{\n"
        '  "identity" : {\n'
        '    "sourceIp" : "192.0.2.1",\n'
        '    "userAgent" : "Mozilla/5.0"\n'
        "  },\n"
        '  "connectedAt" : "2020-11-15T12:33:14.726Z",\n'
        '  "lastActiveAt" : "2020-11-15T12:33:14.972Z"\n'
        "}"
    )


def test_deleting_a_connection_is_204_without_a_body() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    response = manage(gateway, "DELETE", client.connection_id)

    assert (response.status, response.body) == (204, b"")
    assert "content-type" not in response.headers
    assert client.close_code == 1000


# 8
def test_connection_ids_need_percent_encoding_and_are_taken_in_any_encoding() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()
    encoded = client.connection_id.replace("=", "%3D")

    statuses = [
        gateway.manage(
            ManagementRequest(method="GET", path=path, headers=SIGNED)
        ).status
        for path in (
            f"/dev/@connections/{encoded}",
            f"/dev/%40connections/{encoded}",
            f"/dev/%40connections/{client.connection_id}",
        )
    ]

    assert re.fullmatch(r"[A-Za-z0-9_-]{15}=", client.connection_id)
    assert statuses == [200, 200, 200]


# 9
def test_what_came_with_the_handshake_is_not_repeated_in_later_events() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect(query={"a": "1"}, headers={"Cookie": "c=1"})

    client.send("x")
    client.close()

    connect, message, disconnect = (each.event for each in gateway.invocations)
    assert "body" not in connect
    assert "messageId" not in connect["requestContext"]
    assert message.keys() == {"requestContext", "body", "isBase64Encoded"}
    assert disconnect["headers"].keys() == {
        "Host",
        "x-api-key",
        "X-Forwarded-For",
        "x-restapi",
    }
    assert "messageId" not in disconnect["requestContext"]
    assert "body" not in disconnect
    assert None not in connect["requestContext"]["identity"].values()


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
        gateway.finished(
            each.invocation_id,
            Returned({"statusCode": 200, "body": each.event["body"]}),
            now=2.0,
        )
        for each in (second, first)
    ]

    assert answers == [[Send(connection_id, "2")], [Send(connection_id, "1")]]


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

    gateway = InProcessGateway(handler)
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
