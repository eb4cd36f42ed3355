"""Fields of what a client sent."""

import enum
import math
from typing import Any, List, Optional, assert_type  # noqa: UP035 - what some still write

import pytest
from hypothesis import given

from tests.support.strategies import json_values
from wspubsub import MessageError, MessageEvent, UsageError, parse_event
from wspubsub.testing import message_event


def event(data: object) -> MessageEvent:
    parsed = parse_event(message_event(data))
    assert isinstance(parsed, MessageEvent)
    return parsed


def test_a_type_checker_knows_what_fields_are() -> None:
    sent = event({"topic": "news", "text": "hi", "begin": 1, "end": 2})

    topic, text = sent.fields(topic=str, text=(str, ""))
    first, last = sent.fields(begin=int, end=(int, 100))
    mixed = sent.fields(topic=str, end=int, since=list | None)
    (one,) = sent.fields(topic=str)

    assert_type(topic, str)
    assert_type(text, str)
    assert_type(first, int)
    assert_type(last, int)
    assert_type(mixed, tuple[Any, ...])
    assert_type(one, str)


def test_fields_come_in_the_order_in_which_they_are_asked_for() -> None:
    sent = event({"text": "hi", "topic": "news", "more": 1})

    topic, text = sent.fields(topic=str, text=str)

    assert (topic, text) == ("news", "hi")
    assert sent.fields() == ()
    assert sent.fields(self=(str, "x")) == ("x",)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (str, ""),
        (int, 0),
        (int, -(2**63)),
        (int, 2**63 - 1),
        (float, 1.5),
        (bool, False),
        (list, [1, "a"]),
        (dict, {"a": None}),
        (object, None),
        (object, {"any": ["thing"]}),
        (str | int, 5),
        (str | int, "5"),
        (str | None, None),
        (str | None, "x"),
        (Optional[str], None),  # noqa: UP045 - what some still write
        (list[str], ["a", "b"]),
        (list[str], []),
        (List[str], ["a"]),  # noqa: UP006 - as above
        (list[object], [None, 1]),
        (list[int] | None, [1]),
        (str | list[str], "a"),
    ],
    ids=repr,
)
def test_a_value_of_the_right_type_is_returned(wanted: Any, value: object) -> None:
    (found,) = event({"a": value}).fields(a=wanted)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("wanted", "value", "text"),
    [
        (str, 5, "text, not a whole number"),
        (str, None, "text, not null"),
        (str, ["x"], "text, not an array"),
        (int, "5", "a whole number, not text"),
        (int, True, "a whole number, not a boolean"),
        (int, 5.0, "a whole number, not a decimal number"),
        (int, 2**63, "a whole number, not one of more than 64 bits"),
        (int, -(2**63) - 1, "a whole number, not one of more than 64 bits"),
        (float, True, "a number, not a boolean"),
        (float, "1.5", "a number, not text"),
        (bool, 1, "a boolean, not a whole number"),
        (list, {}, "an array, not an object"),
        (dict, [], "an object, not an array"),
        (str | int, None, "text or a whole number, not null"),
        (str | None, 5, "text or null, not a whole number"),
        (list[str] | None, 5, "an array or null, not a whole number"),
        ((int, 100), "many", "a whole number, not text"),
    ],
    ids=repr,
)
def test_another_type_is_the_client_s_mistake_and_the_field_is_named(
    wanted: Any, value: object, text: str
) -> None:
    with pytest.raises(MessageError, match=f'^field "a" must be {text}$'):
        event({"a": value}).fields(a=wanted)


def test_an_item_of_another_type_is_named_by_its_index() -> None:
    with pytest.raises(MessageError, match=r'field "a\[1\]" must be text, not null'):
        event({"a": ["x", None]}).fields(a=list[str])


def test_a_whole_number_will_do_for_a_float() -> None:
    (number,) = event({"a": 5}).fields(a=float)
    assert type(number) is float
    (either,) = event({"a": 5}).fields(a=int | float)
    assert type(either) is int
    (large,) = event({"a": 10**300}).fields(a=float)
    assert large == 1e300
    assert math.isfinite(large)


@pytest.mark.parametrize("wanted", [str, object, str | int, list[str]], ids=repr)
def test_a_field_that_is_missing_is_the_client_s_mistake(wanted: Any) -> None:
    with pytest.raises(MessageError, match='the message has no field "topic"'):
        event({"text": "hi"}).fields(text=str, topic=wanted)


@pytest.mark.parametrize(
    ("sent", "wanted", "found"),
    [
        ({}, str | None, None),
        ({}, (int, 100), 100),
        ({}, (str | None, "x"), "x"),
        ({}, (list[str], []), []),
        ({"a": None}, (int, 100), 100),
        ({"a": None}, (str | None, "x"), None),
        ({"a": None}, (object, "x"), None),
        ({"a": 5}, (int, 100), 5),
        ({"a": 0}, (int, 100), 0),
        ({}, (int, None), None),
    ],
    ids=repr,
)
def test_what_is_absent_is_none_or_the_default(
    sent: object, wanted: Any, found: object
) -> None:
    assert event(sent).fields(a=wanted) == (found,)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([], "an array"),
        ('"x"', "text"),
        (5, "a whole number"),
        (None, "null"),
        (True, "a boolean"),
    ],
)
def test_a_message_that_is_not_an_object_has_no_fields(data: object, text: str) -> None:
    with pytest.raises(
        MessageError, match=f"^the message must be a JSON object, not {text}$"
    ):
        event(data).fields(a=str)
    with pytest.raises(MessageError, match="not JSON"):
        event("hello").fields()


class Color(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "wanted",
    [
        bytes,
        Color,
        Any,
        None,
        "str",
        5,
        str | bytes,
        list[bytes],
        list[str | None],
        dict[str, str],
        (),
        (str,),
        (str, "a", "b"),
        (str, int),
        (bytes, b""),
        [str],
    ],
    ids=repr,
)
def test_what_json_does_not_have_is_the_developer_s_mistake(wanted: Any) -> None:
    for sent in ({}, {"a": "x"}):
        with pytest.raises(UsageError, match="field 'a' cannot be"):
            event(sent).fields(a=wanted)


@given(json_values)
def test_whatever_is_sent_is_of_the_type_or_the_client_s_mistake(value: object) -> None:
    try:
        text, number, names, rest = event({"a": value, "b": value}).fields(
            a=str | int | None, b=float | bool | dict, c=(list[str], []), d=object
        )
    except MessageError:
        return
    raise AssertionError([text, number, names, rest])  # "d" is never sent
