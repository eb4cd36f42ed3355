"""What an event says."""

import dataclasses
import json
import math
from collections.abc import Container
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.strategies import damaged_events, json_values
from wspubsub import (
    ConnectEvent,
    Connection,
    DisconnectEvent,
    EventError,
    Headers,
    MessageError,
    MessageEvent,
    PendingConnectionId,
    WspubsubError,
    parse_event,
)
from wspubsub.testing import (
    authorizer_event,
    connect_event,
    disconnect_event,
    message_event,
)


def raw(event_type: str = "MESSAGE", **context: Any) -> dict[str, Any]:
    return {
        "requestContext": {"connectionId": "a=", "eventType": event_type, **context}
    }


def test_a_connect_event_has_what_the_handshake_had() -> None:
    event = parse_event(
        {
            **raw(
                "CONNECT",
                connectedAt=1731324924553,
                requestTimeEpoch=1731324924561,
                authorizer={"principalId": "user-1", "tenant": "t1"},
                identity={"sourceIp": "192.0.2.1", "userAgent": "Mozilla/5.0"},
                stage="prod",
                domainName="example.com",
                apiId="abcdef1234",
                requestId="r=",
                routeKey="$connect",
            ),
            "headers": {"sec-websocket-protocol": "b"},
            "multiValueHeaders": {"sec-websocket-protocol": ["chat.v1, chat.v2", "b"]},
            "queryStringParameters": {"room": "b"},
            "multiValueQueryStringParameters": {"room": ["a", "b"]},
            "stageVariables": {"table": "t"},
        }
    )

    assert isinstance(event, ConnectEvent)
    assert event.subprotocols == ("chat.v1", "chat.v2", "b")
    assert event.query == {"room": "b"}
    assert event.multi_query == {"room": ("a", "b")}
    assert event.connected_at == 1731324924.553
    assert event.requested_at == 1731324924.561
    assert event.source_ip == "192.0.2.1"
    assert event.user_agent == "Mozilla/5.0"
    assert event.principal == "user-1"
    assert event.authorizer["tenant"] == "t1"
    assert event.stage_variables == {"table": "t"}
    assert (event.stage, event.domain_name, event.api_id) == (
        "prod",
        "example.com",
        "abcdef1234",
    )
    assert event.connection == Connection(
        id="a=",
        connected_at=1731324924.553,
        principal="user-1",
        api="abcdef1234/prod",
    )
    assert type(event.connection.id) is str
    assert isinstance(event.connection_id, PendingConnectionId)
    assert event.connection_id == "a="


def test_without_the_id_of_an_api_its_connection_is_of_none() -> None:
    raw = connect_event()
    del raw["requestContext"]["apiId"]

    event = parse_event(raw)

    assert isinstance(event, ConnectEvent)
    assert event.connection.api is None


def test_without_a_query_there_are_no_parameters() -> None:
    event = parse_event(connect_event())

    assert isinstance(event, ConnectEvent)
    assert event.query == {}
    assert event.multi_query == {}
    assert event.subprotocols == ()


def test_emulators_that_send_only_one_form_of_headers_and_query_are_understood() -> (
    None
):
    single = parse_event(
        {**raw("CONNECT"), "headers": {"A": "1"}, "queryStringParameters": {"q": "2"}}
    )
    multi = parse_event(
        {
            **raw("CONNECT"),
            "multiValueQueryStringParameters": {"q": ["1", "2"], "e": []},
        }
    )

    assert isinstance(single, ConnectEvent)
    assert isinstance(multi, ConnectEvent)
    assert single.headers["a"] == "1"
    assert single.multi_query == {"q": ("2",)}
    assert multi.query == {"q": "2"}


def test_a_message_event_has_the_text_as_it_was_sent() -> None:
    event = parse_event(message_event(' {"a": 1}'))

    assert isinstance(event, MessageEvent)
    assert event.body == ' {"a": 1}'
    assert event.json() == {"a": 1}
    assert event.message_id
    assert not isinstance(event.connection_id, PendingConnectionId)


def test_a_message_that_is_not_json_is_the_client_s_mistake() -> None:
    event = parse_event(message_event("hello"))

    assert isinstance(event, MessageEvent)
    with pytest.raises(MessageError, match="not JSON"):
        event.json()


@pytest.mark.parametrize("body", ["1e999", '"\\ud800"', "[" * 129 + "]" * 129])
def test_json_that_cannot_be_sent_on_is_the_client_s_mistake(body: str) -> None:
    event = parse_event(message_event(body))

    assert isinstance(event, MessageEvent)
    with pytest.raises(MessageError):
        event.json()


def test_an_event_has_room_for_what_middleware_finds_out() -> None:
    one, other = parse_event(message_event("x")), parse_event(message_event("x"))

    one.state["user"] = "ann"

    assert one.state == {"user": "ann"}
    assert other.state == {}
    assert dataclasses.replace(one, route_key="say").state == {"user": "ann"}
    assert "ann" not in repr(one)


@pytest.mark.parametrize(
    "event",
    [
        authorizer_event(),
        {**connect_event(), "methodArn": "arn:aws:execute-api:x"},
        {**connect_event(), "type": "REQUEST"},
    ],
    ids=["as AWS sends it", "method", "type"],
)
def test_what_an_authorizer_is_asked_is_not_a_connect(event: dict[str, Any]) -> None:
    with pytest.raises(EventError, match="event of a Lambda authorizer"):
        parse_event(event)


