"""What becomes of a handler's result."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from wspubsub.testing import (
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    TestClient,
)

MALFORMED = "Internal server error"


def connecting(result: object) -> tuple[int, str]:
    """The status that a client sees if this is what its `$connect` gives, and why."""
    gateway = InProcessGateway(lambda _event, _context: result)
    try:
        gateway.connect()
    except HandshakeRefused as refused:
        return refused.status, refused.detail
    return 101, ""


TWO_WAY = GatewayConfig(routes={"$default"}, two_way={"$default"})


def asking(result: object, config: GatewayConfig = TWO_WAY) -> TestClient:
    """A client that has sent a message to a route with this result."""
    client = InProcessGateway(lambda _event, _context: result, config=config).connect()
    client.send("x")
    return client


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": 200},
        {"statusCode": 299},
        {"statusCode": "204"},
        {"statusCode": 200, "body": None, "headers": None, "multiValueHeaders": None},
        {"statusCode": 200, "body": "x", "isBase64Encoded": False},
        {"statusCode": 200, "headers": {"A": "1", "B": 2, "C": True, "D": False}},
        {"statusCode": 200, "multiValueHeaders": {"A": ["1", "2"]}},
    ],
)
def test_a_well_formed_2xx_accepts_the_handshake(result: object) -> None:
    assert connecting(result) == (101, "")


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, "null"),
        ("", "text"),
        (5, "a number"),
        (True, "true or false"),
        ([], "an array"),
        ({}, "statusCode is null"),
        ({"statusCode": None}, "statusCode is null"),
        ({"statusCode": True}, "true or false"),
        ({"statusCode": 200.0}, "a number"),
        ({"statusCode": "2000"}, "text"),
        ({"statusCode": 101}, "statusCode is 101"),
        ({"statusCode": 600}, "statusCode is 600"),
        ({"statusCode": 200, "status": "x"}, "the keys status"),
        ({"statusCode": 200, "body": {}}, "body is an object"),
        ({"statusCode": 200, "body": 1}, "body is a number"),
        ({"statusCode": 200, "headers": [1]}, "headers must be an object"),
        ({"statusCode": 200, "multiValueHeaders": "x"}, "headers must be an object"),
        ({"statusCode": 200, "headers": {"A": {}}}, "header A is an object"),
        ({"statusCode": 200, "headers": {"A": None}}, "header A is null"),
        ({"statusCode": 200, "headers": {"A": "1\r\nB: 2"}}, "not a single line"),
        ({"statusCode": 200, "headers": {"A": "\ud800"}}, "not a single line"),
        ({"statusCode": 200, "headers": {"A\n": "1"}}, "not a single line"),
        ({"statusCode": 200, "headers": {"": "1"}}, "not a single line"),
        ({"statusCode": 200, "multiValueHeaders": {"A": "1"}}, "return an array"),
    ],
)
def test_a_malformed_result_of_connect_is_502(result: object, why: str) -> None:
    status, detail = connecting(result)

    assert status == 502
    assert why in detail


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (304, None),
        (302, "Refused"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (418, "Bad Request"),
        (429, "Too Many Requests"),
        (503, "Internal server error"),
    ],
)
def test_a_refusal_says_what_its_status_says(status: int, message: str | None) -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": status})

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == status
    if message is None:  # RFC 9110 §15.4.5: no content
        assert refused.value.body == ""
    else:
        body = json.loads(refused.value.body)
        assert body["message"] == message
        context = gateway.invocations[0].event["requestContext"]
        assert body["connectionId"] == context["connectionId"]
        assert body["requestId"] == context["requestId"]


def test_a_two_way_body_is_sent_as_one_message() -> None:
    client = asking({"statusCode": 200, "body": "x" * 131_072})

    assert client.receive_all() == ["x" * 131_072]


@pytest.mark.parametrize(
    "result", [{"statusCode": 200}, {"statusCode": 200, "body": ""}]
)
def test_an_absent_or_empty_two_way_body_is_an_empty_message_unless_switched(
    result: object,
) -> None:
    assert asking(result).receive_all() == [""]
    asking(result, replace(TWO_WAY, absent_body_is_sent=False)).expect_nothing()


def test_a_two_way_body_over_128_kb_is_an_error() -> None:
    client = asking({"statusCode": 200, "body": "x" * 131_073})

    assert client.receive_json()["message"] == MALFORMED


def test_half_a_surrogate_pair_in_a_two_way_body_is_replaced() -> None:
    client = asking({"statusCode": 200, "body": "a\ud83db\U0001f600"})

    client.expect("a\ufffdb\U0001f600")


def test_a_null_result_can_be_switched_to_be_well_formed() -> None:
    strict = asking(None)
    lenient = asking(None, replace(TWO_WAY, null_result_is_malformed=False))

    assert strict.receive_json()["message"] == MALFORMED
    assert lenient.receive_all() == [""]


def test_a_result_without_a_status_can_be_switched_to_be_200() -> None:
    strict = asking({"body": "x"})
    lenient = asking({"body": "x"}, replace(TWO_WAY, missing_status_is_malformed=False))

    assert strict.receive_json()["message"] == MALFORMED
    lenient.expect("x")


def test_the_result_of_disconnect_goes_nowhere() -> None:
    results: list[Callable[[], object]] = [dict, lambda: None, lambda: 1 / 0]

    def handler(event: Any, _context: Any) -> object:
        if event["requestContext"]["eventType"] == "DISCONNECT":
            return results.pop(0)()
        return {"statusCode": 200}

    gateway = InProcessGateway(handler, raise_errors=False)
    for _ in range(3):
        gateway.connect().close()

    assert results == []
    assert gateway.connection_count == 0
