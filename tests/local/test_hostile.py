"""Whatever a client sends ends in a clean close, and nobody else notices."""

import asyncio
import json
import struct
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from tests.support.servers.clients import connection_id, manage, say
from tests.support.servers.gateways import DevGateway
from tests.support.servers.raw import HANDSHAKE, RawClient, masked
from wspubsub.local.http11 import HttpConnection
from wspubsub.local.requests import BadRequestError

pytestmark = pytest.mark.integration

TEXT, BINARY, CONTINUATION, CLOSE, PING = 0x1, 0x2, 0x0, 0x8, 0x9
SUBSCRIBE = b'{"type": "subscribe", "topic": "early"}'


@pytest.fixture(autouse=True)
def _everybody_else_is_served(chat: DevGateway) -> Iterator[None]:
    yield
    with chat.client() as client:
        assert say(client, type="subscribe", topic="t")["type"] == "subscribed"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x15\x03\x01 this is no HTTP\r\n\r\n", 400),
        (b"GET /dev HTTP/1.1\r\n\r\n", 400),
        (b"GET /dev HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 50_000, 431),
        (b"GET /dev HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        (b"GET /dev HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET /dev HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n", 403),
        (b"HEAD /dev HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 403),
        (b"POST /dev HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (HANDSHAKE.format(host="evil.example", query="").encode(), 403),
    ],
)
def test_a_request_that_is_none_is_refused(
    chat: DevGateway, sent: bytes, status: int
) -> None:
    with RawClient(chat.port) as client:
        client.send(sent)

        assert client.status() == status


@pytest.mark.parametrize(
    ("replaced", "by", "status"),
    [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 400),
        ("Sec-WebSocket-Key: DM+9PqsQtaZrN+IMZbWTzg==", "X: y", 400),
        ("Connection: Upgrade", "Connection: keep-alive", 426),
        ("HTTP/1.1", "HTTP/1.0", 403),
        ("GET", "PUT", 403),
    ],
)
def test_a_handshake_that_is_none_is_refused(
    chat: DevGateway, replaced: str, by: str, status: int
) -> None:
    handshake = HANDSHAKE.format(host="localhost", query="").replace(replaced, by, 1)

    with RawClient(chat.port) as client:
        client.send(handshake.encode())

        head = client.head()
        assert int(head.split(" ")[1]) == status
        assert ("sec-websocket-version: 13" in head.lower()) == (status != 403)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (bytes([0x80 | TEXT, 2]) + b"hi", 1002),  # not masked
        (masked(0x3, b"?"), 1002),
        (masked(TEXT, b"?", first_bits=0xA0), 1002),  # a reserved bit
        (masked(PING, b"x" * 126), 1002),
        (masked(PING, b"x", first_bits=0), 1002),  # a fragment
        (masked(CONTINUATION, b"of nothing"), 1002),
        (masked(TEXT, b"a", first_bits=0) + masked(TEXT, b"b"), 1002),
        (masked(CLOSE, b"\x03"), 1002),
        (masked(CLOSE, struct.pack("!H", 1006)), 1002),
        (masked(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
        (bytes([0x80 | TEXT, 0xFF]) + struct.pack("!Q", 1 << 30) + b"x" * 1000, 1009),
        (bytes([0x80 | BINARY, 0xFF]) + struct.pack("!Q", 1 << 62), 1009),
    ],
    ids=map(str, count()),  # masks are random
)
def test_a_frame_that_breaks_the_protocol_closes_the_connection(
    chat: DevGateway, frame: bytes, code: int
) -> None:
    with RawClient(chat.port) as client:
        client.upgrade()
        client.send(frame)

        assert client.close_code() == code
        assert client.rest() == b""


def test_a_ping_is_answered_with_its_payload(chat: DevGateway) -> None:
    with RawClient(chat.port) as client:
        client.upgrade()
        client.send(masked(PING, b"are you there") + masked(0xA, b"unasked"))

        assert client.frame() == (0xA, b"are you there")


def test_what_is_sent_before_the_handshake_is_answered_is_not_lost(
    chat: DevGateway,
) -> None:
    with RawClient(chat.port) as client:
        client.upgrade(early=masked(TEXT, SUBSCRIBE))

        assert json.loads(client.frame()[1])["type"] == "subscribed"


def test_a_client_that_leaves_during_its_handshake_is_disconnected(
    probe: DevGateway,
) -> None:
    with RawClient(probe.port) as client:
        handshake = HANDSHAKE.format(host="localhost", query="?left=1")
        client.send(handshake.encode())
        client.reset()

    id_ = connection_id(probe, '"left": "1"')
    line = probe.wait_for(
        lambda each: (
            each["kind"] == "output"
            and id_ in each["line"]
            and '"disconnectStatusCode": 1006' in each["line"]
        )
    )
    assert line


def test_a_client_that_vanishes_is_gone(probe: DevGateway) -> None:
    with RawClient(probe.port) as client:
        client.upgrade("?vanished=1")
        id_ = connection_id(probe, '"vanished": "1"')
        client.reset()

    end = probe.wait_for(
        lambda each: each["kind"] == "closed" and each["connection_id"] == id_
    )
    assert (end["code"], end["by"]) == (1006, "client")
    assert manage(probe, "POST", id_, b"x")[0].status == 410


def test_a_client_that_does_not_read_is_throttled_and_not_buffered_forever(
    probe: DevGateway,
) -> None:
    with RawClient(probe.port, receive_buffer_bytes=4096) as client:
        client.upgrade("?deaf=1")
        id_ = connection_id(probe, '"deaf": "1"')

        answers = (manage(probe, "POST", id_, b"x" * 131_072)[0] for _ in range(200))
        refused = next(answer for answer in answers if answer.status != 200)

        assert refused.status == 429
        assert refused.headers["x-amzn-errortype"] == "LimitExceededException"
        assert manage(probe, "DELETE", id_)[0].status == 204


@pytest.mark.slow
def test_a_client_that_does_not_answer_a_close_frame_is_dropped(
    probe: DevGateway,
) -> None:
    with RawClient(probe.port) as client:
        client.upgrade("?stubborn=1")
        manage(probe, "DELETE", connection_id(probe, '"stubborn": "1"'))

        assert client.close_code() == 1000
        assert client.rest() == b""


def test_a_flood_of_messages_loses_none(probe: DevGateway) -> None:
    with probe.client() as client:
        for number in range(300):
            client.send(json.dumps({"action": "echo", "text": str(number)}))

        answers = {int(client.recv(20)) for _ in range(300)}

    assert answers == set(range(300))


def test_a_request_that_does_not_come_to_its_end_is_not_waited_for() -> None:
    async def slow_loris(*sent: bytes) -> tuple[int, bytes]:
        served: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            connection = HttpConnection(
                reader, writer, max_body_bytes=10, head_seconds=0.05
            )
            try:
                request = await connection.next_request()
                served.set_result(0 if request is None else 200)
            except BadRequestError as error:
                served.set_result(error.status)
            with closing(writer):
                await writer.drain()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname()
            )
            writer.writelines(sent)
            status = await served
            rest = await reader.read()
            writer.close()
        return status, rest

    assert asyncio.run(slow_loris()) == (0, b"")
    assert asyncio.run(slow_loris(b"GET / HT")) == (408, b"")
