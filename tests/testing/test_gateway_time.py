"""The in-process gateway: its time, its faults, and handlers that fail."""

from typing import Any

import pytest

from tests.support.chat_apps import Chat, ok, on_message, publish, subscribe
from wspubsub import (
    PublishReport,
    UsageError,
)
from wspubsub.testing import (
    START_TIME,
    GatewayConfig,
    HandshakeRefused,
    InProcessGateway,
    LambdaContext,
)


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
    with pytest.raises(UsageError, match="cannot go back in time by 1 s"):
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
    gateway.connections.throttle(reader.connection_id, times=2)

    writer.send(publish("news", "x"))

    reader.expect("x")
    assert chat.reports == [PublishReport(delivered=1)]
    assert gateway.now() - START_TIME == pytest.approx(0.2 + 1.0, abs=0.01)


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
