"""The events that the gateway builds against those that AWS was seen to send."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.recorded_events import (
    CONFIG,
    EVENTS,
    FORMS,
    allow,
    form,
    last_event,
    ok,
    plain_client,
    recorded,
)
from wspubsub import ConnectEvent, DisconnectEvent, MessageEvent, parse_event
from wspubsub.testing import (
    GatewayConfig,
    InProcessGateway,
    authorizer_event,
    connect_event,
    message_event,
)


def test_connect_with_query_and_authorizer_is_as_recorded() -> None:
    def authorizer(event: Any, context: Any) -> dict[str, Any]:
        gateway.advance(seconds=0.042)
        return allow(event, context)

    gateway = InProcessGateway(ok, authorizer=authorizer, config=CONFIG)

    gateway.connect(
        headers={
            "Origin": "https://app.example.com",
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
            "User-Agent": "Mozilla/5.0",
        },
        subprotocols=["chat.v1", "chat.v2"],
        query={"room": ["a", "b"]},
        source_ip="192.0.2.1",
    )

    assert form(last_event(gateway)) == form(recorded("connect"))


def test_connect_without_query_is_as_recorded() -> None:
    gateway = InProcessGateway(ok, config=CONFIG)

    plain_client(gateway)

    assert form(last_event(gateway)) == form(recorded("connect_without_query"))


@pytest.mark.parametrize("name", ["message_custom_route", "message_default"])
def test_a_message_is_as_recorded(name: str) -> None:
    gateway = InProcessGateway(ok, config=CONFIG)
    client = plain_client(gateway)

    client.send(recorded(name)["body"])

    assert form(last_event(gateway)) == form(recorded(name))


def test_a_disconnect_by_the_client_is_as_recorded() -> None:
    gateway = InProcessGateway(ok, config=CONFIG)

    plain_client(gateway).close()

    assert form(last_event(gateway)) == form(recorded("disconnect_client"))


def test_a_disconnect_with_code_and_reason_is_as_recorded() -> None:
    gateway = InProcessGateway(ok, config=CONFIG)

    plain_client(gateway).close(4001, "signed out")

    assert form(last_event(gateway)) == form(recorded("disconnect_code_and_reason"))


def test_a_disconnect_of_an_idle_client_is_as_recorded() -> None:
    gateway = InProcessGateway(ok, config=CONFIG)
    plain_client(gateway)

    gateway.advance(minutes=10)

    assert form(last_event(gateway)) == form(recorded("disconnect_idle"))


def test_a_disconnect_by_the_backend_is_as_recorded() -> None:
    gateway = InProcessGateway(ok, config=CONFIG)
    client = plain_client(gateway)

    gateway.connections.close(client.connection_id)

    assert form(last_event(gateway)) == form(recorded("disconnect_delete"))


def test_the_authorizer_event_is_as_recorded() -> None:
    gateway = InProcessGateway(ok, authorizer=allow, config=CONFIG)

    gateway.connect(
        headers={
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"
        },
        query={"token": "abc"},
        source_ip="192.0.2.1",
    )

    assert form(gateway.invocations[0].event) == form(recorded("authorizer"))


@pytest.mark.parametrize(
    "path",
    sorted({*EVENTS.glob("*.json")} - {EVENTS / "authorizer.json"}),
    ids=lambda path: path.stem,
)
def test_every_recorded_event_of_a_route_can_be_parsed(path: Path) -> None:
    event = parse_event(json.loads(path.read_text()))

    kinds = {
        "connect": ConnectEvent,
        "message": MessageEvent,
        "disconnect": DisconnectEvent,
    }
    assert isinstance(event, kinds[path.stem.partition("_")[0]])
    assert re.fullmatch(FORMS["an ID"], event.connection_id)
    assert event.stage == "prod"
    assert event.source_ip == "192.0.2.1"
    assert event.connected_at > 1_600_000_000


def test_the_recorded_connect_is_parsed_in_full() -> None:
    event = parse_event(recorded("connect"))

    assert isinstance(event, ConnectEvent)
    assert event.subprotocols == ("chat.v1", "chat.v2")
    assert event.query == {"room": "b"}
    assert event.multi_query == {"room": ("a", "b")}
    assert event.principal == "user-1"
    assert event.authorizer["level"] == "3"
    assert event.user_agent == "Mozilla/5.0"
    assert event.connected_at == 1731324924.553


def test_the_null_filled_connect_of_2020_is_parsed() -> None:
    event = parse_event(recorded("connect_legacy_null_filled"))

    assert isinstance(event, ConnectEvent)
    assert event.query == {}
    assert event.user_agent is None


def test_a_recorded_disconnect_is_parsed_in_full() -> None:
    event = parse_event(recorded("disconnect_code_and_reason"))

    assert isinstance(event, DisconnectEvent)
    assert (event.status_code, event.reason) == (4001, "signed out")


def test_header_names_keep_the_casing_that_the_client_sent() -> None:
    event = connect_event(headers={"x-lower": "1", "X-UPPER": "2", "hOsT": "h"})

    assert event["headers"]["x-lower"] == "1"
    assert event["headers"]["X-UPPER"] == "2"
    assert event["headers"]["hOsT"] == "h"
    assert event["requestContext"]["domainName"] == "h"


def test_hop_by_hop_headers_are_in_the_authorizer_event_only() -> None:
    connect = connect_event(headers={"Content-Length": "0"})
    authorizer = authorizer_event(headers={"Content-Length": "0"})

    assert not {"Connection", "Upgrade", "Content-Length"} & connect["headers"].keys()
    assert authorizer["headers"]["Connection"] == "upgrade"
    assert authorizer["headers"]["Upgrade"] == "websocket"
    assert authorizer["headers"]["content-length"] == "0"


def test_what_the_client_claims_of_its_way_is_appended_to_or_replaced() -> None:
    event = connect_event(
        headers={
            "x-forwarded-for": "198.51.100.7",
            "x-forwarded-port": "1",
            "x-forwarded-proto": "gopher",
            "x-amzn-trace-id": "mine",
        },
        source_ip="192.0.2.1",
    )

    headers = event["headers"]
    assert headers["X-Forwarded-For"] == "198.51.100.7, 192.0.2.1"
    assert headers["X-Forwarded-Port"] == "443"
    assert headers["X-Forwarded-Proto"] == "https"
    assert re.fullmatch(FORMS["a trace"], headers["X-Amzn-Trace-Id"])
    assert "x-forwarded-for" not in headers
    assert "x-amzn-trace-id" not in headers


def test_the_authorizer_event_has_empty_objects_where_there_is_no_query() -> None:
    event = authorizer_event()

    assert event["queryStringParameters"] == {}
    assert event["multiValueQueryStringParameters"] == {}
    assert event["stageVariables"] == {}
    assert "isBase64Encoded" not in event


def test_a_parameter_without_a_value_is_empty_text() -> None:
    event = connect_event(query="a&b=&c=1+2%2F3")

    assert event["queryStringParameters"] == {"a": "", "b": "", "c": "1 2/3"}


def test_stage_variables_are_in_every_event_of_a_stage_that_has_some() -> None:
    config = GatewayConfig(stage_variables={"table": "t"})
    gateway = InProcessGateway(ok, config=config)

    client = gateway.connect()
    client.send("x")
    client.close()

    assert [each.event["stageVariables"] for each in gateway.invocations] == [
        {"table": "t"}
    ] * 3


def test_an_empty_message_has_no_body_and_is_read_as_empty_text() -> None:
    gateway = InProcessGateway(ok, config=CONFIG)

    gateway.connect().send("")

    event = gateway.invocations[-1].event
    parsed = parse_event(event)
    assert "body" not in event
    assert "body" not in message_event("")
    assert isinstance(parsed, MessageEvent)
    assert parsed.body == ""
