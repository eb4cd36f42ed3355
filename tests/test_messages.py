"""Encoding of messages."""

import json

import pytest
from hypothesis import given

from tests.strategies import json_values
from wspubsub import MessageError, MessageTooLargeError, UsageError
from wspubsub.messages import MAX_MESSAGE_BYTES, decode_json, encode


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        ("grüße", "grüße".encode()),
        (b"as it is", b"as it is"),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
        ({"a": ["ü", 1, None]}, '{"a":["ü",1,null]}'.encode()),
        (5, b"5"),
        ("", b""),
        (None, b"null"),
        ({"a": "\ud800"}, b'{"a":"\\ud800"}'),
    ],
)
def test_text_and_bytes_stay_and_the_rest_is_json(data: object, encoded: bytes) -> None:
    assert encode(data) == encoded


def deep() -> object:
    value: object = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "data",
    [b"\xff", "\ud800", object(), {1, 2}, float("nan"), {"a": float("inf")}, deep()],
    ids=range(7),
)
def test_what_has_no_text_form_is_refused(data: object) -> None:
    with pytest.raises(UsageError):
        encode(data)


def test_a_message_over_128_kb_is_refused_and_the_error_says_both_sizes() -> None:
    assert len(encode("x" * MAX_MESSAGE_BYTES)) == 131_072

    with pytest.raises(MessageTooLargeError, match=r"131,074 bytes.*131,072") as caught:
        encode("ü" * (MAX_MESSAGE_BYTES // 2 + 1))

    assert caught.value.size == 131_074
    assert caught.value.max_bytes == 131_072


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", "[" * 100_000, "9" * 5000, "{'a': 1}"]
)
def test_what_is_not_json_is_the_client_s_mistake(text: str) -> None:
    with pytest.raises(MessageError, match="JSON"):
        decode_json(text)


@given(json_values)
def test_json_comes_back_as_it_went(value: object) -> None:
    try:
        encoded = encode([value])
    except UsageError:
        return  # NaN and infinities

    assert decode_json(encoded.decode()) == json.loads(json.dumps([value]))
