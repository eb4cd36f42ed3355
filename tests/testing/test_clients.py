"""The client of the in-process gateway."""

from typing import Any

import pytest

from wspubsub import UsageError
from wspubsub.testing import (
    ClientClosedError,
    DataFrame,
    GatewayConfig,
    InProcessGateway,
    NoMessageError,
    TestClient,
    UnexpectedMessageError,
)


def echo(event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": event.get("body", "")}


@pytest.fixture
def gateway() -> InProcessGateway:
    return InProcessGateway(echo, config=GatewayConfig(two_way={"$default"}))


@pytest.fixture
def client(gateway: InProcessGateway) -> TestClient:
    return gateway.connect()


def test_text_is_sent_as_it_is_and_all_else_as_json(client: TestClient) -> None:
    for data in ("text", {"a": [1]}, 5, None):
        client.send(data)

    assert client.receive_all() == ["text", '{"a": [1]}', "5", "null"]


def test_messages_are_received_in_order(client: TestClient) -> None:
    client.send("first")
    client.send({"n": 2})

    first, second = client.receive(), client.receive_json()

    assert (first, second) == ("first", {"n": 2})


def test_expect_compares_text_with_the_message_and_data_with_its_value(
    client: TestClient,
) -> None:
    for message in ("hello", '{"a":1}', '{"a":1}', "5"):
        client.send(message)

    client.expect("hello")
    client.expect('{"a":1}')
    client.expect({"a": 1})
    client.expect(5)
    client.expect_nothing()


@pytest.mark.parametrize(
    ("message", "expected"),
    [("hello", "hallo"), ('{"a":1}', {"a": 2}), ("5", "6"), ("not json", {"a": 1})],
)
def test_expect_fails_on_another_message(
    client: TestClient, message: str, expected: object
) -> None:
    client.send(message)

    with pytest.raises(
        UnexpectedMessageError, match=r"expected .* received"
    ) as failure:
        client.expect(expected)

    assert isinstance(failure.value, AssertionError)


def test_receiving_fails_if_nothing_has_come(client: TestClient) -> None:
    with pytest.raises(NoMessageError, match=r"no message has arrived$") as failure:
        client.receive()

    assert isinstance(failure.value, AssertionError)


def test_receiving_fails_if_the_connection_has_ended(client: TestClient) -> None:
    client.close()

    with pytest.raises(NoMessageError, match="closed with 1005"):
        client.receive()


def test_expect_nothing_fails_if_something_has_come(client: TestClient) -> None:
    client.send("x")

    with pytest.raises(UnexpectedMessageError, match="received 'x'"):
        client.expect_nothing()


def test_fragments_may_be_text_bytes_or_frames(client: TestClient) -> None:
    client.send_frames(["a", b"b", DataFrame(b"c", is_text=None)])

    client.expect("abc")


def test_nothing_is_sent_after_the_connection_has_ended(client: TestClient) -> None:
    client.send(b"binary")

    with pytest.raises(ClientClosedError, match="1003") as closed:
        client.send("x")

    assert closed.value.code == 1003


def test_fragments_stop_where_the_gateway_closes(
    gateway: InProcessGateway, client: TestClient
) -> None:
    fragments = ["x" * 32_768] * 5

    client.send_frames(fragments)
    with pytest.raises(ClientClosedError):
        client.send_frames(["a", "b"])

    assert client.close_code == 1009
    assert not gateway.is_open(client.connection_id)


@pytest.mark.parametrize(
    ("code", "reason", "seen"),
    [(None, "", 1005), (1000, "", 1000), (4999, "signed out", 4999)],
)
def test_a_client_may_close_with_or_without_a_code(
    gateway: InProcessGateway,
    client: TestClient,
    code: int | None,
    reason: str,
    seen: int,
) -> None:
    client.close(code, reason)

    assert (client.close_code, client.close_reason) == (seen, reason)
    assert not client.is_open
    context = gateway.invocations[-1].event["requestContext"]
    assert context["disconnectStatusCode"] == seen


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1005, ""),
        (1006, ""),
        (1015, ""),
        (999, ""),
        (5000, ""),
        (None, "x"),
        (1000, "x" * 124),
    ],
)
def test_a_close_that_no_client_can_send_is_a_usage_error(
    client: TestClient, code: int | None, reason: str
) -> None:
    with pytest.raises(UsageError):
        client.close(code, reason)

    assert client.is_open


def test_the_first_end_of_a_connection_stays(
    gateway: InProcessGateway, client: TestClient
) -> None:
    client.kill()

    client.close(1000)
    client.kill()

    assert client.close_code == 1006
    assert [each.route_key for each in gateway.invocations] == [
        "$connect",
        "$disconnect",
    ]


def test_what_is_sent_to_a_vanished_client_is_lost() -> None:
    config = GatewayConfig(network_loss_found_when_idle=True)
    gateway = InProcessGateway(echo, config=config)
    client = gateway.connect()
    client.kill()

    gateway.connections.post(client.connection_id, b"x")

    client.expect_nothing()
    assert gateway.is_open(client.connection_id)


def test_an_answer_to_a_client_that_closed_meanwhile_is_lost() -> None:
    def leave(event: Any, _context: Any) -> dict[str, Any]:
        if "body" in event:
            leaving.close()
        return {"statusCode": 200, "body": "x"}

    gateway = InProcessGateway(leave, config=GatewayConfig(two_way={"$default"}))
    leaving = gateway.connect()

    leaving.send("x")

    leaving.expect_nothing()
    assert leaving.close_code == 1005


def test_a_client_closes_at_the_end_of_its_block(gateway: InProcessGateway) -> None:
    with gateway.connect() as client:
        is_open = client.is_open

    assert is_open
    assert client.close_code == 1005


def test_a_client_that_is_closed_already_is_left_as_it_is(
    gateway: InProcessGateway,
) -> None:
    with gateway.connect() as client:
        client.close(4000)

    assert client.close_code == 4000


def test_a_client_tells_its_state_in_its_repr(client: TestClient) -> None:
    before = repr(client)
    client.close(4000)

    assert before == f"<TestClient {client.connection_id} open>"
    assert repr(client) == f"<TestClient {client.connection_id} closed with 4000>"
