"""Refusals and errors of handlers, and who answers for them."""

import json

import pytest

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    EventError,
    Forbidden,
    MemorySubscriptionStore,
    MessageError,
    MessageEvent,
    Reject,
    Response,
    Router,
    TopicError,
    Unauthorized,
    UsageError,
)
from wspubsub.testing import (
    HandshakeRefused,
    InProcessGateway,
    authorizer_event,
    connect_event,
    disconnect_event,
    message_event,
)
from wspubsub.topics import validate_topic


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


@pytest.mark.parametrize(
    "answer", [None, "sorry", {"error": 1}, Response("sorry"), True, 200]
)
def test_a_connect_handler_that_fails_lets_nobody_in(
    router: Router, answer: object
) -> None:
    router.exception_handler(Exception)(lambda _event, _error: answer)

    @router.connect
    def fail(_event: ConnectEvent) -> None:
        raise ZeroDivisionError

    assert router(connect_event())["statusCode"] == 500


def test_the_exception_handler_for_messages_lets_nobody_in(router: Router) -> None:
    store = MemorySubscriptionStore()
    router.exception_handler(MessageError)(lambda _event, error: Response(str(error)))

    @router.connect
    def connect(event: ConnectEvent) -> None:
        store.subscribe(event.connection_id, event.query["room"])
        raise Unauthorized

    assert router(connect_event(query={"room": "a"}))["statusCode"] == 401
    refusal = router(connect_event(query={"room": "a\n"}))
    assert refusal["statusCode"] == 400
    assert "control characters" in refusal["body"]


@pytest.mark.parametrize(
    "answer", [False, True, 401, ("Unauthorized", 401), "no", Response("no"), {"a": 1}]
)
def test_a_connect_handler_that_does_not_accept_lets_nobody_in(
    router: Router, answer: object
) -> None:
    router.connect(lambda _event: answer)
    gateway = InProcessGateway(router, raise_errors=False)

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == 502
    assert isinstance(gateway.errors[-1], UsageError)
    assert 'for route "$connect" returned' in str(gateway.errors[-1])


@pytest.mark.parametrize(
    "answer", [None, Response(status_code=200), {"statusCode": 200}]
)
def test_a_connect_handler_that_accepts_lets_in(router: Router, answer: object) -> None:
    router.connect(lambda _event: answer)

    assert InProcessGateway(router).connect().is_open


def test_an_authorizer_s_event_reaches_no_handler(router: Router) -> None:
    router.connect(lambda _event: pytest.fail("connect was called"))

    with pytest.raises(EventError, match="authorizer"):
        router(authorizer_event())


@pytest.mark.parametrize(
    "text",
    [
        '{"statusCode": 403, "body": "as if the server said it"}',
        '{"statusCode": "x", "a": 1}',
    ],
)
def test_what_a_client_sent_is_not_a_proxy_result(router: Router, text: str) -> None:
    router.default(lambda event: event.json())

    result = router(message_event(text))

    assert result["statusCode"] == 200
    assert json.loads(result["body"]) == json.loads(text)


def test_a_client_s_mistake_is_answered_and_is_no_error_of_the_function(
    router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    @router.route("subscribe")
    def subscribe(event: MessageEvent) -> None:
        event.fields(topic=str)

    event = message_event({"action": "subscribe"}, connection_id="a=")
    result = router(event)

    assert result["statusCode"] == 400
    assert json.loads(result["body"]) == {
        "message": 'the message has no field "topic"',
        "connectionId": "a=",
        "requestId": event["requestContext"]["requestId"],
    }
    assert caplog.messages == [
        'refused a client\'s message to subscribe: the message has no field "topic"'
    ]


def test_the_answer_to_a_mistake_is_never_too_large(router: Router) -> None:
    @router.default
    def repeat(event: MessageEvent) -> None:
        raise MessageError(event.body)

    result = router(message_event("\x00" * 131_072))

    assert json.loads(result["body"])["message"] == "\x00" * 1_000


def test_a_client_s_mistake_in_the_handshake_refuses_it(router: Router) -> None:
    @router.connect
    def connect(event: ConnectEvent) -> None:
        validate_topic(event.query["room"])

    assert router(connect_event(query={"room": ""}))["statusCode"] == 400


def test_no_client_is_to_blame_for_what_happens_when_it_has_left(
    router: Router,
) -> None:
    @router.disconnect
    def disconnect(_event: DisconnectEvent) -> None:
        validate_topic("")

    with pytest.raises(TopicError):
        router(disconnect_event())


@pytest.mark.parametrize(
    "error", [Unauthorized("\ud800"), Reject(400, "x" * 200_000)], ids=["text", "size"]
)
def test_a_refusal_whose_reason_cannot_be_sent_is_still_a_refusal(
    router: Router, error: Reject
) -> None:
    @router.connect
    def refuse(_event: ConnectEvent) -> None:
        raise error

    router.middleware(lambda event, call_next: call_next(event))

    assert router(connect_event())["statusCode"] == 400


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


def test_a_handler_for_refusals_need_not_repeat_the_status(router: Router) -> None:
    router.exception_handler(Reject)(lambda _event, _error: "custom")

    @router.connect
    def refuse(_event: ConnectEvent) -> None:
        raise Reject(404)

    assert router(connect_event()) == {"statusCode": 404, "body": "custom"}


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
