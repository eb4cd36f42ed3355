"""Code that must send to a connection that has just been established."""

import math
from typing import Any

import pytest

from tests.support.virtual_time import NOW, VirtualTime
from wspubsub import (
    ConnectEvent,
    Connection,
    DisconnectEvent,
    MemorySubscriptionStore,
    MemoryTopicLog,
    MessageEvent,
    Publisher,
    Response,
    Router,
    StoreError,
    UsageError,
    parse_event,
)
from wspubsub.connections import ConnectionInfo
from wspubsub.eventsources import FirstMessage, StreamHandler
from wspubsub.fanout import StreamFanout
from wspubsub.testing import InProcessGateway, RecordingConnections, message_event


class Late(RecordingConnections):
    """Connections that come up at their time."""

    def __init__(self, time: VirtualTime, up_at: dict[str, float]) -> None:
        super().__init__()
        self.time = time
        self.up_at = up_at

    def get(self, connection_id: str) -> ConnectionInfo:
        if self.time.passed >= self.up_at.get(connection_id, math.inf):
            self.connect(connection_id)
        return super().get(connection_id)


class Stream:
    """A handler that greets, and records of new connections for it."""

    def __init__(self, **up_at: float) -> None:
        self.time = VirtualTime()
        self.connections = Late(self.time, up_at)
        self.greeted: list[str] = []
        self.errors: list[Exception] = []
        self.takes: dict[str, float] = {}
        self.publisher = Publisher(
            MemorySubscriptionStore(),
            self.connections,
            log=MemoryTopicLog(),
            fanout=StreamFanout(),
        )
        self.handler = StreamHandler(
            self.publisher,
            on_ready=self.greet,
            now=self.time.now,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def greet(self, connection: Connection) -> None:
        if self.errors:
            raise self.errors.pop()
        self.time.passed += self.takes.get(connection.id, 0.0)
        self.greeted.append(connection.id)

    def bring(
        self, *connection_ids: str, age: float = 0.0, seconds: float = 29.0
    ) -> list[str]:
        """Return the connections whose records are to come again."""
        records = [recorded(each, NOW - age) for each in connection_ids]
        answer = self.handler({"Records": records}, self.time.context(seconds))
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def recorded(connection_id: str, created_at: float) -> dict[str, Any]:
    return {
        "eventSource": "aws:dynamodb",
        "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": connection_id,
            "ApproximateCreationDateTime": created_at,
            "NewImage": {
                "pk": {"S": f"C#{connection_id}"},
                "sk": {"S": "#"},
                "connected_at": {"N": "1.0"},
                "expires_at": {"N": "1900000000"},
            },
        },
    }


def test_a_connection_is_greeted_once_it_is_established() -> None:
    stream = Stream(a=0.3)

    failed = stream.bring("a")

    assert failed == []
    assert stream.greeted == ["a"]
    assert stream.time.waits == [0.05, 0.1, 0.2]


def test_connections_are_greeted_in_the_order_of_the_stream() -> None:
    stream = Stream(a=0.0, b=0.0, c=0.0)

    stream.bring("c", "a", "b")

    assert stream.greeted == ["c", "a", "b"]
    assert stream.time.waits == []


@pytest.mark.parametrize(
    ("age", "waited"), [(0.0, 3.0), (2.0, 1.0), (2.99, 0.0), (3.0, 0.0), (300.0, 0.0)]
)
def test_nobody_is_waited_for_once_the_handshake_must_be_over(
    age: float, waited: float
) -> None:
    stream = Stream()

    failed = stream.bring(*map(str, range(100)), age=age)

    assert failed == []
    assert stream.greeted == []
    assert waited - 0.5 <= stream.time.passed <= waited
    assert stream.connections.attempts("0") <= 2 + len(stream.time.waits)


def test_an_old_connection_is_asked_about_once() -> None:
    stream = Stream(a=0.0)

    stream.bring("a", "gone", age=60)

    assert stream.greeted == ["a"]
    assert stream.connections.attempts("gone") == 1


@pytest.mark.parametrize(("age", "attempts"), [(2.999, 2), (3.0, 1)])
def test_a_handshake_is_over_after_three_seconds(age: float, attempts: int) -> None:
    stream = Stream()

    assert stream.bring("gone", age=age) == []

    assert stream.connections.attempts("gone") == attempts


def test_an_answer_from_the_handshake_is_not_the_last_after_it() -> None:
    stream = Stream(a=0.0, b=1.0)
    stream.takes["a"] = 10.0

    failed = stream.bring("a", "b", "gone")

    assert failed == []
    assert stream.greeted == ["a", "b"]
    assert stream.connections.attempts("gone") == 2
    assert stream.time.waits == []


def test_a_record_from_the_future_is_waited_for_no_longer() -> None:
    stream = Stream()

    assert stream.bring("a", age=-1e9) == []
    assert 2.5 <= stream.time.passed <= 3


@pytest.mark.parametrize(("seconds", "is_waited_for"), [(5.0, False), (5.1, True)])
def test_without_time_to_wait_the_record_comes_again(
    seconds: float,
    is_waited_for: bool,
) -> None:
    stream = Stream(a=2.0, b=0.0)

    failed = stream.bring("b", "a", seconds=seconds)

    assert failed == ([] if is_waited_for else ["a"])
    assert stream.greeted == (["b", "a"] if is_waited_for else ["b"])
    assert (stream.time.passed > 0) == is_waited_for


