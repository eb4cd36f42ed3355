"""Route selection expressions, as API Gateway evaluates them."""

import json

import pytest
from hypothesis import given, strategies as st

from tests.support.strategies import json_values
from wspubsub import RouteSelectionExpression, UsageError

MESSAGE = json.dumps(
    {
        "service": "chat",
        "action": "join",
        "data": {"room": "r1", "tags": ["a", "b"], "x-y": 1},
        "number": 5,
        "yes": True,
        "none": None,
        "object": {"ä": 1},
        "nested": [["a"], "b"],
    }
)


@pytest.mark.parametrize(
    ("expression", "route_key"),
    [
        ("$request.body.action", "join"),
        ("${request.body.action}", "join"),
        ("${request.body.service}/${request.body.action}", "chat/join"),
        ("$request.body.service/$request.body.action", "chat/join"),
        ("${request.body.action}-${request.body.invalidPath}", "join-"),
        ("$request.body.data.room", "r1"),
        ("$request.body.data['room']", "r1"),
        ('$request.body.data["room"]', "r1"),
        ("$request.body.data.tags[1]", "b"),
        ("$request.body.data.tags[0]", "a"),
        ("$request.body.data.tags[2]", ""),
        ("$request.body.data.tags[7]", ""),
        ("$request.body.data[0]", ""),
        ("$request.body.action.deeper", ""),
        ("$request.body.data.tags", "[a, b]"),
        ("$request.body.nested", "[[a], b]"),
        ("$request.body.number", "5"),
        ("$request.body.yes", "true"),
        ("$request.body.none", ""),
        ("$request.body.object", '{"ä": 1}'),
        ("action", "action"),
        ("\\$default", "$default"),
        ("\\${request.body.action}", "${request.body.action}"),
    ],
)
def test_it_gives_what_aws_documents(expression: str, route_key: str) -> None:
    assert RouteSelectionExpression(expression).evaluate(MESSAGE) == route_key


def test_what_comes_out_is_not_evaluated_again() -> None:
    message = json.dumps({"action": "$request.body.secret", "secret": "x"})

    assert RouteSelectionExpression().evaluate(message) == "$request.body.secret"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "not json",
        "[1]",
        '"text"',
        "5",
        "null",
        "{",
        "[" * 100_000,
        "NaN",
        "9" * 5000,
    ],
)
def test_a_message_without_the_path_names_no_route(message: str) -> None:
    assert RouteSelectionExpression().evaluate(message) == ""


def test_a_static_expression_does_not_read_the_message() -> None:
    assert RouteSelectionExpression("fixed").evaluate("not json") == "fixed"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "$",
        "$request",
        "$request.header.x",
        "${request.body.a",
        "$request.body",
        "$context.x",
        "a\\",
        None,
    ],
)
def test_what_api_gateway_does_not_offer_is_refused(expression: str) -> None:
    with pytest.raises(UsageError, match="route selection expression"):
        RouteSelectionExpression(expression)


def test_the_error_says_from_where_on_it_cannot_be_read() -> None:
    with pytest.raises(UsageError, match="cannot be read from character 4 on"):
        RouteSelectionExpression("ab-$context.x")
    with pytest.raises(UsageError, match="cannot be read from character 1 on"):
        RouteSelectionExpression("$request.body.ä")


def test_it_shows_its_text() -> None:
    expression = RouteSelectionExpression("$request.body.type")

    assert repr(expression) == "RouteSelectionExpression('$request.body.type')"
    assert expression.text == "$request.body.type"


@given(st.one_of(st.text(), json_values.map(json.dumps)))
def test_it_gives_text_for_any_message(message: str) -> None:
    expression = RouteSelectionExpression("${request.body.a}/${request.body[0].b}")

    assert isinstance(expression.evaluate(message), str)


@given(st.text())
def test_any_expression_is_read_or_refused(text: str) -> None:
    try:
        RouteSelectionExpression(text)
    except UsageError:
        return
    assert text


def test_expressions_of_the_same_text_are_equal() -> None:
    first, same = RouteSelectionExpression("a"), RouteSelectionExpression("a")

    assert first == same
    assert len({first, same}) == 1
    assert first != RouteSelectionExpression("b")
    assert first != "a"
