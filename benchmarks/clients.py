"""Clients of a gateway, on plain sockets, so that they take little of the machine.

They offer what they are told to, check only what they need, and mask with zeros, which
RFC 6455 allows in form and nobody but a benchmark should do.
"""

import selectors
import socket
import time
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from benchmarks.errors import BenchmarkError

ANSWER_SECONDS = 10.0
DEFLATE = "permessage-deflate"
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_MASK = b"\0\0\0\0"
_CLOSE = b"\x88\x82" + _MASK + b"\x03\xe8"
_COMPRESSED, _TEXT, _MASKED = 0x40, 0x81, 0x80
_SHORT, _MEDIUM = 126, 127
_CHUNK = 65_536


class BenchmarkClient:
    """A WebSocket connection.

    Args:
        url: The gateway's.
        extension: What it offers; empty for none.

    Raises:
        BenchmarkError: The handshake is refused.
        OSError: Nobody listens.
    """

    def __init__(self, url: str, extension: str = "") -> None:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or 80
        self.socket = socket.create_connection((host, port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._inflate = zlib.decompressobj(wbits=-15)
        self._deflate = zlib.compressobj(wbits=-15) if extension else None
        try:
            self._shake_hands(f"{host}:{port}", address.path or "/", extension)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, text: str) -> None:
        """Send a message in one frame, compressed if that was agreed."""
        data = text.encode()
        first = _TEXT
        if self._deflate is not None:
            first |= _COMPRESSED
            data = self._deflate.compress(data)
            data += self._deflate.flush(zlib.Z_SYNC_FLUSH)
            data = data[:-4]
        if len(data) < _SHORT:
            head = bytes((first, _MASKED | len(data)))
        else:
            head = bytes((first, _MASKED | _SHORT)) + len(data).to_bytes(2)
        self.socket.sendall(head + _MASK + data)

    def receive(self) -> str:
        """Wait for the next message and return it."""
        while True:
            messages = self.take_messages()
            if messages:
                return messages[0]
            self.read()

    def read(self) -> None:
        """Read what has arrived."""
        data = self.socket.recv(_CHUNK)
        if not data:
            raise BenchmarkError("the gateway closed a connection")
        self._received += data

    def take_messages(self) -> list[str]:
        """Return the complete messages of what has been read, each of one frame."""
        messages = []
        while len(self._received) > 1:
            first, size = self._received[:2]
            start = 2
            if size == _SHORT:
                size, start = int.from_bytes(self._received[2:4]), 4
            elif size == _MEDIUM:
                raise BenchmarkError("a frame is longer than API Gateway's")
            if len(self._received) < start + size:
                break
            data = self._received[start : start + size]
            self._received = self._received[start + size :]
            if first & _COMPRESSED:
                data = self._inflate.decompress(data + b"\0\0\xff\xff")
            if first & ~_COMPRESSED != _TEXT:
                raise BenchmarkError(f"the gateway sent a frame {first:#x}, {data!r}")
            messages.append(data.decode())
        return messages

    def close(self) -> None:
        """Say that it leaves, and leave."""
        with suppress(OSError):
            self.socket.sendall(_CLOSE)
        self.socket.close()

    def _shake_hands(self, host: str, path: str, extension: str) -> None:
        offer = f"Sec-WebSocket-Extensions: {extension}\r\n" if extension else ""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n{offer}"
            f"Sec-WebSocket-Key: {_KEY}\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._received:
            self.read()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise BenchmarkError(f"the handshake was answered with {head!r}")
        if DEFLATE.encode() not in head.lower():
            self._deflate = None


def count_answers(clients: list[BenchmarkClient], text: str, seconds: float) -> int:
    """Return how many messages were answered: each client sends one after another."""
    answers = 0
    end = time.perf_counter() + seconds
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.send(text)
        waiting = len(clients)
        while waiting:
            for client in _wait(selector):
                client.read()
                for _ in client.take_messages():
                    answers += 1
                    if time.perf_counter() < end:
                        client.send(text)
                    else:
                        waiting -= 1
    return answers


def count_arrivals(
    clients: Iterable[BenchmarkClient], text: str, wanted: int, seconds: float
) -> int:
    """Return how many clients have received a text, at the latest after a time."""
    arrived = 0
    end = time.perf_counter() + seconds
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while arrived < wanted and (left := end - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                client = key.data
                client.read()
                arrived += client.take_messages().count(text)
    return arrived


def _wait(selector: selectors.BaseSelector) -> list[BenchmarkClient]:
    found = selector.select(ANSWER_SECONDS)
    if not found:
        raise BenchmarkError("the gateway does not answer")
    return [key.data for key, _ in found]


def count_handshakes(url: str, clients: int, seconds: float) -> int:
    """Return how many handshakes clients can make, each one after another."""
    end = time.perf_counter() + seconds

    def come_and_go(_: int) -> int:
        handshakes = 0
        while time.perf_counter() < end:
            with BenchmarkClient(url):
                handshakes += 1
        return handshakes

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(come_and_go, range(clients)))
