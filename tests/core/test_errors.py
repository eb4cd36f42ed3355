"""What errors say, and what they quote of what a client sent."""

import json
import sys

import pytest

from wspubsub import (
    ConnectionGoneError,
    Forbidden,
    ManagementError,
    Reject,
    TopicError,
    Unauthorized,
    UsageError,
)
from wspubsub.errors import (
    ConnectionNotReadyError,
    CredentialsError,
    KeyConflictError,
    MessageTooLargeError,
    NoRouteError,
    StoreTimeoutError,
    TooManyTopicsError,
)
from wspubsub.topics import validate_topic


def test_a_topic_that_is_nested_without_end_is_refused_like_any_other() -> None:
    topic = json.loads("[" * 500 + "]" * 500)
    limit = sys.getrecursionlimit()

    sys.setrecursionlimit(200)
    try:
        with pytest.raises(TopicError) as caught:
            validate_topic(topic)
    finally:
        sys.setrecursionlimit(limit)

    assert str(caught.value) == "a topic must be text: [[...]]"


@pytest.mark.parametrize("size", [81, 100_000])
def test_what_is_quoted_is_short(size: int) -> None:
    errors = [TopicError("x" * size, "too long"), NoRouteError("x" * size)]

    assert all(len(str(error)) < 200 for error in errors)


def test_as_much_is_quoted_as_fits_into_a_line() -> None:
    assert str(TopicError("x" * 78, "bad")) == f"bad: '{'x' * 78}'"
    assert str(TopicError("x" * 79, "bad")) == f"bad: '{'x' * 37}...{'x' * 38}'"


def test_of_an_object_with_a_long_text_form_as_much_is_quoted() -> None:
    assert len(str(TopicError(range(10**60, 10**61), "bad"))) == len("bad: ") + 80


@pytest.mark.parametrize("status", [300, 401, 599])
def test_a_handshake_is_refused_with_a_status_that_refuses(status: int) -> None:
    error = Reject(status, "no")

    assert (error.status, error.reason, str(error)) == (status, "no", "no")
    assert str(Reject(status)) == f"refused with status {status}"


@pytest.mark.parametrize("status", [0, 200, 299, 600])
def test_any_other_status_is_the_developer_s_mistake(status: int) -> None:
    with pytest.raises(UsageError, match=f"from 300 to 599, not {status}"):
        Reject(status)


def test_each_error_says_what_is_wrong_in_its_text() -> None:
    assert [
        str(error)
        for error in (
            KeyConflictError("news", "k"),
            MessageTooLargeError(200_000, 131_072),
            NoRouteError("say"),
            TooManyTopicsError(5),
            ConnectionGoneError("a="),
        )
    ] == [
        "key 'k' of topic 'news' belongs to a message with other data; give each "
        "message a key of its own",
        "the message has 200,000 bytes, but at most 131,072 can be sent; split it, or "
        "publish a link to the data",
        "no handler for route key 'say'",
        "a connection may be subscribed to at most 5 topics; unsubscribe from others "
        "first",
        "connection a= is gone",
    ]
    assert "connection a= does not exist until" in str(ConnectionNotReadyError("a="))
    assert "no AWS credentials: none" in str(CredentialsError("none"))


def test_the_usual_refusals_have_their_status_and_reason() -> None:
    assert (Unauthorized().status, Unauthorized().reason) == (401, "Unauthorized")
    assert (Forbidden().status, Forbidden().reason) == (403, "Forbidden")
    assert (Unauthorized("x").reason, Forbidden("y").reason) == ("x", "y")


def test_an_error_of_the_management_api_says_what_it_was() -> None:
    plain = ManagementError("text")
    gone = ConnectionGoneError("a=")

    assert (plain.status, plain.code) == (None, None)
    assert (gone.status, gone.code) == (410, "GoneException")
    assert gone.connection_id == "a="


def test_a_store_that_does_not_answer_says_which_call_and_how_long() -> None:
    error = StoreTimeoutError("Query", 2.25)

    assert str(error) == "DynamoDB Query: no answer within 2.2 s"
    assert (error.operation, error.code) == ("Query", "Timeout")
