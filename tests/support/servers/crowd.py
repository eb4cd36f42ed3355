"""A Management API for thousands of connections, in a process of its own.

It answers each post after a round trip: 200, or 429 for a client that never reads, or
not at all for one that is silent, by how the connection's ID begins.
"""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

ROUND_TRIP_SECONDS = 0.01
STAGE = "prod"

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_TOO_SLOW = (
    b"HTTP/1.1 429 Too Many Requests\r\n"
    b"x-amzn-errortype: LimitExceededException\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class _Client(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, rest = self._received.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            if len(rest) < length:
                return
            self._received = rest[length:]
            self._answer(head.split()[1].rpartition(b"/")[2])

    def _answer(self, connection_id: bytes) -> None:
        if connection_id.startswith(b"silent"):
            return
        answer = _TOO_SLOW if connection_id.startswith(b"slow") else _OK
        asyncio.get_running_loop().call_later(
            ROUND_TRIP_SECONDS, self._transport.write, answer
        )


async def _serve(port: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Client, "127.0.0.1", 0, backlog=1_000)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(port: Connection) -> None:
    asyncio.run(_serve(port))


@contextmanager
def crowd_server() -> Iterator[str]:
    """Serve until the block ends, and yield the URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/{STAGE}"
    finally:
        process.kill()
        process.join()
        process.close()