def test_the_last_of_several_query_parameters_counts() -> None:
    event = connect_event()
    event["queryStringParameters"] = None
    event["multiValueQueryStringParameters"] = {"a": ["1", "2", "3"], "b": []}

    parsed = parse_event(event)

    assert isinstance(parsed, ConnectEvent)
    assert parsed.query == {"a": "3"}
    assert parsed.multi_query == {"a": ("1", "2", "3"), "b": ()}


def test_a_base64_body_of_an_emulator_is_decoded() -> None:
    event = parse_event({**raw(), "body": "w7w=", "isBase64Encoded": True})

    assert isinstance(event, MessageEvent)
    assert event.body == "ü"


@pytest.mark.parametrize("body", ["/w==", "%%%", "a"])
def test_a_base64_body_that_is_no_text_is_refused(body: str) -> None:
    with pytest.raises(EventError, match="base64"):
        parse_event({**raw(), "body": body, "isBase64Encoded": True})


def test_a_disconnect_event_says_how_the_connection_ended() -> None:
    event = parse_event(disconnect_event(code=4000, reason="bye"))

    assert isinstance(event, DisconnectEvent)
    assert event.status_code == 4000
    assert event.reason == "bye"


def test_nulls_of_older_events_count_as_absent() -> None:
    event = parse_event(
        raw("DISCONNECT", disconnectStatusCode=None, authorizer=None, identity=None)
    )

    assert isinstance(event, DisconnectEvent)
    assert event.status_code is None
    assert event.reason == ""
    assert event.principal is None
    assert event.source_ip is None
    assert event.connected_at == 0.0


def test_a_principal_that_is_no_text_is_none() -> None:
    assert parse_event(raw(authorizer={"principalId": 5})).principal is None


def test_the_remaining_time_comes_from_the_context() -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 2500

    assert parse_event(raw(), Context()).remaining_seconds() == 2.5
    assert parse_event(raw(), None).remaining_seconds() == math.inf
    assert parse_event(raw(), {}).remaining_seconds() == math.inf


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (None, "event must be an object, not NoneType"),
        ([], "event must be an object"),
        ({}, "has no requestContext"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "comes from aws:sqs"),
        ({"Records": [{}]}, "comes from another service"),
        ({"Records": [{"eventSource": "aws:sqs"}, 5]}, "comes from aws:sqs"),
        ({"Records": [{"eventSource": "aws:s3"}, {}]}, "comes from aws:s3"),
        ({"Records": [{}, {"eventSource": "x"}]}, "comes from another service"),
        ({"Records": []}, "has no requestContext"),
        ({"Records": {"a": 1}}, "has no requestContext"),
        ({"requestContext": "x"}, "event.requestContext must be an object"),
        ({"requestContext": {"connectionId": "a"}}, "eventType must be CONNECT"),
        (raw("OTHER"), "'OTHER'"),
        ({"requestContext": {"eventType": "MESSAGE"}}, "connectionId is missing"),
        (raw(connectedAt="x"), "connectedAt must be a number, not str"),
        (raw(connectedAt=True), "connectedAt must be a number"),
        (raw(connectedAt=10**400), "connectedAt must be a time"),
        (raw(connectedAt=math.inf), "connectedAt must be a time"),
        (raw("DISCONNECT", disconnectStatusCode="1005"), "a whole number, not str"),
        (raw(stage=5), "stage must be text, not int"),
        ({**raw(), "body": {}}, "body must be text, not dict"),
        ({**raw("CONNECT"), "headers": {"a": 1}}, "headers.a must be text"),
        ({**raw("CONNECT"), "multiValueHeaders": {"a": "x"}}, "a list of text values"),
        ({**raw("CONNECT"), "multiValueHeaders": {"a": [1]}}, "a list of text values"),
    ],
)
def test_anything_else_is_an_event_error_that_says_what_is_wrong(
    event: object, text: str
) -> None:
    with pytest.raises(EventError, match=text):
        parse_event(event)


@settings(max_examples=200)
@given(damaged_events())
def test_a_damaged_event_is_understood_or_refused(event: dict[str, Any]) -> None:
    try:
        parsed = parse_event(event)
    except EventError:
        return
    assert parsed.connection_id


@given(json_values)
def test_arbitrary_json_raises_nothing_but_our_errors(value: object) -> None:
    for event in (value, {"requestContext": value}, {"requestContext": {"a": value}}):
        with pytest.raises(EventError):
            parse_event(event)


def test_every_error_is_ours() -> None:
    assert issubclass(EventError, WspubsubError)


def test_headers_are_looked_up_in_any_casing() -> None:
    headers = Headers({"X-A": ["1", "2"], "x-a": ["3"], "Empty": []})

    assert headers["x-A"] == "3"
    assert headers.all("X-a") == ("1", "2", "3")
    assert headers.all("nothing") == ()
    assert list(headers) == ["x-a"]
    assert len(headers) == 1
    assert "X-A" in headers
    assert "empty" not in headers
    assert headers.get("Empty") is None
    names: Container[object] = headers
    assert 5 not in names
    assert headers.get("other") is None
    assert json.dumps(dict(headers)) == '{"x-a": "3"}'
    assert "x-a" in repr(headers)
