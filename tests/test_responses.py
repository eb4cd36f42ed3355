"""What a handler returns, made into what API Gateway accepts."""

from typing import Any

import pytest

from wspubsub import Response, UsageError
from wspubsub.responses import to_response


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, {"statusCode": 200}),
        ("text", {"statusCode": 200, "body": "text"}),
        ({"a": 1}, {"statusCode": 200, "body": '{"a":1}'}),
        ([1], {"statusCode": 200, "body": "[1]"}),
        (Response(), {"statusCode": 200}),
        (Response("x", status_code=403), {"statusCode": 403, "body": "x"}),
        (
            Response(headers={"A": "b"}, subprotocol="chat.v1"),
            {
                "statusCode": 200,
                "headers": {"A": "b", "Sec-WebSocket-Protocol": "chat.v1"},
            },
        ),
        ({"statusCode": 201, "body": "x"}, {"statusCode": 201, "body": "x"}),
        (
            {"statusCode": 200, "multiValueHeaders": {"A": ["b"]}, "headers": None},
            {"statusCode": 200, "multiValueHeaders": {"A": ["b"]}, "headers": None},
        ),
    ],
)
def test_it_becomes_a_valid_proxy_result(value: object, result: object) -> None:
    assert to_response(value) == result


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "returned object"),
        (b"bytes", "returned bytes"),
        (float("nan"), "cannot be written as JSON"),
        ({"statusCode": 200, "extra": 1}, "with the keys 'extra'"),
        ({"statusCode": "200"}, "status code must be a whole number"),
        ({"statusCode": True}, "status code must be a whole number"),
        ({"statusCode": 101}, "from 200 to 599"),
        ({"statusCode": 200, "body": {}}, "json.dumps"),
        ({"statusCode": 200, "headers": []}, "mapping of names"),
        ({"statusCode": 200, "headers": {"a b": "x"}}, "not the name"),
        ({"statusCode": 200, "headers": {"a": "x\r\nEvil: 1"}}, "one line"),
        ({"statusCode": 200, "headers": {"a": 1}}, "one line"),
        ({"statusCode": 200, "multiValueHeaders": {"a": "x"}}, "list of texts"),
        ({"statusCode": 200, "isBase64Encoded": "yes"}, "True or False"),
    ],
)
def test_what_api_gateway_would_reject_is_refused(value: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        to_response(value)


def test_a_response_is_checked_where_it_is_made() -> None:
    with pytest.raises(UsageError):
        Response(subprotocol="a\r\nEvil: 1")
    with pytest.raises(UsageError):
        Response(status_code=1000)
