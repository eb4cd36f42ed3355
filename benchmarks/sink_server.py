"""The sink: a server that answers like the Management API, as fast as it can.

    python -m benchmarks.sink_server CERTIFICATE KEY

Every post is taken (200, the headers that API Gateway sends, no body) and every call
of DynamoDB answered with no items, over kept connections, plain and TLS on two ports.
One thread and one selector: it must not be what limits a fast client, and it counts
what arrived, so that no client is believed that it posted.
"""

import re
import selectors
import socket
import ssl
import sys
import threading
from collections.abc import Callable

from benchmarks.processes import answer, requests

_READ_BYTES = 1 << 16
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_POSTS = b"connections/"

# "x-amzn-requestid" and its neighbors, as recorded from API Gateway.
_POSTED = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Mon, 01 Jun 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/json\r\n"
    b"Content-Length: 0\r\n"
    b"Connection: keep-alive\r\n"
    b"x-amzn-RequestId: 8b2bd7a4-6d2a-4a0c-9f5e-%012d\r\n"
    b"x-amz-apigw-id: WDGT-HXEjoEFjYQ=\r\n"
    b"X-Amzn-Trace-Id: Root=1-5fb13a2b-4f1c1d0a5d8a5a1b2c3d4e5f\r\n"
    b"\r\n"
)
_DYNAMODB = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Mon, 01 Jun 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\n"
    b"Content-Length: 12\r\n"
    b"Connection: keep-alive\r\n"
    b"x-amzn-RequestId: UQNQGVNQ3UHGK1TGS14R4G9V5FVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
    b"x-amz-crc32: 2770214093\r\n"
    b"\r\n"
    b'{"Items":[]}'
)


class Arrivals:
    """What arrived since it was last asked for."""

    def __init__(self) -> None:
        self._number = 0
        self._targets: set[bytes] = set()

    def take(self, head: bytes) -> bytes:
        """Count a request and return the response."""
        target = head.split(b" ", 2)[1]
        self._number += 1
        if _POSTS in target:
            self._targets.add(target)
            return _POSTED % self._number
        return _DYNAMODB

    def report(self) -> dict[str, int]:
        """Return how many requests came and to how many connections; begin anew."""
        report = {"requests": self._number, "connections": len(self._targets)}
        self._number = 0
        self._targets.clear()
        return report


class Peer:
    """One client's connection."""

    def __init__(self, connection: socket.socket, arrivals: Arrivals) -> None:
        self._connection = connection
        self._arrivals = arrivals
        self._received = b""
        # A TLS connection is still to be agreed on.
        self._shake_hands: Callable[[], None] | None = (
            connection.do_handshake if isinstance(connection, ssl.SSLSocket) else None
        )

    def read(self) -> bool:
        """Take what has come and answer it; False if the client has gone."""
        try:
            if self._shake_hands is not None:
                self._shake_hands()
                self._shake_hands = None
                return True
            data = self._connection.recv(_READ_BYTES)
            # A client that leaves no room for a short answer does not read at all.
            return bool(data) and self._answer(self._received + data)
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        except OSError:
            return False

    def _answer(self, received: bytes) -> bool:
        while (end := received.find(_HEAD_END)) != -1:
            end += len(_HEAD_END)
            length = _LENGTH.search(received, 0, end)
            stop = end + int(length[1]) if length else end
            if len(received) < stop:
                break
            response = self._arrivals.take(received[:end])
            if self._connection.send(response) < len(response):
                return False
            received = received[stop:]
        self._received = received
        return True


class Loop:
    """The selector, and what is called when something can be read."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._selector = selectors.DefaultSelector()

    def listen(self, context: ssl.SSLContext | None = None) -> int:
        """Take connections on a port of loopback and return it."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

        def accept() -> bool:
            connection, _ = listener.accept()
            connection.setblocking(False)  # noqa: FBT003 - as the standard library has it
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connection = context.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            self._watch(connection, Peer(connection, self._arrivals).read)
            return True

        self._watch(listener, accept)
        port: int = listener.getsockname()[1]
        return port

    def run(self) -> None:
        """Serve until the process ends."""
        while True:
            for key, _ in self._selector.select():
                source, on_readable = key.data
                if not on_readable():
                    self._selector.unregister(source)
                    source.close()

    def _watch(self, source: socket.socket, on_readable: Callable[[], bool]) -> None:
        self._selector.register(source, selectors.EVENT_READ, (source, on_readable))


def main(certificate: str, key: str) -> None:
    """Serve until standard input ends, and report what arrived when asked."""
    arrivals = Arrivals()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    loop = Loop(arrivals)
    ports = {"plain_port": loop.listen(), "tls_port": loop.listen(context)}
    threading.Thread(target=loop.run, daemon=True).start()
    answer(**ports)
    for _ in requests():
        answer(**arrivals.report())


if __name__ == "__main__":
    main(*sys.argv[1:])
