"""Routing of events to handlers."""

import enum
import functools
import json
from typing import Any

import pytest

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    Event,
    EventError,
    MessageEvent,
    NoRouteError,
    Response,
    Router,
    UsageError,
)
from wspubsub.pipeline import CallNext
from wspubsub.testing import connect_event, disconnect_event, message_event


def message(key: str = "action", **body: object) -> dict[str, Any]:
    """Return a message behind a gateway that has only `$default`."""
    return message_event(json.dumps({key: body.pop("value", ""), **body}))


@pytest.fixture
def router() -> Router:
    return Router()


def test_each_kind_of_event_reaches_its_handler(router: Router) -> None:
    seen: list[object] = []
    router.connect(lambda event: seen.append(type(event)))
    router.disconnect(lambda event: seen.append(type(event)))
    router.default(lambda event: seen.append(event.body))
    router.route("join")(lambda event: seen.append(("join", event.json()["room"])))

    results = [
        router(event, None)
        for event in (
            connect_event(),
            message_event("hello"),
            message(value="join", room=5),
            message_event('{"room": 6}', route_key="join"),
            disconnect_event(),
        )
    ]

    assert seen == [ConnectEvent, "hello", ("join", 5), ("join", 6), DisconnectEvent]
    assert results == [{"statusCode": 200}] * 5


def test_a_custom_key_works_whatever_the_expression() -> None:
    router = Router(route_selection_expression="$request.body.type")
    router.route("subscribe")(lambda event: event.json()["topic"])

    result = router(message("type", value="subscribe", topic="news"))

    assert result == {"statusCode": 200, "body": "news"}


def test_the_route_that_the_gateway_selected_is_taken(router: Router) -> None:
    router.route("a")(lambda _event: "a")
    router.route("b")(lambda _event: "b")

    result = router(message_event('{"action": "b"}', route_key="a"))

    assert result["body"] == "a"


def test_a_route_that_only_the_gateway_knows_falls_to_the_default(
    router: Router,
) -> None:
    router.default(lambda _event: "default")

    assert router(message_event("x", route_key="other"))["body"] == "default"


def test_an_event_carries_the_route_key_that_the_router_selected(
    router: Router,
) -> None:
    seen: list[str] = []

    @router.middleware
    def note(event: Event, call_next: CallNext) -> Response:
        seen.append(event.route_key)
        return call_next(event)

    router.route("join")(lambda event: event.route_key)
    router.default(lambda event: event.route_key)
    mislabeled = message_event("x", route_key="$connect")

    answers = [
        router(message(value="join")).get("body"),
        router(message_event("x", route_key="join")).get("body"),
        router(message_event("x", route_key="other")).get("body"),
        router(message(value="other")).get("body"),
        router(mislabeled).get("body"),
    ]
    router(connect_event())
    router(disconnect_event())

    assert answers == ["join", "join", "$default", "$default", "$default"]
    assert seen == [*answers, "$connect", "$disconnect"]


class Key(str, enum.Enum):  # noqa: UP042 - equal to its text, and str() of it is not
    JOIN = "join"


def test_a_member_of_an_enumeration_is_a_route_key_as_its_value_is(
    router: Router,
) -> None:
    router.route(Key.JOIN)(lambda event: event.route_key)

    assert router(message(value="join"))["body"] == "join"
    assert [type(key) for key in router.route_keys] == [str]
    with pytest.raises(UsageError, match="'join' already has a handler"):
        router.route("join")(print)


@pytest.mark.parametrize("key", ["$connect", "$disconnect", "$default", "", "nobody"])
def test_a_client_cannot_select_a_lifecycle_handler(router: Router, key: str) -> None:
    router.connect(lambda _event: pytest.fail("connect was called"))
    router.disconnect(lambda _event: pytest.fail("disconnect was called"))
    router.default(lambda _event: "default")

    assert router(message(value=key))["body"] == "default"


def test_lifecycle_is_told_from_the_event_type_not_from_the_route_key(
    router: Router,
) -> None:
    router.connect(lambda _event: "connect")
    router.default(lambda _event: "default")
    event = message_event("x")
    event["requestContext"]["routeKey"] = "$connect"

    assert router(event)["body"] == "default"


def test_without_lifecycle_handlers_the_client_is_let_in(router: Router) -> None:
    assert router(connect_event()) == {"statusCode": 200}
    assert router(disconnect_event()) == {"statusCode": 200}


def test_a_message_without_a_handler_is_the_client_s_mistake(router: Router) -> None:
    router.route("a")(lambda _event: None)

    answer = router(message(value="b"))

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["message"] == "no handler for route key 'b'"


def test_an_exception_handler_can_answer_a_message_without_a_handler(
    router: Router,
) -> None:
    router.exception_handler(NoRouteError)(lambda _event, error: error.route_key)

    assert router(message(value="b"))["body"] == "b"
    assert router(message_event("not json"))["body"] == "$default"


def test_what_is_no_websocket_event_is_refused(router: Router) -> None:
    with pytest.raises(EventError):
        router({"version": "2.0"}, None)


def test_an_unhandled_exception_is_raised_on_to_lambda(router: Router) -> None:
    @router.default
    def fail(_event: MessageEvent) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        router(message_event("x"))


