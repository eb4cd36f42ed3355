"""The in-process gateway, as the tests of an application use it."""

import decimal
import logging
from typing import Any

import pytest

from tests.support.chat_apps import Chat, ok, on_message, publish, subscribe
from wspubsub import (
    MessageEvent,
    PublishReport,
    Router,
    UsageError,
)
from wspubsub.eventsources import EventSources
from wspubsub.testing import (
    START_TIME,
    Function,
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    LambdaContext,
    NoMessageError,
    read_config,
)


def test_the_api_is_what_the_handler_declares() -> None:
    router = Router(route_selection_expression="$request.body.type")

    @router.route("echo", two_way=True)
    def echo(event: MessageEvent) -> str:
        return event.route_key

    router.route("say")(lambda _event: "dropped")
    gateway = InProcessGateway(EventSources(router))
    client = gateway.connect()

    client.send({"type": "say"})
    client.send({"type": "echo"})

    client.expect("echo")
    client.expect_nothing()
    assert [each.route_key for each in gateway.invocations[-2:]] == ["say", "echo"]
    gateway.handler = ok
    assert gateway.config == GatewayConfig()


def test_a_configuration_that_is_given_wins_and_may_be_the_declared_one() -> None:
    router = Router()
    router.route("echo", two_way=True)(lambda _event: "answer")
    given = GatewayConfig(idle_timeout_seconds=5)
    alone = InProcessGateway(router, config=given)
    both = InProcessGateway(router, config=read_config(router, given))
    clients = [alone.connect(), both.connect()]

    for client in clients:
        client.send({"action": "echo"})
    both.advance(seconds=6)

    clients[0].expect_nothing()
    clients[1].expect("answer")
    assert not clients[1].is_open
    assert read_config(ok, given) == given


def test_what_is_published_reaches_the_other_subscribers() -> None:
    gateway = InProcessGateway()
    chat = Chat(gateway)
    reader, other, writer = (gateway.connect() for _ in range(3))
    reader.send(subscribe("news"))
    writer.send(subscribe("news"))
    other.send(subscribe("sports"))

    writer.send(publish("news", {"n": 1}))

    reader.expect({"n": 1})
    for client in (reader, other, writer):
        client.expect_nothing()
    assert chat.reports == [PublishReport(delivered=1)]


def test_a_client_that_vanished_is_pruned_by_the_next_publish() -> None:
    gateway = InProcessGateway(config=GatewayConfig(routes={"$connect", "$default"}))
    chat = Chat(gateway)
    reader, writer = gateway.connect(), gateway.connect()
    reader.send(subscribe("news"))
    gateway.advance(minutes=1)

    reader.kill()
    writer.send(publish("news", "x"))

    assert chat.reports[0].gone == {reader.connection_id}
    assert chat.store.topics(reader.connection_id) == frozenset()


def test_the_store_of_a_test_expires_with_the_gateway_s_time() -> None:
    gateway = InProcessGateway(config=GatewayConfig(routes={"$connect", "$default"}))
    chat = Chat(gateway)
    reader = gateway.connect()
    reader.send(subscribe("news"))

    before = list(chat.store.subscribers("news"))
    gateway.advance(hours=2, minutes=11)

    assert before == [reader.connection_id]
    assert list(chat.store.subscribers("news")) == []


def test_a_refused_handshake_raises_with_status_and_body() -> None:
    gateway = InProcessGateway()
    Chat(gateway)

    with pytest.raises(HandshakeRefused, match="status 401") as refused:
        gateway.connect(query={"token": "bad"})

    assert refused.value.status == 401
    assert '"Unauthorized"' in refused.value.body
    assert gateway.connection_count == 0


def test_connecting_before_there_is_a_handler_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"gateway\.handler"):
        InProcessGateway().connect()


def test_a_handler_cannot_connect_a_client() -> None:
    gateway = InProcessGateway(on_message(lambda _event, _context: gateway.connect()))
    client = gateway.connect()

    with gateway.expect_error(UsageError, match="a handler cannot connect"):
        client.send("x")


def test_an_authorizer_must_be_given_if_the_configuration_has_one() -> None:
    gateway = InProcessGateway(ok, config=GatewayConfig(has_authorizer=True))

    with pytest.raises(UsageError, match=r"gateway\.authorizer"):
        gateway.connect()
    gateway.authorizer = lambda _event, _context: {
        "principalId": "alice",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
            ],
        },
    }

    assert gateway.connect().is_open
    assert gateway.invocations[0].function is Function.AUTHORIZER


def test_the_api_that_a_handler_declares_has_the_authorizer_too() -> None:
    gateway = InProcessGateway()
    gateway.authorizer = lambda _event, _context: 1 / 0
    gateway.handler = Router()

    with gateway.expect_error(ZeroDivisionError), pytest.raises(HandshakeRefused):
        gateway.connect()

    assert gateway.config.has_authorizer


def test_an_error_in_a_handler_is_recorded_and_logged_and_seen_by_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_event: Any, _context: Any) -> None:
        raise KeyError("topic")

    gateway = InProcessGateway(on_message(fail))
    client = gateway.connect()

    with (
        caplog.at_level(logging.ERROR, logger="wspubsub"),
        gateway.expect_error(KeyError, match="topic"),
    ):
        client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert [repr(error) for error in gateway.errors] == ["KeyError('topic')"]
    assert gateway.invocations[-1].error is gateway.errors[0]
    assert "KeyError: 'topic'" in caplog.text
    with pytest.raises(NoMessageError, match="KeyError"):
        client.receive()


