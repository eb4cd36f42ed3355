"""Counts what is billed of requests to the embedded DynamoDB and SQS."""

import io
import threading
from collections.abc import Iterable
from typing import Any

from wspubsub.local.costs.tally import Call, Tally, is_billed
from wspubsub.local.dynamodb.guard import Application, Environ, StartResponse
from wspubsub.local.dynamodb.senders import SENDER, Sender

MAX_BYTES = 1_048_576
"""How much is kept until it is counted."""


class Metered:
    """Counts requests that a server answers with success, while it is told to.

    The inspector's own are not counted: nobody would pay for them.
    A request is not read before somebody asks for the bill, as long as there is room.

    Args:
        application: The server.
        max_bytes: How much there is room for.
    """

    def __init__(self, application: Application, max_bytes: int = MAX_BYTES) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._is_on = False
        self._lock = threading.Lock()
        self._kept: list[Call] = []
        self._bytes = 0
        self._tally = Tally()

    def switch(self, is_on: object) -> None:
        """Begin to count, or stop."""
        self._is_on = bool(is_on)

    def read(self) -> dict[str, Any]:
        """Return what was counted; see `Tally.to_json`."""
        with self._lock:
            self._count_kept()
            return self._tally.to_json()

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        sender = environ.get(SENDER)
        is_lambdas = sender == Sender.EVENT_SOURCE.value
        is_counted = (
            self._is_on
            and sender != Sender.INSPECTOR.value
            and is_billed(target, is_lambdas=is_lambdas)
        )
        if not is_counted:
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> object:
            statuses.append(status)
            return start_response(status, headers, *rest)

        answer = b"".join(self._application(environ, start))
        if statuses and statuses[0].startswith("200"):
            self._keep(Call(target, is_lambdas, body, answer))
        return [answer]

    def _keep(self, call: Call) -> None:
        with self._lock:
            self._kept.append(call)
            self._bytes += len(call.request) + len(call.answer)
            if self._bytes > self._max_bytes:
                self._count_kept()

    def _count_kept(self) -> None:
        kept, self._kept, self._bytes = self._kept, [], 0
        for call in kept:
            self._tally.add(call)
