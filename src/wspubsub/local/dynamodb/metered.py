"""Counts the units of requests to the embedded DynamoDB."""

import io
import json
import threading
from collections.abc import Iterable
from typing import Any

from wspubsub.local.costs.units import count_units
from wspubsub.local.dynamodb.guard import Application, Environ, StartResponse
from wspubsub.local.dynamodb.recording import OWN

_TARGET = "DynamoDB_20120810."


class Metered:
    """Counts requests that a server answers with success, but not the inspector's.

    Args:
        application: The server.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._used: dict[str, dict[str, float]] = {}

    def read(self) -> dict[str, dict[str, float]]:
        """Return requests, read units and write units by operation."""
        with self._lock:
            return {name: dict(each) for name, each in self._used.items()}

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(_TARGET) or OWN in environ:
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> object:
            statuses.append(status)
            return start_response(status, headers, *rest)

        answer = b"".join(self._application(environ, start))
        if statuses and statuses[0].startswith("200"):
            self._count(target.removeprefix(_TARGET), json.loads(body), answer)
        return [answer]

    def _count(self, operation: str, request: dict[str, Any], answer: bytes) -> None:
        units = count_units(operation, request, json.loads(answer or b"{}"))
        with self._lock:
            used = self._used.setdefault(
                operation, {"requests": 0, "read_units": 0.0, "write_units": 0.0}
            )
            used["requests"] += 1
            used["read_units"] += units.read
            used["write_units"] += units.write
