"""Counts the units of requests to the embedded DynamoDB."""

import io
import json
import threading
from collections.abc import Iterable
from typing import Any

from wspubsub.local.costs.units import count_units
from wspubsub.local.dynamodb.guard import Application, Environ, StartResponse
from wspubsub.local.dynamodb.recording import OWN

MAX_BYTES = 1_048_576
"""How much is kept until it is counted."""

_TARGET = "DynamoDB_20120810."


class Metered:
    """Counts requests that a server answers with success, while it is told to.

    The inspector's own are not counted: nobody would pay for them.
    A request is not read before somebody asks for the units, as long as there is room.

    Args:
        application: The server.
        max_bytes: How much there is room for.
    """

    def __init__(self, application: Application, max_bytes: int = MAX_BYTES) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._is_on = False
        self._lock = threading.Lock()
        self._kept: list[tuple[str, bytes, bytes]] = []
        self._bytes = 0
        self._used: dict[str, dict[str, float]] = {}

    def switch(self, is_on: object) -> None:
        """Begin to count, or stop."""
        self._is_on = bool(is_on)

    def read(self) -> dict[str, dict[str, float]]:
        """Return requests, read units and write units by operation."""
        with self._lock:
            self._count_kept()
            return {name: dict(each) for name, each in self._used.items()}

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        is_counted = target.startswith(_TARGET) and OWN not in environ
        if not self._is_on or not is_counted:
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> object:
            statuses.append(status)
            return start_response(status, headers, *rest)

        answer = b"".join(self._application(environ, start))
        if statuses and statuses[0].startswith("200"):
            self._keep(target.removeprefix(_TARGET), body, answer)
        return [answer]

    def _keep(self, operation: str, body: bytes, answer: bytes) -> None:
        with self._lock:
            self._kept.append((operation, body, answer))
            self._bytes += len(body) + len(answer)
            if self._bytes > self._max_bytes:
                self._count_kept()

    def _count_kept(self) -> None:
        kept, self._kept, self._bytes = self._kept, [], 0
        for operation, body, answer in kept:
            units = count_units(operation, json.loads(body), json.loads(answer or "{}"))
            used = self._used.setdefault(
                operation, {"requests": 0, "read_units": 0.0, "write_units": 0.0}
            )
            used["requests"] += 1
            used["read_units"] += units.read
            used["write_units"] += units.write
