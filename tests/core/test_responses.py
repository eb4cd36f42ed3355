"""What a handler returns, made into what API Gateway accepts."""

import dataclasses
import enum
import http
import json
from typing import Any

import pytest

from wspubsub import MessageError, MessageTooLargeError, Response, UsageError
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.responses import (
    to_failed_handshake_response,
    to_handshake_response,
    to_response,
)


class Word(str, enum.Enum):  # noqa: UP042 - what this is about
    """A member is equal to its text, and `str()` of it is not."""

    HELLO = "hello"


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, {"statusCode": 200}),
        ("text", {"statusCode": 200, "body": "text"}),
        ("", {"statusCode": 200, "body": ""}),
        (Word.HELLO, {"statusCode": 200, "body": "hello"}),
        ({"a": 1}, {"statusCode": 200, "body": '{"a":1}'}),
        ([1], {"statusCode": 200, "body": "[1]"}),
        (False, {"statusCode": 200, "body": "false"}),
        (Response(), {"statusCode": 200}),
        (Response("x", status_code=403), {"statusCode": 403, "body": "x"}),
        (Response("x", 403), {"statusCode": 403, "body": "x"}),
        (Response(status_code=599), {"statusCode": 599}),
        (
            Response(headers={"A": "b"}, subprotocol="chat.v1"),
            {
                "statusCode": 200,
                "headers": {"A": "b", "Sec-WebSocket-Protocol": "chat.v1"},
            },
        ),
        (
            Response(multi_headers={"A": ("b", "c")}),
            {"statusCode": 200, "multiValueHeaders": {"A": ["b", "c"]}},
        ),
    ],
)
def test_an_answer_to_a_message_becomes_a_valid_proxy_result(
    value: object, result: object
) -> None:
    assert to_response(value).as_dict() == result


@pytest.mark.parametrize(
    "value", [{"statusCode": 200}, {"statusCode": "x"}, {"statusCode": 403, "body": ""}]
)
def test_an_object_with_a_status_may_be_what_a_client_sent(value: Any) -> None:
    assert json_body(to_response(value)) == value


def json_body(response: Response) -> object:
    assert response.status_code == 200
    return json.loads(response.body or "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), 'handler "say" returned object, which cannot be written as JSON'),
        (b"bytes", "returned bytes"),
        (float("nan"), "cannot be written as JSON"),
        ({1, 2}, "returned set"),
    ],
)
def test_what_cannot_be_sent_is_the_developer_s_mistake(value: Any, text: str) -> None:
    for convert in (to_response, to_failed_handshake_response):
        with pytest.raises(UsageError, match=text):
            convert(value, 'handler "say"')


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (Response(status_code=200), {"statusCode": 200}),
        (Response("x", status_code=299), {"statusCode": 299, "body": "x"}),
        (Response(status_code=403), {"statusCode": 403}),
        (Response(status_code=http.HTTPStatus.FORBIDDEN), {"statusCode": 403}),
        ({"statusCode": 201, "body": "x"}, {"statusCode": 201, "body": "x"}),
        ({"statusCode": 401, "isBase64Encoded": False}, {"statusCode": 401}),
        (
            {"statusCode": 200, "multiValueHeaders": {"A": ["b"]}, "headers": None},
            {"statusCode": 200, "multiValueHeaders": {"A": ["b"]}},
        ),
        (
            {"statusCode": 200, "headers": {"A": "\t~ \x80\xff"}},
            {"statusCode": 200, "headers": {"A": "\t~ \x80\xff"}},
        ),
    ],
    ids=repr,
)
def test_a_status_that_was_written_decides_about_a_handshake(
    value: object, result: object
) -> None:
    assert to_handshake_response(value).as_dict() == result
    assert to_failed_handshake_response(value).as_dict() == result
    again = dataclasses.replace(to_handshake_response(value), body=None)
    assert to_handshake_response(again) == again


LEAVE_OPEN = [
    False,
    True,
    401,
    ("no", 401),
    "no",
    "",
    {},
    {"status_code": 403},
    [],
    Response(),
    Response("no"),
    Response(status_code=None),
    Response(subprotocol="chat.v1"),
    dataclasses.replace(Response("no"), body="nobody"),
]


@pytest.mark.parametrize("value", LEAVE_OPEN, ids=range(len(LEAVE_OPEN)))
def test_what_does_not_say_so_accepts_nobody(value: object) -> None:
    with pytest.raises(
        UsageError, match=r"does not accept the client.*status_code=200\)"
    ):
        to_handshake_response(value, none_accepts=True)