def test_an_async_handler_is_awaited(router: Router) -> None:
    @router.default
    async def answer(event: MessageEvent) -> str:
        return event.body.upper()

    assert router(message_event("x"))["body"] == "X"


def test_decorators_for_lambda_handlers_take_a_router(router: Router) -> None:
    @functools.wraps(router)
    def traced(event: object, context: object) -> object:
        return router(event, context)

    router.default(lambda event: event.body)

    assert traced.__name__ == "router"
    assert traced.__qualname__ == "router"
    assert traced(message_event("x"), None) == {"statusCode": 200, "body": "x"}


def test_an_included_router_keeps_its_own_middleware_and_exception_handlers(
    router: Router,
) -> None:
    inner = Router()

    @inner.middleware
    def shout(event: Event, call_next: CallNext) -> str:
        return f"{call_next(event).body}!"

    @inner.exception_handler(ZeroDivisionError)
    def own(_event: object, _error: object) -> str:
        return "inner"

    @inner.route("divide")
    def divide(_event: MessageEvent) -> None:
        raise ZeroDivisionError

    inner.route("greet")(lambda _event: "hello")
    router.include(inner)
    router.exception_handler(ZeroDivisionError)(lambda _event, _error: "outer")
    router.route("outside")(lambda _event: "quiet")

    assert router(message(value="greet"))["body"] == "hello!"
    assert router(message(value="divide"))["body"] == "inner!"
    assert router(message(value="outside"))["body"] == "quiet"
    assert router.route_keys == {"greet", "divide", "outside"}


def test_what_an_included_router_does_not_take_the_outer_one_may(
    router: Router,
) -> None:
    inner = Router()

    @inner.route("divide")
    def divide(_event: MessageEvent) -> None:
        raise ZeroDivisionError

    router.include(inner)
    router.exception_handler(ZeroDivisionError)(lambda _event, _error: "outer")

    assert router(message(value="divide"))["body"] == "outer"


def test_decorators_return_the_function_unchanged(router: Router) -> None:
    def handler(_event: object, _more: object = None) -> None:
        """Do nothing."""

    assert router.connect(handler) is handler
    assert router.disconnect(handler) is handler
    assert router.default(handler) is handler
    assert router.route("key")(handler) is handler
    assert router.middleware(handler) is handler
    assert router.exception_handler(ValueError)(handler) is handler


def test_routes_are_declared_two_way_where_their_handlers_are(router: Router) -> None:
    inner = Router()

    @inner.route("echo", two_way=True)
    def echo(event: MessageEvent) -> str:
        return event.body

    @router.default(two_way=True)
    def answer(event: MessageEvent) -> str:
        return f"no {event.route_key}"

    router.route("say")(print)
    router.include(inner)

    assert inner.two_way_keys == {"echo"}
    assert router.two_way_keys == {"echo", "$default"}
    assert router.route_keys == {"echo", "say", "$default"}
    assert router(message_event("x"), None)["body"] == "no $default"
    assert (echo.__name__, answer.__name__) == ("echo", "answer")


def test_a_route_is_one_way_unless_it_is_declared(router: Router) -> None:
    router.default(two_way=False)(print)
    router.route("a")(print)

    assert router.two_way_keys == set()


def test_a_key_that_is_refused_is_not_two_way(router: Router) -> None:
    router.route("a")(print)

    with pytest.raises(UsageError, match="already has a handler"):
        router.route("a", two_way=True)(print)

    assert router.two_way_keys == set()


def test_a_second_handler_for_the_same_key_is_refused(router: Router) -> None:
    router.route("a")(print)
    router.connect(print)
    router.exception_handler(ValueError)(print)

    with pytest.raises(UsageError, match="'a' already has a handler"):
        router.route("a")(print)
    with pytest.raises(UsageError, match="connect"):
        router.connect(print)
    with pytest.raises(UsageError, match="ValueError"):
        router.exception_handler(ValueError)(print)


@pytest.mark.parametrize("key", ["", "$connect", "$custom", None, print])
def test_a_malformed_route_key_is_refused(router: Router, key: Any) -> None:
    with pytest.raises(UsageError, match="route"):
        router.route(key)


def test_a_malformed_registration_is_refused(router: Router) -> None:
    nothing: Any = None
    not_an_error: Any = "ValueError"
    not_an_exception: Any = int
    with pytest.raises(UsageError, match="must be a function"):
        router.default(nothing)
    for wrong in (not_an_error, not_an_exception):
        with pytest.raises(UsageError, match="exception class"):
            router.exception_handler(wrong)


def test_a_router_is_included_once_and_then_closed(router: Router) -> None:
    inner = Router()
    router.include(inner)

    with pytest.raises(UsageError, match="included"):
        Router().include(inner)
    with pytest.raises(UsageError, match="in itself"):
        router.include(router)
    with pytest.raises(UsageError, match="already included"):
        inner.default(print)
    with pytest.raises(UsageError, match="already included"):
        inner.include(Router())


def test_two_included_routers_cannot_have_the_same_key(router: Router) -> None:
    first, second = Router(), Router()
    first.route("a")(print)
    second.route("a")(print)
    router.include(first)

    with pytest.raises(UsageError, match="'a'"):
        router.include(second)
