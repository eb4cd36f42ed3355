"""The in-process gateway, as the tests of an application use it."""

import decimal
import logging
from collections.abc import Callable
from typing import Any

import pytest

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    MemorySubscriptionStore,
    MessageEvent,
    Publisher,
    PublishReport,
    Router,
    Unauthorized,
    UsageError,
)
from wspubsub.testing import (
    START_TIME,
    Function,
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    LambdaContext,
    NoMessageError,
)

Handler = Callable[[Any, Any], object]


class Chat:
    """The smallest application, with all that its tests want to look into."""

    def __init__(self, gateway: InProcessGateway) -> None:
        self.store = MemorySubscriptionStore(now=gateway.now)
        self.publisher = Publisher(self.store, gateway.connections)
        self.reports: list[PublishReport] = []
        router = Router()
        router.connect(self.connect)
        router.disconnect(self.disconnect)
        router.route("subscribe")(self.subscribe)
        router.route("publish")(self.publish)
        gateway.handler = router

    def connect(self, event: ConnectEvent) -> None:
        if event.query.get("token") == "bad":
            raise Unauthorized
        self.store.connect(event.connection)

    def disconnect(self, event: DisconnectEvent) -> None:
        self.store.disconnect(event.connection_id)

    def subscribe(self, event: MessageEvent) -> None:
        self.store.subscribe(event.connection_id, event.json()["topic"])

    def publish(self, event: MessageEvent) -> None:
        message = event.json()
        report = self.publisher.publish(
            message["topic"],
            message["data"],
            exclude={event.connection_id},
            timeout_seconds=event.remaining_seconds(),
        )
        self.reports.append(report)


def ok(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200}


def on_message(function: Callable[[Any, LambdaContext], object]) -> Handler:
    """A handler that lets everybody in and calls a function for messages."""

    def handler(event: Any, context: Any) -> object:
        if event["requestContext"]["eventType"] == "MESSAGE":
            return function(event, context)
        return {"statusCode": 200}

    return handler


def subscribe(topic: str) -> dict[str, str]:
    return {"action": "subscribe", "topic": topic}


def publish(topic: str, data: object) -> dict[str, object]:
    return {"action": "publish", "topic": topic, "data": data}


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

    client.send("x")

    [error] = gateway.errors
    assert isinstance(error, UsageError)


def test_an_authorizer_must_be_given_if_the_configuration_has_one() -> None:
    with pytest.raises(UsageError, match="authorizer"):
        InProcessGateway(ok, config=GatewayConfig(has_authorizer=True))


def test_an_error_in_a_handler_is_recorded_and_logged_and_seen_by_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_event: Any, _context: Any) -> None:
        raise KeyError("topic")

    gateway = InProcessGateway(on_message(fail))
    client = gateway.connect()

    with caplog.at_level(logging.ERROR, logger="wspubsub"):
        client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert [repr(error) for error in gateway.errors] == ["KeyError('topic')"]
    assert gateway.invocations[-1].error is gateway.errors[0]
    assert "KeyError: 'topic'" in caplog.text
    with pytest.raises(NoMessageError, match="KeyError"):
        client.receive()


def test_an_error_in_a_handler_can_be_raised_where_the_test_caused_it() -> None:
    def fail(_event: Any, _context: Any) -> None:
        raise KeyError("topic")

    gateway = InProcessGateway(on_message(fail), raise_errors=True)
    client = gateway.connect()

    with pytest.raises(KeyError, match="topic"):
        client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    client.close()
    assert gateway.invocations[-1].route_key == "$disconnect"


def test_a_handler_that_exits_has_failed() -> None:
    def leave(_event: Any, _context: Any) -> None:
        raise SystemExit(3)

    gateway = InProcessGateway(on_message(leave))
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


@pytest.mark.parametrize("value", [{1, 2}, b"x", decimal.Decimal(1), object()])
def test_a_result_that_is_not_json_is_an_error(value: object) -> None:
    gateway = InProcessGateway(
        on_message(lambda _event, _context: {"statusCode": 200, "body": value})
    )
    client = gateway.connect()

    client.send("x")

    assert client.receive_json()["message"] == "Internal server error"
    assert "Unable to marshal response" in str(gateway.errors[0])


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


def test_the_remaining_time_runs_with_the_gateway_s_time() -> None:
    remaining: list[int] = []

    def handler(_event: Any, context: LambdaContext) -> dict[str, int]:
        remaining.append(context.get_remaining_time_in_millis())
        gateway.advance(seconds=1.5)
        remaining.append(context.get_remaining_time_in_millis())
        gateway.advance(seconds=5)
        remaining.append(context.get_remaining_time_in_millis())
        return {"statusCode": 200}

    gateway = InProcessGateway(
        handler,
        config=GatewayConfig(routes={"$default"}, integration_timeout_seconds=5),
    )
    gateway.connect().send("x")

    assert remaining == [5000, 3500, 0]


def test_a_handler_that_hangs_is_answered_for_by_the_gateway() -> None:
    def hang(_event: Any, _context: Any) -> dict[str, Any]:
        gateway.advance(seconds=30)
        return {"statusCode": 200, "body": "too late"}

    gateway = InProcessGateway(
        on_message(hang), config=GatewayConfig(two_way={"$default"})
    )
    client = gateway.connect()

    client.send("x")

    assert client.receive_json()["message"] == "Endpoint request timed out"
    client.expect_nothing()
    assert client.is_open


