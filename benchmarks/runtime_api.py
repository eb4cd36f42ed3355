"""A Lambda Runtime API that hands out one event, once, and notes when its answer came.

"Using the Lambda runtime API for custom runtimes".
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.errors import BenchmarkError

_PREFIX = "/2018-06-01/runtime"
_REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
_ANSWER_SECONDS = 60.0
_DEADLINE_SECONDS = 29.0


class RuntimeApi(ThreadingHTTPServer):
    """The server.

    Args:
        event: What the function is invoked with.
    """

    daemon_threads = True

    def __init__(self, event: Mapping[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self._event = json.dumps(event).encode()
        self._offers = threading.Semaphore(1)
        self._has_answer = threading.Event()
        self._path, self._body, self._answered_at = "", b"", 0.0

    @classmethod
    @contextmanager
    def start(cls, event: Mapping[str, Any]) -> Iterator["RuntimeApi"]:
        """Serve in a thread."""
        with cls(event) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield server
            finally:
                server.shutdown()

    @property
    def address(self) -> str:
        """What a runtime finds in AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self.server_port}"

    def answered_at(self) -> float:
        """Wait for the function's answer and return when it came (`perf_counter`).

        Raises:
            BenchmarkError: The function does not answer, or not with 200.
        """
        if not self._has_answer.wait(_ANSWER_SECONDS):
            raise BenchmarkError("the function does not answer")
        is_response = self._path.endswith("/response")
        if not is_response or json.loads(self._body).get("statusCode") != 200:  # noqa: PLR2004 - OK
            raise BenchmarkError(f"the function failed: {self._body.decode()}")
        return self._answered_at

    def handle_error(self, *_: object) -> None:
        """Say nothing: runtimes are killed while they wait for more."""

    def next_event(self) -> bytes:
        """Wait until there is an event and return it."""
        self._offers.acquire()
        return self._event

    def take(self, path: str, body: bytes) -> None:
        """Note what the runtime says."""
        self._answered_at = time.perf_counter()
        self._path, self._body = path, body
        self._has_answer.set()


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self.send_error(404)
            return
        event = self.server.next_event()
        deadline_ms = int((time.time() + _DEADLINE_SECONDS) * 1000)
        self._respond(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": _REQUEST_ID,
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": (
                    "arn:aws:lambda:us-east-1:123456789012:function:benchmark"
                ),
                "Lambda-Runtime-Trace-Id": "Root=1-5fb13a2b-4f1c1d0a5d8a5a1b2c3d4e5f",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(self.path, body)
        self._respond(202, b'{"status":"OK"}', {})

    def _respond(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: only the figures are wanted."""
