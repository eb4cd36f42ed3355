"""Code that must send to a connection that has just been established."""

import pytest

from wspubsub import (
    ConnectEvent,
    Connection,
    DisconnectEvent,
    MemorySubscriptionStore,
    MessageEvent,
    Publisher,
    Response,
    Router,
    UsageError,
    parse_event,
)
from wspubsub.fanout import FirstMessage
from wspubsub.fanout.ready import Readiness
from wspubsub.testing import InProcessGateway, RecordingConnections, message_event

CONNECTION = Connection(id="a=", connected_at=1.0)


class Slow(RecordingConnections):
    """Connections that come up after API Gateway has been asked so many times."""

    def __init__(self, gone_times: int) -> None:
        super().__init__()
        self.gone_times = gone_times
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.gone_times -= 1
        if self.gone_times == 0:
            self.connect("a=")


def test_it_is_called_once_the_connection_is_established() -> None:
    connections = Slow(3)
    greeted: list[Connection] = []
    readiness = Readiness(greeted.append, connections, sleep=connections.sleep)

    readiness.recorded(CONNECTION)

    assert greeted == [CONNECTION]
    assert connections.waits == [0.05, 0.1, 0.2]


def test_a_connection_that_never_comes_up_is_not_waited_for_long() -> None:
    connections = Slow(1000)
    greeted: list[Connection] = []
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += seconds

    readiness = Readiness(
        greeted.append, connections, clock=lambda: time[0], sleep=sleep
    )
    readiness.recorded(CONNECTION)

    assert greeted == []
    assert time[0] <= 3


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
    for number in [*range(10_001), 0, 10_000]:
        event = parse_event(message_event("hi", connection_id=f"c{number}"))
        first_message(event, lambda _: Response())

    assert asked.count("c0") == 2
    assert asked.count("c10000") == 1


def test_a_store_that_cannot_remember_is_refused() -> None:
    class Plain:
        """A store as users may have written it before."""

    with pytest.raises(UsageError, match="Plain cannot remember"):
        FirstMessage(lambda _: None, Plain())  # type: ignore[arg-type] # as said