def test_an_error_in_a_handler_is_raised_where_the_test_caused_it() -> None:
    def fail(_event: Any, _context: Any) -> None:
        raise KeyError("topic")

    gateway = InProcessGateway(on_message(fail))
    client = gateway.connect()

    with pytest.raises(KeyError, match="topic"):
        client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    client.close()
    assert gateway.invocations[-1].route_key == "$disconnect"


def test_a_handler_that_exits_has_failed() -> None:
    def leave(_event: Any, _context: Any) -> None:
        raise SystemExit(3)

    gateway = InProcessGateway(on_message(leave), raise_errors=False)
    client = gateway.connect()

    client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert "SystemExit(3)" in str(gateway.errors[0])


def test_an_interrupt_is_not_taken_for_an_error_of_the_handler() -> None:
    def interrupt(_event: Any, _context: Any) -> None:
        raise KeyboardInterrupt

    gateway = InProcessGateway(on_message(interrupt))
    client = gateway.connect()

    with pytest.raises(KeyboardInterrupt):
        client.send("x")

    gateway.handler = ok
    client.send("y")
    assert gateway.invocations[-1].event["body"] == "y"


@pytest.mark.parametrize("value", [{1, 2}, b"x", object()])
def test_a_result_that_is_not_json_is_an_error(value: object) -> None:
    gateway = InProcessGateway(
        on_message(lambda _event, _context: {"statusCode": 200, "body": value}),
        raise_errors=False,
    )
    client = gateway.connect()

    client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert "Unable to marshal response" in str(gateway.errors[0])


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"statusCode": decimal.Decimal(200)}, {"statusCode": 200}),
        (
            {"statusCode": 200, "rate": decimal.Decimal("0.5")},
            {"statusCode": 200, "rate": 0.5},
        ),
        (b'{"statusCode": 200}', {"statusCode": 200}),
        (b"not json", "not json"),
    ],
)
def test_a_result_may_hold_what_lambda_can_marshal(value: object, read: object) -> None:
    gateway = InProcessGateway(lambda _event, _context: {"statusCode": 200})
    client = gateway.connect()

    gateway.handler = lambda _event, _context: value
    client.send("x")

    assert gateway.invocations[-1].result == read
    assert gateway.errors == []


def test_what_a_handler_does_to_its_event_is_not_seen_by_others() -> None:
    def spoil(event: Any, _context: Any) -> dict[str, Any]:
        event.clear()
        return {"statusCode": 200}

    gateway = InProcessGateway(spoil)
    client = gateway.connect()

    client.close()

    assert [each.route_key for each in gateway.invocations] == [
        "$connect",
        "$disconnect",
    ]


def test_an_invocation_is_recorded_with_its_result() -> None:
    gateway = InProcessGateway(
        on_message(lambda _event, _context: {"statusCode": 200, "body": "y"})
    )
    client = gateway.connect()
    gateway.advance(seconds=5)

    client.send("x")

    record = gateway.invocations[-1]
    assert record.function is Function.HANDLER
    assert record.event["body"] == "x"
    assert record.result == {"statusCode": 200, "body": "y"}
    assert record.error is None
    assert record.started_at == START_TIME + 5
    assert record.route_key == "$default"


def test_the_context_has_what_lambda_documents() -> None:
    contexts: list[LambdaContext] = []

    def keep(_event: Any, context: LambdaContext) -> dict[str, int]:
        contexts.append(context)
        return {"statusCode": 200}

    gateway = InProcessGateway(keep)
    gateway.connect()

    [context] = contexts
    assert context.function_name == "handler"
    assert context.function_version == "$LATEST"
    assert context.invoked_function_arn == (
        "arn:aws:lambda:us-east-1:123456789012:function:handler"
    )
    assert context.memory_limit_in_mb == "128"
    assert len(context.aws_request_id) == 36
    assert context.log_group_name == "/aws/lambda/handler"
    assert context.log_stream_name.startswith("2026/01/01/[$LATEST]")
    assert context.identity.cognito_identity_id is None
    assert context.identity.cognito_identity_pool_id is None
    assert context.client_context is None


class Ready:
    """A ready-made application: a router that nothing connects to."""

    needs_connect = False

    def __init__(self) -> None:
        self.router = Router()

    def __call__(self, event: object, context: object) -> object:
        return self.router(event, context)


def test_a_handshake_that_nothing_handles_invokes_nothing() -> None:
    def allow(event: dict[str, Any], _context: object) -> object:
        policy = {"Action": "*", "Effect": "Allow", "Resource": event["methodArn"]}
        return {"principalId": "u", "policyDocument": {"Statement": [policy]}}

    gateway = InProcessGateway(Ready())
    guarded = InProcessGateway(Ready(), authorizer=allow)
    gateway.connect()
    guarded.connect()

    assert gateway.invocations == []
    assert guarded.config.routes == {"$connect", "$disconnect", "$default"}
