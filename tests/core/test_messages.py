"""Encoding of messages."""

import json
import math

import pytest
from hypothesis import given, strategies as st

from tests.support.strategies import json_values
from wspubsub import MessageError, MessageTooLargeError, UsageError
from wspubsub.messages import MAX_MESSAGE_BYTES, decode_json, encode, read_json


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
    [b"\xff", object(), {1, 2}, float("nan"), {"a": float("inf")}, deep()],
    ids=range(6),
)
def test_what_has_no_text_form_is_refused(data: object) -> None:
    with pytest.raises(UsageError):
        encode(data)


def test_text_with_half_of_a_surrogate_pair_came_from_a_client() -> None:
    with pytest.raises(MessageError, match="the text has an unpaired surrogate"):
        encode("\ud800")


def test_a_message_over_128_kb_is_refused_and_the_error_says_both_sizes() -> None:
    assert len(encode("x" * MAX_MESSAGE_BYTES)) == 131_072

    with pytest.raises(MessageTooLargeError, match=r"131,074 bytes.*131,072") as caught:
        encode("ü" * (MAX_MESSAGE_BYTES // 2 + 1))

    assert caught.value.size == 131_074
    assert caught.value.max_bytes == 131_072


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", "[" * 100_000, "{'a': 1}"]
)
def test_what_is_not_json_is_the_client_s_mistake(text: str) -> None:
    with pytest.raises(MessageError, match="JSON"):
        decode_json(text)


def nested(levels: int, inner: str = "") -> str:
    objects = levels // 2
    arrays = levels - objects
    return '{"a":' * objects + "[" * arrays + inner + "]" * arrays + "}" * objects


@pytest.mark.parametrize("inner", ["", "5"])
def test_128_levels_are_read_and_more_are_the_client_s_mistake(inner: str) -> None:
    assert decode_json(nested(128, inner))
    assert decode_json(f'["{"[" * 200}"]') == ["[" * 200]

    with pytest.raises(MessageError, match="at most 128 levels"):
        decode_json(nested(129, inner))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 309, "-" + "9" * 308])
@pytest.mark.parametrize("text", ["{}", '{{"a":[{}]}}'])
def test_a_number_that_is_too_large_is_the_client_s_mistake(
    number: str, text: str
) -> None:
    with pytest.raises(MessageError, match=f"too large: {number[:20]}$"):
        decode_json(text.format(number))


def test_numbers_that_fit_are_read_exactly() -> None:
    text = f"[{'9' * 308}, -5, 1.5, 1e308, 1e-999]"

    assert decode_json(text) == [int("9" * 308), -5, 1.5, 1e308, 0.0]


@pytest.mark.parametrize(
    "text", ['"\\ud800"', '"\ud800"', '{"\\uDFFF": 1}', '[{"a": ["x\\udc00"]}]']
)
def test_half_of_a_surrogate_pair_is_the_client_s_mistake(text: str) -> None:
    with pytest.raises(MessageError, match="the message has an unpaired surrogate"):
        decode_json(text)


def test_whole_pairs_and_escaped_backslashes_are_text() -> None:
    assert decode_json('["\\ud83d\\ude00", "\\u00fc", "\\\\ud800"]') == [
        "\U0001f600",
        "ü",
        "\\ud800",
    ]


def test_what_cannot_be_sent_on_can_be_read_all_the_same() -> None:
    assert read_json('["\\ud800", 1e999]') == ["\ud800", math.inf]
    assert read_json(nested(129))
    with pytest.raises(MessageError, match="JSON"):
        read_json("NaN")


@given(st.text() | json_values.map(json.dumps))
def test_whatever_a_client_may_send_can_be_sent_on_or_is_its_mistake(text: str) -> None:
    try:
        encode(decode_json(text))
    except MessageError:
        return


@given(json_values)
def test_json_comes_back_as_it_went(value: object) -> None:
    try:
        encoded = encode([value])
    except UsageError:
        return  # NaN and infinities

    assert read_json(encoded.decode()) == json.loads(json.dumps([value]))
