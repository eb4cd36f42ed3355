"""Rules of faults in tests: the same as those of `wspubsub dev`."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.contracts.stores import CREDENTIALS
from wspubsub import Connection, Publisher, Router, StoreError
from wspubsub.errors import ConnectionGoneError, ThrottledError
from wspubsub.testing import (
    Faults,
    HandshakeRefused,
    InProcessGateway,
    MemoryTable,
    RecordingConnections,
    ScriptedStore,
)

ANN, BOB = "AAAAAAAAAAAAAAA=", "BBBBBBBBBBBBBBA="
OK = {"statusCode": 200}


def rule(action: str, service: str = "management", /, **options: Any) -> dict[str, Any]:
    matched = {"operation", "connection", "topic", "route_key"}
    match = {name: options.pop(name) for name in matched & options.keys()}
    return {"match": {"service": service, **match}, "action": action, **options}


@pytest.fixture
def gateway() -> InProcessGateway:
    gateway = InProcessGateway()
    router = Router()

    @router.default
    def echo(event: Any) -> None:
        gateway.connections.post(event.connection_id, event.body.encode())

    gateway.handler = router
    return gateway


def test_a_lost_answer_is_delivered_once_more(gateway: InProcessGateway) -> None:
    client = gateway.connect()
    gateway.faults.set_rules([rule("lose_answer", times=1)])
    began = gateway.now()

    client.send("hello")

    # The caller could not know, and tried again.
    assert [client.receive(), client.receive()] == ["hello", "hello"]
    assert gateway.now() > began


def test_a_lost_request_is_tried_again(gateway: InProcessGateway) -> None:
    client = gateway.connect()
    gateway.faults.set_rules([rule("lose_request", times=1)])

    client.send("hello")

    assert client.receive() == "hello"
    client.expect_nothing()


def test_a_slow_post_takes_the_gateway_s_time(gateway: InProcessGateway) -> None:
    client = gateway.connect()
    gateway.faults.set_rules([rule("slow", seconds=3)])
    began = gateway.now()

    client.send("hello")

    assert client.receive() == "hello"
    assert gateway.now() == began + 3


def test_posts_through_boto3_fail_too() -> None:
    posts: list[str] = []

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        id_ = event["requestContext"]["connectionId"]
        if event["requestContext"]["eventType"] == "MESSAGE":
            try:
                client.post_to_connection(ConnectionId=id_, Data=b"x")
            except (ClientError, ReadTimeoutError) as error:
                posts.append(type(error).__name__)
        return OK

    gateway = InProcessGateway(handler)
    url = f"https://{gateway.config.default_host}/{gateway.config.stage}"
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}),
        **CREDENTIALS,
    )
    someone = gateway.connect()
    gateway.faults.set_rules([rule("gone", times=1), rule("lose_answer", times=1)])

    for _ in range(3):
        someone.send("x")

    assert posts == ["GoneException", "ReadTimeoutError"]
    assert someone.receive_all() == ["x", "x"]


def test_an_authorizer_denies_on_request() -> None:
    def allow(_event: object, _context: object) -> object:
        raise AssertionError("it must not be asked")

    gateway = InProcessGateway(lambda _event, _context: OK, authorizer=allow)
    gateway.faults.set_rules([rule("deny", "authorizer", times=1)])

    with pytest.raises(HandshakeRefused) as refused:
        gateway.connect()

    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("given", "runs", "told", "seconds"),
    [
        (rule("kill", "function", route_key="$default"), 0, "Internal server error", 0),
        (rule("time_out", "function", operation="message"), 1, "timed out", 29),
        (rule("time_out", "function", route_key="$default", seconds=3), 1, "server", 3),
    ],
)
def test_a_function_dies_on_request_and_its_client_is_told(
    given: dict[str, Any], runs: int, told: str, seconds: float
) -> None:
    ran: list[str] = []

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        ran.append(event["requestContext"]["eventType"])
        return OK

    gateway = InProcessGateway(handler)
    client = gateway.connect()
    gateway.faults.set_rules([{**given, "times": 1}])
    began = gateway.now()

    client.send("x")

    assert told in client.receive()
    assert ran.count("MESSAGE") == runs
    assert gateway.now() == began + seconds
    assert gateway.errors == []
    client.send("again")
    assert ran.count("MESSAGE") == runs + 1


def test_a_function_begins_late_on_request() -> None:
    started: list[float] = []
    gateway = InProcessGateway()

    def handler(_event: object, _context: object) -> object:
        started.append(gateway.now())
        return OK

    gateway.handler = handler
    gateway.faults.set_rules([rule("slow", "function", operation="connect", seconds=2)])
    began = gateway.now()

    gateway.connect()

    assert started == [began + 2]


@pytest.mark.parametrize(
    ("action", "error", "is_posted"),
    [
        ("throttle", ThrottledError, False),
        ("gone", ConnectionGoneError, False),
        ("lose_answer", None, True),
    ],
)
def test_the_double_of_the_management_api_obeys_the_same_rules(
    action: str, error: type[Exception] | None, *, is_posted: bool
) -> None:
    faults = Faults([rule(action, connection=ANN)])
    connections = RecordingConnections({ANN, BOB}, faults=faults)

    with pytest.raises(error or Exception):
        connections.post(ANN, b"x")
    connections.post(BOB, b"y")

    assert bool(connections.messages(ANN)) is is_posted
    assert connections.messages(BOB) == [b"y"]


@pytest.mark.parametrize(
    ("given", "code", "is_done"),
    [
        (rule("throttle", "dynamodb"), "ProvisionedThroughputExceededException", False),
        (
            rule("throttle", "dynamodb", code="ThrottlingException"),
            "ThrottlingException",
            False,
        ),
        (rule("fail", "dynamodb", operation="subscribe"), "InternalServerError", False),
        (rule("lose_answer", "dynamodb", topic="news"), "EndpointConnectionErr", True),
        (
            rule("lose_request", "dynamodb", connection=ANN),
            "EndpointConnectionErr",
            False,
        ),
    ],
)
def test_a_store_in_memory_obeys_the_rules_of_dynamodb(
    given: dict[str, Any], code: str, *, is_done: bool
) -> None:
    store = ScriptedStore(faults=Faults([{**given, "times": 1}]))

    with pytest.raises(StoreError) as failed:
        store.subscribe(ANN, "news")

    assert failed.value.code.startswith(code)
    assert (store.topics(ANN) == {"news"}) is is_done


def test_a_slow_store_takes_the_gateway_s_time(gateway: InProcessGateway) -> None:
    table = MemoryTable(now=gateway.now, faults=gateway.faults)
    gateway.faults.set_rules(
        [
            rule("slow", "dynamodb", seconds=2, operation="connect"),
            rule("slow", "dynamodb", seconds=3, operation="append", topic="news"),
        ]
    )
    began = gateway.now()

    table.store.connect(Connection(id=ANN, connected_at=0))
    table.log.append("news", b"x")
    table.log.append("other", b"x")

    assert gateway.now() == began + 5


def test_one_set_of_rules_is_for_the_gateway_and_its_store(
    wspubsub_gateway: InProcessGateway, wspubsub_store: ScriptedStore
) -> None:
    gateway, store = wspubsub_gateway, wspubsub_store
    publisher = Publisher(store, gateway.connections)
    gateway.handler = lambda _event, _context: OK
    client = gateway.connect()
    store.subscribe(client.connection_id, "news")
    gateway.faults.set_rules(
        [rule("fail", "dynamodb", times=1), rule("fail", topic="news")]
    )

    with pytest.raises(StoreError):
        publisher.publish("news", {"topic": "news"})
    report = publisher.publish("news", {"topic": "news"})

    assert report.failed.keys() == {client.connection_id}
    hits = [each["hits"] for each in gateway.faults.to_json()]
    assert hits[0] == 1
    assert hits[1] > 1
