"""A Management API that answers as AWS does, or misbehaves when told to."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote

STAGE = "prod"
DROP = -1
"""Instead of a status: the connection is closed without an answer."""


class Fault(NamedTuple):
    """An answer other than the honest one.

    Attributes:
        status: HTTP status, or `DROP`.
        code: What the header `x-amzn-errortype` says, if there is one.
        message: What the body says.
    """

    status: int
    code: str | None = None
    message: str = ""

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return json.dumps({"message": self.message}).encode() if self.message else b""


class ManagementServer:
    """The Management API of a few connections, on loopback."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connected: set[str] = set()
        self.received: dict[str, list[bytes]] = defaultdict(list)
        self.paths: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.lock = threading.Lock()

    def plan(self, connection_id: str, *faults: Fault, times: int = 1) -> None:
        """Answer the next posts to a connection with faults."""
        self.faults[connection_id] = list(faults) * times


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ManagementServer

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection_id = self._connection_id()
        if connection_id is not None:
            self.api.received[connection_id].append(body)
            self._answer(200)

    def do_GET(self) -> None:
        if self._connection_id() is not None:
            document = {
                "identity": {"sourceIp": "192.0.2.1", "userAgent": None},
                "connectedAt": "2026-11-15T12:23:14.726Z",
                "lastActiveAt": "2026-11-15T12:23:14.972Z",
            }
            self._answer(200, body=json.dumps(document).encode())

    def do_DELETE(self) -> None:
        connection_id = self._connection_id()
        if connection_id is not None:
            self.api.connected.discard(connection_id)
            self._answer(204)

    def _connection_id(self) -> str | None:
        """Return the connection that is meant, or answer that there is none."""
        self.api.paths.append(self.path)
        connection_id = unquote(self.path.rpartition("/")[2])
        with self.api.lock:
            planned = self.api.faults.get(connection_id)
            fault = planned.pop(0) if planned else None
        if fault is not None and fault.status == DROP:
            self.close_connection = True
        elif fault is not None:
            self._answer(fault.status, code=fault.code, body=fault.body)
        elif connection_id not in self.api.connected:
            self._answer(410, code="GoneException")
        else:
            return connection_id
        return None

    def _answer(
        self, status: int, *, code: str | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("x-amzn-errortype", code)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: Any) -> None:
        """Say nothing when a client leaves."""


@contextmanager
def management_server() -> Iterator[ManagementServer]:
    """Serve a Management API until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    api = ManagementServer(f"http://127.0.0.1:{server.server_port}/{STAGE}")
    handler.api = api  # type: ignore[attr-defined]  # set on the class made above
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
