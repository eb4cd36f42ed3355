"""A server of AWS that keeps what it is sent, and answers as a test has planned."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answer(NamedTuple):
    """What a request is answered with.

    Attributes:
        status: HTTP status.
        body: Body.
        headers: Headers besides.
        raw: Sent instead of all of these before the connection is closed.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None


class RecordingServer:
    """A server on loopback.

    Attributes:
        url: Where it is.
        planned: What the next requests are answered with.
        answer: What all others are answered with.
        act: What is done before a request is answered.
        heads: The headers of each request, names in lower case.
        connections: How many have been made.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.planned: list[Answer] = []
        self.answer = Answer()
        self.act: Callable[[], object] = lambda: None
        self.heads: list[dict[str, str]] = []
        self.connections = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    recorder: RecordingServer

    def setup(self) -> None:
        self.recorder.connections += 1
        super().setup()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.recorder.heads.append(
            {name.lower(): value for name, value in self.headers.items()}
        )
        self.recorder.act()
        planned = self.recorder.planned
        status, body, headers, raw = planned.pop(0) if planned else self.recorder.answer
        if raw is not None:
            self.close_connection = True
            self.wfile.write(raw)
            return
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_args: object) -> None:
        """Say nothing when a client leaves."""


@contextmanager
def recording_server() -> Iterator[RecordingServer]:
    """Serve until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    recorder = RecordingServer(f"http://127.0.0.1:{server.server_port}")
    handler.recorder = recorder  # type: ignore[attr-defined]  # set on the class above
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
