"""A WebSocket client that can misbehave: it sends whatever bytes it is told to."""

import os
import socket
import struct
import time
from types import TracebackType
from typing import Self

from wspubsub.gateway.times import iso_8601

HANDSHAKE = (
    "GET /dev{query} HTTP/1.1\r\n"
    "Host: {host}\r\n"
    "Connection: Upgrade\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Key: DM+9PqsQtaZrN+IMZbWTzg==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n"
)


def handshake(replaced: str = "", by: str = "", *, host: str = "localhost") -> bytes:
    """Return a handshake with the first occurrence of a text replaced by another."""
    text = HANDSHAKE.format(host=host, query="")
    return text.replace(replaced, by, 1).encode("latin-1")


class RawClient:
    """A TCP connection to a gateway.

    Args:
        port: The gateway's port.
        receive_buffer_bytes: How much the system may receive ahead; None for its
            default.

    Attributes:
        socket: The connection.
        opened_at: When it was opened, as the log of a gateway writes times.
    """

    def __init__(self, port: int, *, receive_buffer_bytes: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes
            )
        self.socket.settimeout(10)
        self.opened_at = iso_8601(time.time())
        self.socket.connect(("127.0.0.1", port))
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def upgrade(self, query: str = "", *, early: bytes = b"") -> None:
        """Make the handshake, sending more right behind it."""
        self.send(HANDSHAKE.format(host="localhost", query=query).encode() + early)
        assert self.status() == 101

    def status(self) -> int:
        """Return the status of the HTTP response."""
        return int(self.head().split(" ")[1])

    def head(self) -> str:
        """Return the head of the HTTP response."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head.decode()

    def rest(self) -> bytes:
        """Return all that is sent until the gateway closes."""
        while data := self.socket.recv(65_536):
            self._received += data
        return self._received

    def frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame, which must be short."""
        while len(self._received) < 4 or len(self._received) < self._frame_size():
            self._receive()
        size = self._frame_size()
        frame, self._received = self._received[:size], self._received[size:]
        return frame[0] & 0x0F, frame[4 if frame[1] & 0x7F == 126 else 2 :]

    def close_code(self) -> int:
        """Return the code of the close frame that comes next."""
        opcode, payload = self.frame()
        assert opcode == 8
        return int(struct.unpack("!H", payload[:2])[0])

    def reset(self) -> None:
        """Vanish: the gateway gets a reset instead of an orderly end."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    def _frame_size(self) -> int:
        length = self._received[1] & 0x7F
        if length == 126:
            return 4 + int(struct.unpack("!H", self._received[2:4])[0])
        return 2 + length

    def _receive(self) -> None:
        data = self.socket.recv(65_536)
        assert data, "the gateway has closed the connection"
        self._received += data


def masked(opcode: int, payload: bytes, *, first_bits: int = 0x80) -> bytes:
    """Return a client's frame (RFC 6455 §5.2); the first bits are FIN and RSV."""
    key = os.urandom(4)
    data = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    head = bytes([first_bits | opcode])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + key + data
    return head + struct.pack("!BH", 0x80 | 126, len(payload)) + key + data
