"""What a client asks for, and what it is told of its connection."""

import asyncio
import json
import math
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.support.client.simulated import (
    ANN,
    Server,
    make_client,
    settle,
)
from wspubsub import MessageTooLargeError, Position, UsageError
from wspubsub.client import (
    Client,
    ConnectionState,
    DisconnectedError,
    PresenceStats,
    RefusedError,
    connect,
)
from wspubsub.client.centrifuge_sdk import CentrifugeSdk
from wspubsub.client.hub import Hub

SIZES = json.loads((Path(__file__).parent / "vectors" / "sizes.json").read_text())


def test_a_loop_may_await_its_client(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.subscribe("room") as room:
            await client.publish("room", 1)
            async for message in room:  # pragma: no branch - it ends inside
                assert await client.rpc("echo", message.data) == message.data
                assert await client.presence("room") == {"1": ANN}
                stats = await client.presence_stats("room")
                assert stats == PresenceStats(clients=1, users=1)
                if message.data == 3:
                    break
                await client.publish("room", message.data + 1)

            page = await client.history("room", since=Position("a", 1), limit=1)
            assert [(each.data, each.position) for each in page.messages] == [
                (2, Position("a", 2))
            ]
            assert page.position == Position("a", 3)

    asyncio.run(run())


def test_a_refusal_is_an_error(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            with pytest.raises(RefusedError, match="method not found") as error:
                await client.rpc("unknown")
            assert error.value.code == 104
            assert not error.value.is_temporary

    asyncio.run(run())


def test_who_comes_and_goes_is_told(server: Server) -> None:
    seen: list[Any] = []

    async def run() -> None:
        async with (
            make_client(server) as client,
            client.subscribe(
                "room",
                on_join=lambda info: seen.append(("join", info.user)),
                on_leave=lambda info: seen.append(("leave", info.user)),
            ),
            client.subscribe("other"),
        ):
            for topic in ("room", "other"):
                server.listeners[topic].on_join(ANN)
                server.listeners[topic].on_leave(ANN)

    server.topic("other")
    asyncio.run(run())

    assert seen == [("join", "ann"), ("leave", "ann")]


def test_the_state_of_the_connection_is_told(server: Server) -> None:
    states: list[ConnectionState] = []

    async def run() -> None:
        async with make_client(server, on_state=states.append) as client:
            assert server.sdk is not None
            server.sdk.cut()
            assert client.state.name == "connecting"
            server.sdk.mend()

    asyncio.run(run())

    names = [each.name for each in states]
    assert names == ["connecting", "connected"] * 2 + ["disconnected"]


def test_a_callback_that_raises_is_reported_and_disturbs_nobody(
    server: Server,
) -> None:
    reports: list[Any] = []

    def fail(_: object) -> None:
        raise ZeroDivisionError

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reports.append(context))
        async with make_client(server, on_state=fail) as client:
            assert client.state.name == "connected"

    asyncio.run(run())

    assert {type(each["exception"]) for each in reports} == {ZeroDivisionError}


def test_a_server_that_is_not_there_is_reported_in_time(server: Server) -> None:
    async def run() -> None:
        server.is_down = True
        with pytest.raises(TimeoutError, match="nobody listens"):
            await make_client(server, open_timeout_seconds=0.01).__aenter__()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_a_connection_that_is_refused_is_reported(server: Server) -> None:
    async def run() -> None:
        server.is_down = True
        client = make_client(server)
        entering = asyncio.create_task(client.__aenter__())
        await settle()
        assert server.sdk is not None
        server.sdk.send_away(101, "unauthorized")
        with pytest.raises(DisconnectedError, match=r"unauthorized \(101\)"):
            await entering
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_a_client_is_used_once(server: Server) -> None:
    async def run(client: Client) -> None:
        async with client:
            assert client.state.name == "connected"
        with pytest.raises(UsageError, match="make another one"):
            await client.__aenter__()

    asyncio.run(run(make_client(server)))


def steps() -> list[tuple[str, int, str]]:
    calls, outcomes = SIZES["steps"][::2], SIZES["steps"][1::2]
    return [
        (call["call"], call["bytes"], *outcome["expect"][0])
        for call, outcome in zip(calls, outcomes, strict=True)
    ]


@pytest.mark.parametrize(("call", "size", "outcome"), steps())
def test_a_command_that_would_end_the_connection_is_refused(
    server: Server, call: str, size: int, outcome: str
) -> None:
    data = "x" * (size - 2)

    async def run() -> str:
        async with make_client(server) as client:
            try:
                if call == "subscribe":
                    await client.subscribe("room", data=data).__aenter__()
                else:
                    name = {"publish": "room", "rpc": "echo"}[call]
                    await getattr(client, call)(name, data)
            except MessageTooLargeError:
                return "refused"
            return "sent"

    assert asyncio.run(run()) == outcome
    assert bool(server.find_calls(call)) == (outcome == "sent")


@pytest.mark.parametrize("data", [b"bytes", math.nan, {1, 2}])
def test_what_is_not_json_is_refused(server: Server, data: object) -> None:
    async def run() -> None:
        async with make_client(server) as client:
            with pytest.raises(UsageError, match="JSON"):
                await client.publish("room", data)

    asyncio.run(run())


def test_what_cannot_be_subscribed_to_is_refused(server: Server) -> None:
    client = make_client(server)

    with pytest.raises(UsageError, match="must have a name"):
        client.subscribe("")
    with pytest.raises(UsageError, match="queue_size"):
        client.subscribe("room", queue_size=0)


def test_what_cannot_be_connected_to_is_refused() -> None:
    with pytest.raises(UsageError, match="wss://"):
        connect("https://example.com")
    with pytest.raises(MessageTooLargeError):
        connect("wss://example.com", data="x" * 32_000)


def test_what_was_never_subscribed_may_be_unsubscribed() -> None:
    hub = Hub(lambda listener: CentrifugeSdk("ws://127.0.0.1:9", listener))

    asyncio.run(hub.sdk.unsubscribe("room"))

    assert hub.state.name == "disconnected"


def test_a_url_without_tls_takes_no_settings_for_it() -> None:
    with pytest.raises(UsageError, match="wss://"):
        connect("ws://127.0.0.1:9", ssl_context=ssl.create_default_context())


def test_a_topic_that_the_server_chooses_is_listened_to(server: Server) -> None:
    async def run() -> None:
        async with make_client(server) as client, client.listen("room") as room:
            server.publish("one")

            assert (await anext(aiter(room))).data == "one"
            assert server.find_calls("listen") == [("listen", "room")]
            assert server.find_calls("subscribe") == []

    asyncio.run(run())
