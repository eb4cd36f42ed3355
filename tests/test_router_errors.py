"""Refusals and errors of handlers, and who answers for them."""

import pytest

from wspubsub import (
    ConnectEvent,
    Forbidden,
    MessageError,
    MessageEvent,
    Reject,
    Response,
    Router,
    Unauthorized,
    UsageError,
)
from wspubsub.testing import connect_event, message_event


@pytest.fixture
def router() -> Router:
    return Router()


@pytest.mark.parametrize(
    ("rejection", "status"),
    [(Unauthorized(), 401), (Forbidden("no entry"), 403), (Reject(503), 503)],
)
def test_a_handshake_is_refused_with_its_status(
    router: Router, rejection: Reject, status: int
) -> None:
    @router.connect
    def refuse(_event: ConnectEvent) -> None:
        raise rejection

    result = router(connect_event())

    assert result["statusCode"] == status
    assert result.get("body", "") == rejection.reason


@pytest.mark.parametrize("status", [200, 101, 600, 0])
def test_a_refusal_needs_a_refusing_status(status: int) -> None:
    with pytest.raises(UsageError, match="300 to 599"):
        Reject(status)


def test_a_catch_all_does_not_turn_a_refusal_into_an_acceptance(
    router: Router,
) -> None:
    router.exception_handler(Exception)(lambda _event, _error: {"ok": True})

    @router.connect
    def refuse(_event: ConnectEvent) -> None:
        raise Unauthorized

    assert router(connect_event())["statusCode"] == 401


@pytest.mark.parametrize("answer", [None, "sorry", {"error": 1}])
def test_a_connect_handler_that_fails_lets_nobody_in(
    router: Router, answer: object
) -> None:
    router.exception_handler(Exception)(lambda _event, _error: answer)

    @router.connect
    def fail(_event: ConnectEvent) -> None:
        raise ZeroDivisionError

    assert router(connect_event())["statusCode"] == 500


@pytest.mark.parametrize("answer", [Response(status_code=429), {"statusCode": 429}])
def test_an_exception_handler_may_choose_the_status_of_a_handshake(
    router: Router, answer: object
) -> None:
    router.exception_handler(ZeroDivisionError)(lambda _event, _error: answer)

    @router.connect
    def fail(_event: ConnectEvent) -> None:
        raise ZeroDivisionError

    assert router(connect_event())["statusCode"] == 429


def test_a_handler_for_refusals_may_take_them(router: Router) -> None:
    router.exception_handler(Reject)(
        lambda _event, error: Response("custom", status_code=error.status)
    )

    @router.connect
    def refuse(_event: ConnectEvent) -> None:
        raise Forbidden

    assert router(connect_event()) == {"statusCode": 403, "body": "custom"}


def test_the_exception_handler_of_the_closest_class_is_called(router: Router) -> None:
    router.exception_handler(Exception)(lambda _event, _error: "any")
    router.exception_handler(ArithmeticError)(lambda _event, _error: "arithmetic")
    router.exception_handler(MessageError)(lambda _event, error: str(error))

    @router.route("divide")
    def divide(_event: MessageEvent) -> None:
        raise ZeroDivisionError

    @router.default
    def parse(event: MessageEvent) -> None:
        event.json()

    assert router(message_event('{"action": "divide"}'))["body"] == "arithmetic"
    assert "not JSON" in router(message_event("x"))["body"]
