"""A handler that fails fails the test, unless the test expects it."""

from typing import Any

import pytest

from tests.support.chat_apps import ok, on_message
from wspubsub import MemoryMemberStore
from wspubsub.pubsub import PubSub, RpcRequest, User
from wspubsub.testing import (
    HandshakeRefused,
    InProcessGateway,
    MemoryQueue,
    NoErrorError,
)


@pytest.fixture
def gateway() -> InProcessGateway:
    def fail(event: Any, _context: Any) -> None:
        raise KeyError(event["body"])

    return InProcessGateway(on_message(fail))


def test_an_error_that_is_expected_is_what_the_client_sees(
    gateway: InProcessGateway,
) -> None:
    client = gateway.connect()

    with gateway.expect_error(KeyError, match="topic"):
        client.send("topic")

    assert client.receive_json()["message"] == "Internal server error"


@pytest.mark.parametrize(
    ("kind", "match"), [(ValueError, ""), (KeyError, "another topic")]
)
def test_another_error_than_the_expected_one_is_raised(
    gateway: InProcessGateway, kind: type[Exception], match: str
) -> None:
    client = gateway.connect()

    with (
        pytest.raises(NoErrorError) as missed,
        gateway.expect_error(kind, match=match),
        pytest.raises(KeyError),
    ):
        client.send("topic")

    assert kind.__name__ in str(missed.value)
    assert match in str(missed.value)


def test_an_error_that_does_not_come_fails_the_test() -> None:
    gateway = InProcessGateway(ok)
    client = gateway.connect()

    with (
        pytest.raises(AssertionError, match="no handler failed with a KeyError"),
        gateway.expect_error(KeyError),
    ):
        client.send("x")


def test_after_the_block_errors_are_raised_again(gateway: InProcessGateway) -> None:
    client = gateway.connect()
    with gateway.expect_error():
        client.send("x")

    with pytest.raises(KeyError):
        client.send("y")

    assert [repr(each) for each in gateway.errors] == ["KeyError('x')", "KeyError('y')"]


def test_an_error_of_connect_is_raised_instead_of_the_refusal() -> None:
    gateway = InProcessGateway(lambda _event, _context: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        gateway.connect()
    with gateway.expect_error(ZeroDivisionError), pytest.raises(HandshakeRefused):
        gateway.connect()

    assert gateway.connection_count == 0


def test_a_rule_that_fails_fails_the_test_although_the_client_gets_an_answer() -> None:
    gateway = InProcessGateway()
    pubsub = PubSub(MemoryMemberStore(now=gateway.now), gateway.connections)
    pubsub.connect(lambda _request: User("ada"))

    @pubsub.rpc("divide")
    def divide(request: RpcRequest) -> object:
        (number,) = request.fields(number=int)
        return 1 / number

    gateway.handler = pubsub
    client = gateway.connect()
    client.send({"id": 1, "connect": {}})
    client.receive_all()

    with pytest.raises(ZeroDivisionError):
        client.send({"id": 2, "rpc": {"method": "divide", "data": {"number": 0}}})
    assert client.receive_json()["error"]["code"] == 100
    with gateway.expect_error(ZeroDivisionError):
        client.send({"id": 3, "rpc": {"method": "divide", "data": {"number": 0}}})

    assert client.receive_all_json()[0]["id"] == 3


def test_an_error_of_a_batch_is_raised_where_it_was_delivered() -> None:
    gateway = InProcessGateway(ok)
    queue = MemoryQueue(now=gateway.now)
    batches: list[Any] = []

    def handle(event: Any, _context: Any) -> None:
        batches.append(event)
        if len(batches) == 1:
            raise OSError("down")

    gateway.add_event_source(queue.source, handle)
    queue.send_message(QueueUrl=queue.url, MessageBody="x")

    with pytest.raises(OSError, match="down"):
        gateway.run_event_sources()
    gateway.advance(minutes=5)

    assert len(batches) == 2


def test_an_authorizer_that_refuses_has_not_failed() -> None:
    def authorize(_event: Any, _context: Any) -> None:
        raise RuntimeError("Unauthorized")

    gateway = InProcessGateway(ok, authorizer=authorize)

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == 401
    assert gateway.errors == []