def test_a_greeting_that_fails_is_repeated_and_no_other() -> None:
    stream = Stream(a=0.0, b=0.0)
    stream.errors = [RuntimeError("not now")]

    first = stream.bring("a", "b")
    second = stream.bring("a", "b")

    assert (first, second) == (["a"], [])
    assert stream.greeted == ["a", "b"]


def test_whoever_was_greeted_is_not_greeted_again_because_of_another() -> None:
    stream = Stream(a=0.3, b=0.0)
    stream.connections.fail("a", status=403, times=1)

    first = stream.bring("b", "a")
    second = stream.bring("a")

    assert (first, second) == (["a"], [])
    assert stream.greeted == ["b", "a"]


def test_whoever_was_greeted_is_not_greeted_again_with_one_who_is_late() -> None:
    stream = Stream(a=1.0, b=0.0)

    first = stream.bring("a", "b", seconds=5.0)
    second = stream.bring("a", "b")

    assert (first, second) == (["a"], [])
    assert stream.greeted == ["b", "a"]


def application(
    gateway: InProcessGateway, store: MemorySubscriptionStore, failures: list[Exception]
) -> Router:
    publisher = Publisher(store, gateway.connections)
    router = Router()

    def greet(connection: Connection) -> None:
        if failures:
            raise failures.pop()
        publisher.post(connection.id, "welcome")

    @router.connect
    def connect(event: ConnectEvent) -> None:
        store.connect(event.connection)

    @router.disconnect
    def disconnect(event: DisconnectEvent) -> None:
        store.disconnect(event.connection_id)

    @router.default
    def echo(event: MessageEvent) -> None:
        publisher.post(event.connection_id, event.body)

    router.middleware(FirstMessage(greet, store))
    return router


def test_without_a_stream_it_is_called_before_the_first_message() -> None:
    gateway, store = InProcessGateway(), MemorySubscriptionStore()
    gateway.handler = application(gateway, store, [])
    client, other = gateway.connect(), gateway.connect()

    for text in ("one", "two"):
        client.send(text)
    other.send("hi")

    assert [client.receive() for _ in range(3)] == ["welcome", "one", "two"]
    assert [other.receive() for _ in range(2)] == ["welcome", "hi"]


def test_another_environment_of_the_function_does_not_call_it_again() -> None:
    gateway, store = InProcessGateway(), MemorySubscriptionStore()
    gateway.handler = application(gateway, store, [])
    client = gateway.connect()
    client.send("one")

    gateway.handler = application(gateway, store, [])
    client.send("two")

    assert [client.receive() for _ in range(3)] == ["welcome", "one", "two"]


def test_if_it_fails_the_next_message_calls_it_again() -> None:
    gateway = InProcessGateway(raise_errors=False)
    store = MemorySubscriptionStore()
    gateway.handler = application(gateway, store, [RuntimeError("not today")])
    client = gateway.connect()

    client.send("one")
    client.send("two")

    assert "Internal server error" in client.receive()
    assert [client.receive() for _ in range(2)] == ["welcome", "two"]


def test_if_the_store_fails_the_next_message_calls_it_again() -> None:
    failures = ["connection", "mark_ready"]

    class Store(MemorySubscriptionStore):
        def connection(self, connection_id: str) -> Connection | None:
            self.fail("connection")
            return super().connection(connection_id)

        def mark_ready(self, connection_id: str) -> bool:
            self.fail("mark_ready")
            return super().mark_ready(connection_id)

        def fail(self, operation: str) -> None:
            if operation in failures:
                failures.remove(operation)
                raise StoreError(
                    "throttled", operation=operation, code="ThrottlingException"
                )

    gateway, store = InProcessGateway(raise_errors=False), Store()
    gateway.handler = application(gateway, store, [])
    client = gateway.connect()

    for text in ("one", "two", "three"):
        client.send(text)

    assert ["Internal" in client.receive() for _ in range(2)] == [True, True]
    assert [client.receive() for _ in range(2)] == ["welcome", "three"]


def test_who_is_not_recorded_is_not_greeted() -> None:
    gateway, store = InProcessGateway(), MemorySubscriptionStore()
    router = application(gateway, store, [])
    gateway.handler = router
    client = gateway.connect()
    store.disconnect(client.connection_id)

    client.send("one")

    assert client.receive() == "one"


def test_the_memory_of_an_environment_is_bounded() -> None:
    asked: list[str] = []

    class Store(MemorySubscriptionStore):
        def connection(self, connection_id: str) -> Connection | None:
            asked.append(connection_id)
            return None

    first_message = FirstMessage(lambda _: None, Store())
    for number in [*range(10_001), 1, 10_000, 0]:
        event = parse_event(message_event("hi", connection_id=f"c{number}"))
        first_message(event, lambda _: Response())

    assert asked.count("c0") == 2
    assert asked.count("c1") == 1
    assert asked.count("c10000") == 1


def test_a_store_that_cannot_remember_is_refused() -> None:
    class Plain:
        """A store as users may have written it before."""

    with pytest.raises(UsageError, match="Plain cannot remember"):
        FirstMessage(lambda _: None, Plain())  # type: ignore[arg-type] # as said
