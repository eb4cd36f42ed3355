"""A gateway that several threads use, and handlers that run side by side."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from tests.support.chat_apps import ok, on_message
from wspubsub import MessageEvent, Publisher, Router, UsageError
from wspubsub.testing import InProcessGateway, ScriptedStore

SECONDS = 30.0


def run_in_threads(*functions: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(functions)) as threads:
        for each in [threads.submit(function) for function in functions]:
            each.result(timeout=SECONDS)


def echoing() -> InProcessGateway:
    gateway = InProcessGateway()
    router = Router()
    publisher = Publisher(ScriptedStore(), gateway.connections)

    @router.default
    def echo(event: MessageEvent) -> None:
        publisher.post(event.connection_id, event.body)

    gateway.handler = router
    return gateway


def test_whoever_sends_in_a_thread_of_its_own_has_the_answer_at_once() -> None:
    gateway = echoing()
    start = threading.Barrier(4, timeout=SECONDS)

    def talk() -> None:
        client = gateway.connect()
        start.wait()
        for number in range(20):
            client.send(str(number))
            client.expect(str(number))

    run_in_threads(*[talk] * 4)

    assert gateway.connection_count == 4


def test_a_thread_waits_for_the_handler_of_another() -> None:
    runs, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def wait(event: Any, _context: Any) -> dict[str, int]:
        if event["body"] == "first":
            runs.set()
            assert may_end.wait(SECONDS)
        order.append(event["body"])
        return {"statusCode": 200}

    gateway = InProcessGateway(on_message(wait))
    first = gateway.connect()

    def go_second() -> None:
        assert runs.wait(SECONDS)
        with ThreadPoolExecutor(1) as threads:
            client = threads.submit(gateway.connect)
            may_end.set()
            client.result(timeout=SECONDS).send("second")

    run_in_threads(lambda: first.send("first"), go_second)

    assert order == ["first", "second"]


def test_what_threads_of_a_handler_cause_is_run_after_it() -> None:
    gateway = InProcessGateway()
    others: list[str] = []

    def close_all(event: Any, _context: Any) -> dict[str, int]:
        if event["requestContext"]["eventType"] == "MESSAGE":
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(gateway.connections.close, others))
        return {"statusCode": 200}

    gateway.handler = close_all
    client = gateway.connect()
    others += [gateway.connect().connection_id for _ in range(4)]

    client.send("x")

    keys = [each.route_key for each in gateway.invocations]
    assert keys[-5:] == ["$default", *["$disconnect"] * 4]


class Seats:
    """A handler that reads before it writes, as it should not."""

    def __init__(self) -> None:
        self.gateway = InProcessGateway()
        self.store = ScriptedStore(now=self.gateway.now)
        publisher = Publisher(self.store, self.gateway.connections)
        router = Router()

        @router.route("take")
        def take(event: MessageEvent) -> None:
            if not list(self.store.subscribers("seat", consistent=True)):
                self.store.subscribe(event.connection_id, "seat")
                publisher.post(event.connection_id, "yours")

        self.gateway.handler = router

    def play(self, seed: int | None) -> int:
        """Return how many got the seat."""
        clients = [self.gateway.connect() for _ in range(2)]
        if seed is None:
            for client in clients:
                client.send({"action": "take"})
        else:
            with self.gateway.side_by_side(seed=seed):
                for client in clients:
                    client.send({"action": "take"})
                    client.expect_nothing()
        return sum(len(client.receive_all()) for client in clients)


def test_handlers_that_run_side_by_side_show_a_race() -> None:
    winners = [Seats().play(seed) for seed in range(20)]

    assert Seats().play(None) == 1
    assert set(winners) == {1, 2}
    assert winners == [Seats().play(seed) for seed in range(20)]


def test_side_by_side_what_a_handler_causes_is_run_too_and_errors_are_raised() -> None:
    gateway = InProcessGateway()

    def handler(event: Any, _context: Any) -> dict[str, int]:
        if event.get("body") == "close":
            gateway.connections.close(event["requestContext"]["connectionId"])
        if event.get("body") == "fail":
            raise KeyError("x")
        return {"statusCode": 200}

    gateway.handler = handler
    ann, bob = gateway.connect(), gateway.connect()

    def both() -> None:
        with gateway.side_by_side():
            ann.send("close")
            bob.send("fail")

    with pytest.raises(KeyError):
        both()

    assert not ann.is_open
    assert gateway.invocations[-1].route_key == "$disconnect"
    bob.receive()
    bob.send("y")
    assert gateway.invocations[-1].event["body"] == "y"


def test_side_by_side_an_interrupt_ends_the_test() -> None:
    def interrupt(_event: Any, _context: Any) -> None:
        raise KeyboardInterrupt

    gateway = InProcessGateway(on_message(interrupt))
    client = gateway.connect()

    with pytest.raises(KeyboardInterrupt), gateway.side_by_side():
        client.send("x")

    gateway.handler = ok
    client.send("y")
    assert gateway.invocations[-1].event["body"] == "y"


def test_side_by_side_nobody_connects_and_no_block_is_in_another() -> None:
    gateway = InProcessGateway(ok)

    with gateway.side_by_side():
        with pytest.raises(UsageError, match="side by side"):
            gateway.connect()
        with pytest.raises(UsageError, match="side"), gateway.side_by_side():
            pass


@pytest.mark.usefixtures("wspubsub_aws")
def test_handlers_take_turns_at_each_request_of_boto3() -> None:
    def count(seed: int) -> str:
        client = boto3.client("dynamodb")
        key = {"pk": {"S": "counter"}, "sk": {"S": str(seed)}}

        def add(_event: Any, _context: Any) -> dict[str, int]:
            found = client.get_item(TableName="wspubsub", Key=key, ConsistentRead=True)
            number = int(found.get("Item", {}).get("n", {}).get("N", "0"))
            item = {**key, "n": {"N": str(number + 1)}}
            client.put_item(TableName="wspubsub", Item=item)
            return {"statusCode": 200}

        gateway = InProcessGateway(on_message(add))
        clients = [gateway.connect() for _ in range(2)]
        with gateway.side_by_side(seed=seed):
            for each in clients:
                each.send("x")
        found = client.get_item(TableName="wspubsub", Key=key)
        return str(found["Item"]["n"]["N"])

    assert {count(seed) for seed in range(6)} == {"1", "2"}


def test_an_async_test_uses_a_client_as_any_other() -> None:
    async def the_test() -> None:
        client = echoing().connect()
        client.send("x")
        await asyncio.sleep(0)
        client.expect("x")

    asyncio.run(the_test())