@pytest.mark.parametrize("value", [None, *LEAVE_OPEN], ids=range(1 + len(LEAVE_OPEN)))
def test_a_failure_refuses_unless_a_status_was_written(value: object) -> None:
    response = to_failed_handshake_response(value)

    assert response.as_dict()["statusCode"] == 500
    assert response.body == to_response(value).body
    assert to_failed_handshake_response(value, status=404).status_code == 404


def test_none_accepts_where_it_comes_from_the_handler() -> None:
    assert to_handshake_response(None, none_accepts=True) == Response(status_code=200)
    with pytest.raises(
        UsageError,
        match=r"^x returned NoneType.*handshake return Response\(status_code=200",
    ):
        to_handshake_response(None, "x")
    with pytest.raises(UsageError, match=r"^x returned a Resp.* return None or Resp"):
        to_handshake_response(Response(), "x", none_accepts=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"statusCode": 200, "extra": 1}, "with the keys 'extra'"),
        ({"statusCode": "OK"}, "status code must be a whole number"),
        ({"statusCode": True}, "status code must be a whole number"),
        ({"statusCode": 199}, "from 200 to 599"),
        ({"statusCode": 600}, "from 200 to 599"),
        ({"statusCode": 200, "body": {}}, "json.dumps"),
        ({"statusCode": 200, "headers": []}, "map names"),
        ({"statusCode": 200, "headers": {"a b": "x"}}, "not the name"),
        ({"statusCode": 200, "headers": {1: "x"}}, "not the name"),
        ({"statusCode": 200, "headers": {"a": "x\r\nEvil: 1"}}, "one line"),
        ({"statusCode": 200, "headers": {"a": "\ud800"}}, "one line"),
        ({"statusCode": 200, "headers": {"a": "\u0100"}}, "one line"),
        ({"statusCode": 200, "headers": {"a": [1]}}, "one line"),
        ({"statusCode": 200, "multiValueHeaders": {"a": "x"}}, "list of text"),
        ({"statusCode": 200, "multiValueHeaders": {"a": ["\n"]}}, "one line"),
        ({"statusCode": 200, "multiValueHeaders": []}, "map names"),
        ({"statusCode": 200, "isBase64Encoded": True}, "must be False"),
    ],
)
def test_what_api_gateway_would_reject_is_refused(value: Any, text: str) -> None:
    for convert in (to_handshake_response, to_failed_handshake_response):
        with pytest.raises(UsageError, match=text):
            convert(value)


def test_a_response_is_checked_where_it_is_made() -> None:
    headers: Any = []
    with pytest.raises(UsageError, match="one line"):
        Response(subprotocol="a\r\nEvil: 1")
    with pytest.raises(UsageError, match="from 200 to 599"):
        Response(status_code=1000)
    with pytest.raises(UsageError, match="map names"):
        Response(headers=headers)


def test_a_body_that_a_client_made_impossible_is_the_client_s_mistake() -> None:
    with pytest.raises(MessageError, match="surrogate"):
        to_response("\ud800")
    with pytest.raises(MessageTooLargeError):
        to_response("x" * (MAX_MESSAGE_BYTES + 1))
    assert to_response({"a": "\ud800"}).body == '{"a":"\\ud800"}'


def test_what_is_changed_later_does_not_change_a_response() -> None:
    headers = {"A": "b"}
    response = Response(headers=headers)

    headers["A"] = "x\r\nEvil: 1"

    assert response.as_dict()["headers"] == {"A": "b"}
    response.as_dict()["headers"]["A"] = "c"
    assert response.headers == {"A": "b"}


@pytest.mark.parametrize("status", [200, 599])
def test_a_status_may_be_as_low_and_as_high_as_api_gateway_takes(status: int) -> None:
    assert Response(status_code=status).as_dict() == {"statusCode": status}


@pytest.mark.parametrize("status", [199, 600])
def test_any_other_status_is_refused(status: int) -> None:
    with pytest.raises(UsageError, match=f"from 200 to 599, not {status}"):
        Response(status_code=status)


def test_a_response_keeps_its_subprotocol() -> None:
    response = Response(subprotocol="chat.v1")

    assert response.subprotocol == "chat.v1"
    assert response.as_dict()["headers"] == {"Sec-WebSocket-Protocol": "chat.v1"}
