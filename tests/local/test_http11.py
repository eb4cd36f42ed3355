"""HTTP on a stream: what is kept of a request, and what is answered."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from typing_extensions import override

from wspubsub.local.http11 import HttpConnection
from wspubsub.local.requests import BadRequestError, HttpRequest


def exchange(
    sent: bytes,
    serve: Callable[[HttpConnection], Coroutine[Any, Any, Any]],
    *,
    max_body_bytes: int = 8,
) -> tuple[Any, bytes]:
    """Return what serving a connection returned, and what its peer received."""

    async def run() -> tuple[Any, bytes]:
        served: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            connection = HttpConnection(reader, writer, max_body_bytes=max_body_bytes)
            try:
                served.set_result(await serve(connection))
            except BadRequestError as error:
                served.set_result(error)
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname()
            )
            writer.write(sent)
            writer.write_eof()
            try:
                received = await reader.read()
            except ConnectionResetError:
                received = b""
            writer.close()
            return await served, received

    return asyncio.run(run())


async def answer_all(connection: HttpConnection) -> list[HttpRequest]:
    requests = []
    while (request := await connection.next_request()) is not None:
        requests.append(request)
        if not await connection.respond(200, {"X-Is": "first"}, request.body):
            break
    return requests


def test_what_came_while_the_machine_slept_came_in_time() -> None:
    async def run() -> HttpRequest | None:
        begun, served = asyncio.Event(), asyncio.Event()
        requests = []

        async def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            connection = HttpConnection(
                reader, writer, max_body_bytes=8, head_seconds=0.05
            )
            begun.set()
            requests.append(await connection.next_request())
            writer.close()
            served.set()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        async with server:
            with socket.create_connection(server.sockets[0].getsockname()) as client:
                await begun.wait()
                client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                # Nothing runs meanwhile: then both are there at once, the request and
                # the end of its time.
                time.sleep(0.1)
                await served.wait()
        return requests[0]

    request = asyncio.run(run())

    assert request is not None
    assert request.path == "/"


def test_requests_follow_each_other_on_a_connection() -> None:
    sent = (
        b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
        b"GET /d HTTP/1.1\r\nHOST: h\r\n\r\n"
        b"HEAD /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    )

    requests, received = exchange(sent, answer_all)

    first, second, third = requests
    assert (first.method, first.path, first.query) == ("POST", "/a", "b=c")
    assert (first.body, first.is_cut) == (b"hi", False)
    assert second.headers == (("HOST", "h"),)
    assert second.header("host") == "h"
    assert third.header("x") is None
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert received.count(b"content-length: 0\r\n") == 2


def test_a_body_is_kept_only_so_far_but_read_to_its_end() -> None:
    sent = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n"

    requests, received = exchange(sent + b"x" * 200_000, answer_all)

    assert (requests[0].body, requests[0].is_cut) == (b"x" * 8, True)
    assert received.endswith(b"\r\n\r\nxxxxxxxx")


def test_a_peer_that_asks_whether_to_go_on_is_told_so() -> None:
    sent = (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )

    _, received = exchange(sent, answer_all)

    assert received.startswith(b"HTTP/1.1 100 ")


def head_of(size: int) -> bytes:
    """A request without a body that has this many bytes."""
    begin, end = b"GET / HTTP/1.1\r\nHost: h\r\nCookie: ", b"\r\n\r\n"
    return begin + b"c" * (size - len(begin) - len(end)) + end


@pytest.mark.parametrize("piece", [1_000_000, 1000, 16_384, 16_385, 19_999])
@pytest.mark.parametrize(
    ("size", "status"), [(16_384, 200), (16_385, 431), (20_000, 431)]
)
def test_a_head_is_too_long_however_the_network_cuts_it(
    size: int, status: int, piece: int
) -> None:
    sent = head_of(size)
    pieces = [sent[i : i + piece] for i in range(0, size, piece)]

    outcome = asyncio.run(read_pieces(pieces))

    assert outcome == status


class _Pieces(asyncio.StreamReader):
    """A network that delivers these pieces, each by itself."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)

    @override
    async def read(self, n: int = -1) -> bytes:
        return next(self._pieces, b"")


async def read_pieces(pieces: list[bytes]) -> int:
    """Return the status with which a request in pieces would be answered."""
    server, client = socket.socketpair()
    with client:
        _, writer = await asyncio.open_connection(sock=server)
        http = HttpConnection(_Pieces(pieces), writer, max_body_bytes=8)
        try:
            await http.next_request()
        except BadRequestError as error:
            return error.status
        finally:
            writer.close()
            await writer.wait_closed()
        return 200


def test_http_1_0_is_answered_once() -> None:
    sent = b"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"

    requests, received = exchange(sent * 2, answer_all)

    assert len(requests) == 1
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close\r\n" in received.lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhi",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_request_that_breaks_off_is_a_bad_one(sent: bytes) -> None:
    error, _ = exchange(sent, answer_all)

    assert isinstance(error, BadRequestError)
    assert error.status == 400


def test_an_endless_body_is_not_read_to_its_end() -> None:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n"

    error, _ = exchange(head + b"x" * 68_000_000, answer_all)

    assert isinstance(error, BadRequestError)
    assert error.status == 413


def test_an_answer_may_be_the_last_one() -> None:
    async def answer_once(connection: HttpConnection) -> bool:
        await connection.next_request()
        return await connection.respond(599, body=b"bye", close=True)

    may_follow, received = exchange(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", answer_once)

    assert may_follow is False
    assert b"connection: close\r\n" in received.lower()
