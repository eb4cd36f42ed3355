"""Many clients that send rubbish: the gateway serves on, and says nothing strange."""

import asyncio
import json
import random
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.servers.clients import SIGNED
from tests.support.servers.gateways import APPS, CREDENTIALS, DevGateway, dev
from tests.support.servers.raw import HANDSHAKE, RawClient, masked

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REQUESTS = 8000
AT_A_TIME = 20
EACH_KIND = 4
MAX_GROWTH_BYTES = 100_000_000

TEXT, BINARY, CONTINUATION, CLOSE, PING = 0x1, 0x2, 0x0, 0x8, 0x9
UPGRADE = HANDSHAKE.format(host="localhost", query="?a=b").encode()
DEFLATE = UPGRADE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
POST_HEAD = (
    b"POST /dev/@connections/AAAAAAAAAAAAAAA%3D HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: " + SIGNED["Authorization"].encode() + b"\r\n"
)
POST = POST_HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"
CHUNKED = (
    POST_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
)
FRAMES = DEFLATE + b"".join(
    masked(opcode, b"x" * size, first_bits=bits)
    for opcode, size, bits in [
        (TEXT, 3, 0), (CONTINUATION, 200, 0x80), (PING, 125, 0x80), (TEXT, 0, 0xC0),
    ]
)  # fmt: skip
SNIPPETS = [
    b"\r\n", b"\n", b"\0", b"\x01", b": ", b",", b"\x7f", b"\xff", b"%", b"#",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n", b"HEAD ",
    b"Connection: close\r\n", b" HTTP/1.0", b"Expect: x\r\n", b"http://", b"\x16\x03",
]  # fmt: skip


@contextmanager
def attacked(chat: DevGateway, folder: Path) -> Iterator[DevGateway]:
    """A gateway that has to complain about nothing, and to keep its size."""
    with (folder / "stderr").open("w+") as complaints:
        with dev(
            f"{APPS / 'probe.py'}:handler",
            *("--two-way", "--environments", "2", "--dynamodb", chat.dynamodb_url),
            environ=CREDENTIALS,
            stderr=complaints,
        ) as gateway:
            serve_somebody(gateway)
            before = resident_bytes(gateway)

            yield gateway

            serve_somebody(gateway)
            assert resident_bytes(gateway) - before < MAX_GROWTH_BYTES
        failed = [each for each in gateway.records if each.get("status") == 500]
        complaints.seek(0)
        assert complaints.read() == ""
        assert not failed


def serve_somebody(gateway: DevGateway) -> None:
    with gateway.client() as client:
        client.send(json.dumps({"action": "echo", "text": "still here"}))
        assert client.recv(60) == "still here"


def resident_bytes(gateway: DevGateway) -> int:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


def test_mutated_requests_are_answered_or_refused(
    chat: DevGateway, tmp_path: Path
) -> None:
    chance = random.Random(13)
    begun = [UPGRADE, POST, CHUNKED, FRAMES, DEFLATE]
    requests = [mutate(chance.choice(begun), chance) for _ in range(REQUESTS)]

    async def send_all(port: int) -> None:
        turns = asyncio.Semaphore(AT_A_TIME)

        async def send(data: bytes) -> None:
            async with turns:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with suppress(OSError):
                    writer.write(data)
                    writer.write_eof()
                    while await reader.read(65_536):
                        pass
                writer.close()

        await asyncio.gather(*map(send, requests))

    with attacked(chat, tmp_path) as gateway:
        asyncio.run(asyncio.wait_for(send_all(gateway.port), 500))


def mutate(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                changed[at:at] = chance.randbytes(chance.randrange(1, 4))
            case 2:
                del changed[at : at + chance.randrange(1, 6)]
            case 3:
                changed[at:at] = changed[at : at + chance.randrange(40)]
            case 4:
                changed[at:at] = chance.choice(SNIPPETS)
            case _:
                del changed[at:]
    return bytes(changed) * chance.choice([1, 1, 2])


def flood(client: RawClient, data: bytes, times: int = 50) -> None:
    """Send as much as the gateway takes, and read nothing."""
    client.socket.settimeout(2)
    with suppress(OSError):
        for _ in range(times):
            client.send(data)


def leave_a_frame_unfinished(client: RawClient) -> None:
    client.upgrade()
    head = bytes([0x80 | TEXT, 0xFF]) + struct.pack("!Q", 131_072) + bytes(4)
    flood(client, head + bytes(100_000), times=1)


def continue_without_end(client: RawClient) -> None:
    client.upgrade()
    client.send(masked(TEXT, b"", first_bits=0))
    flood(client, masked(CONTINUATION, b"", first_bits=0) * 1000)


def ping_without_end(client: RawClient) -> None:
    client.upgrade()
    flood(client, masked(PING, b"x" * 125) * 500)


def talk_without_listening(client: RawClient) -> None:
    client.upgrade()
    order = {"action": "give back", "value": {"statusCode": 200, "body": "x" * 9000}}
    flood(client, masked(TEXT, json.dumps(order).encode()) * 50)


def send_a_bomb(client: RawClient) -> None:
    client.send(DEFLATE)
    assert client.status() == 101
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = press.compress(bytes(20_000_000)) + press.flush(zlib.Z_SYNC_FLUSH)
    client.send(masked(TEXT, data[:-4], first_bits=0xC0))
    assert client.close_code() == 1009


def send_a_head_slowly(client: RawClient) -> None:
    client.send(b"GET /dev HTTP/1.1\r\nHost: localhost\r\n")
    flood(client, b"X-a: b\r\n")


def send_half_a_body(client: RawClient) -> None:
    flood(client, POST_HEAD + b"Content-Length: 90000\r\n\r\n" + bytes(80_000), times=1)


def begin_tls_and_stop(client: RawClient) -> None:
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100))


def vanish(client: RawClient) -> None:
    client.upgrade()
    client.send(masked(TEXT, b"x" * 500)[:-100])
    client.reset()


def say_goodbye_and_stay(client: RawClient) -> None:
    client.upgrade()
    client.send(masked(CLOSE, struct.pack("!H", 1000)))


KINDS: list[Callable[[RawClient], None]] = [
    leave_a_frame_unfinished,
    continue_without_end,
    ping_without_end,
    talk_without_listening,
    send_a_bomb,
    send_a_head_slowly,
    send_half_a_body,
    begin_tls_and_stop,
    vanish,
    say_goodbye_and_stay,
]


def test_hostile_clients_harm_nobody_else(chat: DevGateway, tmp_path: Path) -> None:
    clients = []
    with attacked(chat, tmp_path) as gateway:
        attacks = [
            (kind, RawClient(gateway.port, receive_buffer_bytes=4096))
            for kind in KINDS * EACH_KIND
        ]
        threads = [
            threading.Thread(target=kind, args=(client,)) for kind, client in attacks
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            serve_somebody(gateway)
        for thread in threads:
            thread.join()
        serve_somebody(gateway)  # while they are all still there
        clients = [client for _, client in attacks]
        for client in clients:
            with suppress(OSError):
                client.socket.shutdown(socket.SHUT_RDWR)
            client.socket.close()
    assert len(clients) == 40
