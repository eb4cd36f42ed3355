"""Positions are checked now and then, which is the sign of life too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.support.client.simulated import Server, VirtualTime, make_client, settle
from wspubsub import Position
from wspubsub.client import DisconnectedError, RefusedError, Subscription
from wspubsub.client.pulse import CHECK_SECONDS, DUPLICATE_SECONDS


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@asynccontextmanager
async def enter(
    server: Server, time: VirtualTime, **options: Any
) -> AsyncIterator[Subscription]:
    async with (
        make_client(server, time) as client,
        client.subscribe("room", **options) as room,
    ):
        yield room


async def take(room: Subscription, count: int) -> list[Any]:
    messages = aiter(room)
    return [(await anext(messages)).data for _ in range(count)]


def positions_asked(server: Server) -> int:
    return len([call for call in server.find_calls("history") if call[3] == 0])


def test_a_message_that_never_came_is_found_after_five_minutes(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time) as room:
            server.topic().publish("one")
            await time.advance(CHECK_SECONDS - 10)
            assert positions_asked(server) == 0

            await time.advance(20)

            assert await take(room, 1) == ["one"]
            assert positions_asked(server) == 1

    asyncio.run(run())


def test_a_machine_that_was_asleep_checks_at_once(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time) as room:
            await time.advance(30)
            server.topic().publish("one")
            time.asleep_seconds = 3600

            await time.advance(5)

            assert await take(room, 1) == ["one"]

    asyncio.run(run())


@pytest.mark.parametrize("topics", [(), ("room",), ("room", "other")])
def test_two_checks_that_nobody_answers_make_the_client_reconnect(
    server: Server, time: VirtualTime, topics: tuple[str, ...]
) -> None:
    server.topic("other")

    async def run() -> None:
        async with make_client(server, time) as client, AsyncExitStack() as stack:
            rooms = [
                await stack.enter_async_context(client.subscribe(topic))
                for topic in topics
            ]
            server.is_silent = True
            server.topic().publish("one")
            await time.advance(CHECK_SECONDS)

            assert len(server.find_calls("reconnect")) == 1
            assert client.state.name == "connected"
            for room in rooms[:1]:
                assert await take(room, 1) == ["one"]

    asyncio.run(run())


def test_one_check_that_nobody_answers_does_not(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time):
            server.failures["history"] = [TimeoutError()]
            await time.advance(CHECK_SECONDS)
            server.failures["history"] = [TimeoutError()]
            await time.advance(CHECK_SECONDS)

            assert positions_asked(server) == 4
            assert server.find_calls("reconnect") == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "error", [RefusedError(103, "permission denied"), DisconnectedError(0, "lost")]
)
def test_an_error_is_an_answer(
    server: Server, time: VirtualTime, error: Exception
) -> None:
    async def run() -> None:
        async with enter(server, time):
            server.failures["history"] = [TimeoutError(), error]
            await time.advance(CHECK_SECONDS)

            assert positions_asked(server) == 2
            assert server.find_calls("reconnect") == []

    asyncio.run(run())


def test_without_a_history_an_unknown_method_is_asked(
    server: Server, time: VirtualTime
) -> None:
    server.topic("chat", epoch="")

    async def run() -> None:
        async with make_client(server, time) as client, client.subscribe("chat"):
            await time.advance(2 * CHECK_SECONDS)

            assert len(server.find_calls("rpc")) == 2
            assert server.find_calls("history") == []

    asyncio.run(run())


def test_without_a_connection_nothing_is_checked(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time):
            assert server.sdk is not None
            server.sdk.cut()
            await time.advance(2 * CHECK_SECONDS)

            assert server.find_calls("history") == []
            assert server.find_calls("rpc") == []

    asyncio.run(run())


def test_a_duplicate_makes_one_check_a_minute(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time):
            server.publish("one")
            server.push(1, 1)
            await time.advance(0)
            assert positions_asked(server) == 1

            server.push(1, 1)
            await time.advance(DUPLICATE_SECONDS - 1)
            assert positions_asked(server) == 1
            await time.advance(1)
            assert positions_asked(server) == 2

    asyncio.run(run())


def test_a_duplicate_that_is_a_new_epoch_is_found(
    server: Server, time: VirtualTime
) -> None:
    losses: list[Any] = []

    async def run() -> None:
        async with enter(server, time, on_lost=losses.append) as room:
            server.publish("one", "two")
            await take(room, 2)
            server.topic().restart("b")
            server.publish("first")
            await time.advance(0)
            server.publish("second")

            assert await take(room, 1) == ["second"]
            assert [each.before for each in losses] == [Position("b", 2)]

    asyncio.run(run())


def test_a_request_that_fails_for_now_is_repeated(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time) as room:
            server.failures["history"] = [
                RefusedError(100, "internal server error", is_temporary=True),
                TimeoutError("no answer in time"),
                DisconnectedError(0, "lost"),
            ]
            server.topic().publish("one", "two")
            server.push(2)
            await time.advance(60)

            assert await take(room, 2) == ["one", "two"]
            assert len(server.find_calls("history")) == 4

    asyncio.run(run())


def test_a_late_message_ends_the_waiting_for_a_retry(
    server: Server, time: VirtualTime
) -> None:
    async def run() -> None:
        async with enter(server, time) as room:
            server.failures["history"] = [TimeoutError("no answer in time")]
            server.topic().publish("one", "two")
            server.push(2)
            await settle()
            server.push(1)
            await time.advance(60)

            assert await take(room, 2) == ["one", "two"]
            assert len(server.find_calls("history")) == 1

    asyncio.run(run())


def test_a_request_in_an_old_epoch_is_given_up(
    server: Server, time: VirtualTime
) -> None:
    losses: list[Any] = []

    async def run() -> None:
        async with enter(server, time, on_lost=losses.append) as room:
            server.publish("one")
            await take(room, 1)
            server.failures["history"] = [TimeoutError("no answer in time")]
            server.topic().publish("two", "three")
            server.push(3, 1)  # a hole, and a duplicate
            server.topic().restart("b")
            server.topic().publish("first")
            await time.advance(60)
            server.publish("second")

            assert await take(room, 1) == ["second"]
            assert [each.before for each in losses] == [Position("b", 2)]

    asyncio.run(run())
