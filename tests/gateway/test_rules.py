"""What emulators of API Gateway get wrong about messages, routes and handshakes."""

import json
import os
import re
from typing import Any

import pytest

from tests.support.gateway_clients import (
    SIGNED,
    UNKNOWN,
    last_context,
    manage,
    ok,
    returning,
    route_keys,
)
from wspubsub.gateway import (
    Accept,
    Gateway,
    Handshake,
    Invoke,
    ManagementRequest,
    Returned,
)
from wspubsub.testing import (
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
)


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
        InProcessGateway(handler, raise_errors=False).connect()

    assert refused.value.status == 502


def test_the_101_is_not_sent_before_the_connect_handler_has_finished() -> None:
    gateway = Gateway(GatewayConfig(), draw=os.urandom)

    connection_id, effects = gateway.handshake(Handshake(path="/dev"), now=0.0)
    before = [type(effect) for effect in effects]
    was_open = gateway.is_open(connection_id)
    [invoke] = [effect for effect in effects if isinstance(effect, Invoke)]
    after = gateway.finish_invocation(
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
