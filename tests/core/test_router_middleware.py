"""Middleware: what it sees, what it may do, and what it hands on."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from wspubsub import (
    ConnectEvent,
    Event,
    MessageError,
    MessageEvent,
    Response,
    Router,
    Unauthorized,
    UsageError,
)
from wspubsub.pipeline import CallNext
from wspubsub.testing import connect_event, message_event


@pytest.fixture
def router() -> Router:
    return Router()


def message(action: str) -> dict[str, Any]:
    return message_event({"action": action})


def test_middleware_surrounds_handlers_in_the_order_of_registration(
    router: Router,
) -> None:
    order: list[str] = []

    def named(name: str) -> Callable[..., Response]:
        def surround(event: Event, call_next: CallNext) -> Response:
            order.append(f"{name} in")
            result = call_next(event)
            order.append(f"{name} out")
            return result

        return surround

    router.middleware(named("outer"))
    router.middleware(named("inner"))
    router.default(lambda _event: order.append("handler"))

    router(message_event("x"))

    assert order == ["outer in", "inner in", "handler", "inner out", "outer out"]


def test_middleware_may_answer_instead_and_its_errors_are_handled(
    router: Router,
) -> None:
    @router.middleware
    def guard(event: MessageEvent, call_next: CallNext) -> object:
        if event.body == "fail":
            raise ZeroDivisionError
        return "stopped" if event.body == "stop" else call_next(event)

    router.exception_handler(ZeroDivisionError)(lambda _event, _error: "failed")
    router.default(lambda _event: "handler")

    bodies = [router(message_event(text))["body"] for text in ("stop", "fail", "go")]
    assert bodies == ["stopped", "failed", "handler"]


def test_middleware_sees_the_response_that_the_gateway_gets(router: Router) -> None:
    seen: list[Response] = []

    @router.middleware
    def note(event: Event, call_next: CallNext) -> Response:
        seen.append(call_next(event))
        return seen[-1]

    router.exception_handler(MessageError)(lambda _event, error: f"no: {error}")
    router.connect(raising(Unauthorized("not you")))
    router.route("nothing")(lambda _event: None)
    router.route("text")(lambda _event: "x")
    router.route("data")(lambda _event: {"a": 1})
    router.route("bad")(raising(MessageError("bad")))

    results = [router(message(key)) for key in ("nothing", "text", "data", "bad")]
    results.append(router(connect_event()))

    assert [response.as_dict() for response in seen] == results
    assert [response.body for response in seen] == [
        None,
        "x",
        '{"a":1}',
        "no: bad",
        "not you",
    ]
    assert seen[-1].status_code == 401


def raising(error: Exception) -> Callable[[Any], None]:
    def handler(_event: object) -> None:
        raise error

    return handler


def test_middleware_of_an_included_router_sees_what_the_outer_one_makes_of_an_error(
    router: Router,
) -> None:
    seen: list[str | None] = []
    inner = Router()

    @inner.middleware
    def note(event: Event, call_next: CallNext) -> Response:
        response = call_next(event)
        seen.append(response.body)
        return response

    inner.route("divide")(raising(ZeroDivisionError()))
    router.include(inner)
    router.exception_handler(ZeroDivisionError)(lambda _event, _error: "outer")

    assert router(message("divide"))["body"] == "outer"
    assert seen == ["outer"]


def test_middleware_may_change_the_response(router: Router) -> None:
    @router.middleware
    def stamp(event: Event, call_next: CallNext) -> Response:
        return replace(call_next(event), headers={"X-Version": "2"})

    router.connect(lambda _event: None)

    assert router(connect_event()) == {
        "statusCode": 200,
        "headers": {"X-Version": "2"},
    }


def test_middleware_hands_data_on_to_the_handler(router: Router) -> None:
    @router.middleware
    def authenticate(event: Event, call_next: CallNext) -> Response:
        event.state["user"] = "ann"
        return call_next(event)

    router.default(lambda event: event.state["user"])

    assert router(message("x"))["body"] == "ann"


def test_an_error_that_nobody_takes_passes_through_middleware(router: Router) -> None:
    seen: list[BaseException] = []

    @router.middleware
    def note(event: Event, call_next: CallNext) -> Response:
        try:
            return call_next(event)
        except ZeroDivisionError as error:
            seen.append(error)
            raise

    router.default(raising(ZeroDivisionError()))

    with pytest.raises(ZeroDivisionError) as caught:
        router(message("x"))
    assert seen == [caught.value]


def test_an_exception_handler_is_asked_once_for_each_error(router: Router) -> None:
    asked: list[str] = []

    def pass_on(name: str) -> Callable[..., None]:
        def handler(_event: object, error: Exception) -> None:
            asked.append(name)
            raise error

        return handler

    def step(event: Event, call_next: CallNext) -> Response:
        return call_next(event)

    inner = Router()
    inner.default(raising(ZeroDivisionError()))
    inner.exception_handler(ZeroDivisionError)(pass_on("inner"))
    router.exception_handler(ArithmeticError)(pass_on("outer"))
    for each in (inner, router, router):
        each.middleware(step)
    router.include(inner)

    with pytest.raises(ZeroDivisionError):
        router(message("x"))
    assert asked == ["inner", "outer"]


def test_an_error_of_an_exception_handler_goes_to_the_outer_router(
    router: Router,
) -> None:
    def fail(_event: object, _error: Exception) -> None:
        raise KeyError

    inner = Router()
    inner.default(raising(ZeroDivisionError()))
    inner.exception_handler(ZeroDivisionError)(fail)
    inner.exception_handler(KeyError)(lambda _event, _error: "inner")
    router.exception_handler(KeyError)(lambda _event, _error: "outer")
    router.include(inner)

    assert router(message("x"))["body"] == "outer"


def test_an_error_of_the_outer_middleware_is_the_outer_router_s(
    router: Router,
) -> None:
    inner = Router()
    inner.default(lambda _event: "never reached")
    inner.exception_handler(ZeroDivisionError)(lambda _event, _error: "inner")
    router.exception_handler(ZeroDivisionError)(lambda _event, _error: "outer")
    router.include(inner)

    @router.middleware
    def fail(_event: Event, _call_next: CallNext) -> None:
        raise ZeroDivisionError

    assert router(message("x"))["body"] == "outer"


def test_middleware_that_forgets_the_response_lets_nobody_in(router: Router) -> None:
    @router.middleware
    def forget(event: Event, call_next: CallNext) -> None:
        call_next(event)

    @router.connect
    def refuse(_event: ConnectEvent) -> None:
        raise Unauthorized

    router.default(lambda _event: "lost")

    with pytest.raises(UsageError, match='middleware "forget" for route "\\$connect"'):
        router(connect_event())
    assert router(message("x")) == {"statusCode": 200}


def test_middleware_lets_in_only_with_a_status(router: Router) -> None:
    @router.middleware
    def health_check(_event: Event, _call_next: CallNext) -> Response:
        return Response(status_code=200)

    router.connect(raising(Unauthorized()))

    assert router(connect_event()) == {"statusCode": 200}


async def surround(_event: object, _call_next: object) -> None:
    """Do nothing."""


class Surround:
    async def __call__(self, _event: object, _call_next: object) -> None:
        """Do nothing."""

    async def method(self, _event: object, _call_next: object) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    "function",
    [surround, Surround(), Surround().method, functools.partial(surround)],
    ids=["function", "object", "method", "partial"],
)
def test_middleware_is_a_plain_function(router: Router, function: Any) -> None:
    with pytest.raises(UsageError, match="plain function"):
        router.middleware(function)


def test_middleware_that_turns_out_to_be_async_is_refused(router: Router) -> None:
    class Promise:
        def __await__(self) -> None:
            """Never called."""

    router.middleware(lambda _event, _call_next: Promise())
    router.default(lambda _event: None)

    with pytest.raises(UsageError, match="must be a plain function, not async def"):
        router(message("x"))


def test_the_middleware_can_be_listed() -> None:
    router = Router()

    def outer(event: Event, call_next: CallNext) -> Response:
        return call_next(event)

    assert not router.middleware_functions
    router.middleware(outer)
    assert router.middleware_functions == (outer,)