def test_a_connect_handler_that_hangs_is_504() -> None:
    def hang(_event: Any, _context: Any) -> dict[str, Any]:
        gateway.advance(seconds=29)
        return {"statusCode": 200}

    gateway = InProcessGateway(hang)

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == 504


def test_time_outs_fire_in_order_and_at_their_time() -> None:
    ends: list[tuple[str, float]] = []

    def handler(event: Any, _context: Any) -> dict[str, int]:
        context = event["requestContext"]
        if context["eventType"] == "DISCONNECT":
            ends.append((context["connectionId"], gateway.now() - START_TIME))
        return {"statusCode": 200}

    gateway = InProcessGateway(handler)
    first = gateway.connect()
    gateway.advance(seconds=60)
    second = gateway.connect()
    first.send("x")
    gateway.advance(seconds=1)
    first.send("x")

    gateway.advance(hours=1)

    assert ends == [(second.connection_id, 660.0), (first.connection_id, 661.0)]
    assert gateway.now() == START_TIME + 61 + 3600


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(UsageError, match="backwards"):
        InProcessGateway(ok).advance(seconds=-1)


def test_a_handler_may_close_a_connection_whose_disconnect_then_follows() -> None:
    order: list[str] = []

    def handler(event: Any, _context: Any) -> dict[str, int]:
        route_key = event["requestContext"]["routeKey"]
        order.append(f"{route_key} begins")
        if route_key == "$default":
            gateway.connections.close(event["body"])
        order.append(f"{route_key} ends")
        return {"statusCode": 200}

    gateway = InProcessGateway(
        handler, config=GatewayConfig(routes={"$default", "$disconnect"})
    )
    victim, other = gateway.connect(), gateway.connect()

    other.send(victim.connection_id)

    assert victim.close_code == 1000
    assert order == [
        "$default begins",
        "$default ends",
        "$disconnect begins",
        "$disconnect ends",
    ]


def test_a_handler_that_closes_its_own_connection_gets_no_answer() -> None:
    def close(event: Any, _context: Any) -> dict[str, object]:
        gateway.connections.close(event["requestContext"]["connectionId"])
        return {"statusCode": 200, "body": "too late"}

    gateway = InProcessGateway(
        on_message(close), config=GatewayConfig(two_way={"$default"})
    )
    client = gateway.connect()

    client.send("x")

    client.expect_nothing()
    assert client.close_code == 1000


def test_gateways_with_other_seeds_have_other_connection_ids() -> None:
    ids = [
        InProcessGateway(ok, seed=seed).connect().connection_id for seed in (0, 0, 1)
    ]

    assert ids[0] == ids[1] != ids[2]


def test_the_connections_of_a_gateway_tell_what_it_knows() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect(headers={"User-Agent": "UA"}, source_ip="192.0.2.1")
    gateway.advance(seconds=2.5)
    client.send("x")

    info = gateway.connections.get(client.connection_id)

    assert info.connected_at == START_TIME
    assert info.last_active_at == START_TIME + 2.5
    assert (info.source_ip, info.user_agent) == ("192.0.2.1", "UA")


def test_a_throttled_connection_is_tried_again_in_the_gateway_s_time() -> None:
    gateway = InProcessGateway()
    chat = Chat(gateway)
    reader, writer = gateway.connect(), gateway.connect()
    reader.send(subscribe("news"))
    gateway.connections.throttle(reader.connection_id, times=3)

    writer.send(publish("news", "x"))

    reader.expect("x")
    assert chat.reports == [PublishReport(delivered=1)]
    assert gateway.now() - START_TIME == pytest.approx(0.05 + 0.1 + 0.2)


def test_a_connection_that_stays_throttled_is_reported_and_not_pruned() -> None:
    gateway = InProcessGateway()
    chat = Chat(gateway)
    slow, fast, writer = (gateway.connect() for _ in range(3))
    slow.send(subscribe("news"))
    fast.send(subscribe("news"))
    gateway.connections.throttle(slow.connection_id, times=None)

    writer.send(publish("news", "x"))

    fast.expect("x")
    [report] = chat.reports
    assert report.delivered == 1
    assert report.throttled == {slow.connection_id}
    assert chat.store.topics(slow.connection_id) == {"news"}
    assert gateway.now() - START_TIME < 29


def test_a_connection_that_fails_is_reported_with_the_reason() -> None:
    gateway = InProcessGateway()
    chat = Chat(gateway)
    reader, writer = gateway.connect(), gateway.connect()
    reader.send(subscribe("news"))
    gateway.connections.fail(reader.connection_id, status=500, times=None)

    writer.send(publish("news", "x"))

    assert chat.reports[0].failed == {reader.connection_id: "500"}


def test_another_path_than_the_stage_is_refused() -> None:
    gateway = InProcessGateway(ok, config=GatewayConfig(stage="prod"))

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect(path="/dev")

    assert refused.value.status == 403
    assert refused.value.detail == "clients connect to /prod"
