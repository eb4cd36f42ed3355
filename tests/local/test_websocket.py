"""A client's frames as the gateway reads them."""

import asyncio
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.servers.raw import masked
from wspubsub.gateway import DataFrame
from wspubsub.local.apigateway.websocket import (
    TURN_BYTES,
    ConnectionEnd,
    Pinged,
    WebSocketConnection,
)
from wspubsub.local.requests import HttpRequest
from wspubsub.messages import MAX_MESSAGE_BYTES

TEXT, CONTINUATION, CLOSE, PING = 0x1, 0x0, 0x8, 0x9
HANDSHAKE = HttpRequest(
    method="GET",
    path="/dev",
    query="",
    headers=(
        ("Host", "localhost"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "DM+9PqsQtaZrN+IMZbWTzg=="),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ),
    version="1.1",
)


@asynccontextmanager
async def connected(
    *, max_buffer_bytes: int = 1_048_576
) -> AsyncIterator[tuple[WebSocketConnection, socket.socket]]:
    """A connection whose handshake is over, and the client's end of it."""
    server, client = socket.socketpair()
    client.setblocking(False)  # noqa: FBT003 - positional only
    with client:
        reader, writer = await asyncio.open_connection(sock=server)
        connection = WebSocketConnection(
            reader, writer, HANDSHAKE, b"", max_buffer_bytes=max_buffer_bytes
        )
        connection.accept({})
        assert await connection.verdict() is None
        yield connection, client
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def items_of(*frames: bytes) -> list[DataFrame | Pinged | ConnectionEnd]:
    """What becomes of a client's frames."""

    async def run() -> list[DataFrame | Pinged | ConnectionEnd]:
        async with connected() as (connection, client):
            await asyncio.get_running_loop().sock_sendall(client, b"".join(frames))
            return [each async for each in connection.inputs()]

    return asyncio.run(run())


def announced(size: int) -> bytes:
    """The begin of a frame that will be long."""
    return bytes([0x80 | TEXT, 0xFF]) + size.to_bytes(8, "big") + bytes(4)


def inflating_to(size: int) -> bytes:
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = press.compress(b"x" * size) + press.flush(zlib.Z_SYNC_FLUSH)
    return masked(TEXT, data[:-4], first_bits=0xC0)


@pytest.mark.parametrize(
    "frame",
    [announced(MAX_MESSAGE_BYTES + 1), inflating_to(MAX_MESSAGE_BYTES + 1)],
    ids=["announced", "inflated"],
)
def test_no_more_of_a_message_is_read_than_it_may_have(frame: bytes) -> None:
    [end] = items_of(frame)

    assert isinstance(end, ConnectionEnd)
    assert end.code == 1009
    assert str(MAX_MESSAGE_BYTES) in end.fault


def test_what_breaks_the_protocol_ends_the_connection_with_a_reason() -> None:
    first, end = items_of(masked(TEXT, b"fine"), bytes([0x80 | TEXT, 2]) + b"hi")

    assert first == DataFrame(b"fine")
    assert isinstance(end, ConnectionEnd)
    assert (end.code, end.fault) == (1002, "incorrect masking")


def test_a_client_that_closes_is_not_at_fault() -> None:
    assert items_of(masked(CLOSE, b"")) == [ConnectionEnd(None)]


def test_others_have_their_turn_while_a_client_floods() -> None:
    flood = masked(PING, b"") * 20_000
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def run() -> int:
        loop = asyncio.get_running_loop()
        async with connected() as (connection, client):
            sending = loop.create_task(
                loop.sock_sendall(client, flood + masked(CLOSE, b""))
            )
            counting = loop.create_task(count_turns())
            pings = [each async for each in connection.inputs()][:-1]
            counting.cancel()
            sending.cancel()
            return len(pings)

    assert asyncio.run(run()) == 20_000
    assert turns >= len(flood) // TURN_BYTES


def test_a_client_that_reads_nothing_has_its_pings_left_unread() -> None:
    async def run() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        seen = 0
        async with connected(max_buffer_bytes=10_000) as (connection, client):

            async def serve() -> None:
                nonlocal seen
                async for _ in connection.inputs():
                    seen += 1

            serving = loop.create_task(serve())
            sending = loop.create_task(
                loop.sock_sendall(client, masked(PING, b"x" * 125) * 100_000)
            )
            last = -1
            while last != seen:  # until nothing moves any more
                last = seen
                for _ in range(100):
                    await asyncio.sleep(0)
            backlog = connection.backlog_bytes
            serving.cancel()
            sending.cancel()
        return seen, backlog

    seen, backlog = asyncio.run(run())

    assert seen < 50_000
    assert backlog < 10_000 + 2 * TURN_BYTES


def test_nothing_is_written_to_a_client_that_has_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        async with connected() as (connection, client):
            client.close()
            while await connection.drain():
                connection.send("x" * 100_000)
            for _ in range(20):
                connection.send("still there?")
            connection.close(1000)

    asyncio.run(run())

    assert not caplog.records
