"""A server that answers posts in every wrong way there is, as planned for each path.

It speaks on bare sockets, since a well-kept HTTP server would not do what is needed.
"""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"


def status(code: int, error: str = "", body: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {code} Whatever\r\nContent-Length: {len(body)}\r\n"
    if error:
        head += f"x-amzn-errortype: {error}\r\n"
    return head.encode() + b"\r\n" + body


# What is sent, and whether the connection is closed after it.
ANSWERS: dict[str, tuple[bytes, bool]] = {
    "ok": (OK, False),
    "ok, then closed without a word": (OK, True),
    "ok with Connection: close": (OK[:-2] + b"Connection: close\r\n\r\n", True),
    "ok from HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n", True),
    "ok with a body": (status(200, body=b"{}"), False),
    "ok in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2;x=y\r\n{}\r\n0\r\nTrailer: 1\r\n\r\n",
        False,
    ),
    "ok after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, False),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", False),
    "cut in the head": (OK[:30], True),
    "cut in the body": (status(200, body=b"{}")[:-1], True),
    "closed before the answer": (b"", True),
    "longer than it says": (OK + b"more", False),
    "garbage": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", True),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + OK[17:], True),
    "never": (b"", False),
    "410": (status(410, "GoneException"), False),
    "413": (status(413, "PayloadTooLargeException"), False),
    "429": (status(429, "LimitExceededException"), False),
    "500": (status(500, body=b'{"message": "oops"}'), False),
    "503": (status(503), True),
}
DELIVERING = frozenset(name for name in ANSWERS if name.startswith(("ok", "204")))
FINAL = DELIVERING | {"410", "413"}


class MisbehavingServer:
    """Answers the posts to each connection ID as planned, then well."""

    def __init__(self, port: int, scheme: str) -> None:
        self.url = f"{scheme}://localhost:{port}/prod"
        self.plans: dict[str, list[str]] = {}
        self.received: Counter[str] = Counter()
        self.heads: list[bytes] = []
        self.accepted = 0
        self.byte_by_byte = False
        self.lock = threading.Lock()

    def answer(self, head: bytes) -> tuple[bytes, bool]:
        name = head.split(b" ")[1].rpartition(b"/")[2].decode()
        with self.lock:
            self.heads.append(head)
            planned = self.plans.get(name)
            kind = planned.pop(0) if planned else "ok"
            if kind in DELIVERING:
                self.received[name] += 1
        return ANSWERS[kind]


def _serve(server: MisbehavingServer, client: socket.socket) -> None:
    with client, suppress(OSError):
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = client.recv(65_536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(buffer) < length:
                buffer += client.recv(65_536)
            buffer = buffer[length:]
            data, closes = server.answer(head)
            step = 1 if server.byte_by_byte else len(data) or 1
            for start in range(0, len(data), step):
                client.sendall(data[start : start + step])
            if closes:
                return


def _end(client: socket.socket) -> None:
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    client.close()


def _with_tls(client: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return client if context is None else context.wrap_socket(client, server_side=True)


@contextmanager
def misbehaving_server(
    context: ssl.SSLContext | None = None,
) -> Iterator[MisbehavingServer]:
    """Serve until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = MisbehavingServer(port, "http" if context is None else "https")
    clients: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server.accepted += 1
                clients.append(client)
                threading.Thread(target=begin, args=(client,), daemon=True).start()

    def begin(client: socket.socket) -> None:
        with suppress(OSError):
            _serve(server, _with_tls(client, context))

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for client in clients:
            _end(client)
