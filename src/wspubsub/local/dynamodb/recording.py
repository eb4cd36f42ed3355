"""What requests to the embedded DynamoDB were, for whoever is looking."""

import io
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from wspubsub.faults.occasions import DYNAMODB_TARGET
from wspubsub.local.dynamodb.guard import Application, Environ, StartResponse
from wspubsub.local.dynamodb.senders import SENDER

MAX_BYTES = 28_000
"""A longer request or response is cut, so that a report fits into a line of output.

It is measured as JSON, in which a character may take six bytes.
"""

_ERROR = 400

Call = dict[str, Any]


class Recording:
    """Reports requests of the application while it is told to.

    Args:
        application: The server.
        report: Is told each request and its answer.
        now: Real time, in seconds since the epoch.
    """

    def __init__(
        self,
        application: Application,
        report: Callable[[Call], object],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._application = application
        self._report = report
        self._is_on = False

    def switch(self, is_on: object) -> None:
        """Begin to report, or stop."""
        self._is_on = bool(is_on)

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        operation = environ.get("HTTP_X_AMZ_TARGET", "").removeprefix(DYNAMODB_TARGET)
        if not self._is_on or "." in operation or SENDER in environ:
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        statuses: list[str] = []

        def start(status: str, headers: list[tuple[str, str]]) -> object:
            statuses.append(status)
            return start_response(status, headers)

        call: Call = {
            "at": self._now(),
            "trace": environ.get("HTTP_X_AMZN_TRACE_ID", ""),
            "service": "dynamodb",
            "operation": operation,
        }
        began = time.perf_counter()
        answer = b""
        try:
            answer = b"".join(self._application(environ, start))
        finally:  # also if there is no answer, as a rule may ask
            call["ms"] = round((time.perf_counter() - began) * 1000, 2)
            call["status"] = int(statuses[-1].split()[0]) if statuses else 0
            self._report(call | _describe(body, answer, call["status"]))
        return [answer]


def _describe(body: bytes, answer: bytes, status: int) -> Call:
    request, response = _read(body), _read(answer)
    about: Call = {
        "table": _find_table(request),
        **_cut("request", request, body),
        **_cut("response", response, answer),
    }
    if status >= _ERROR or not status:
        name = str(response.get("__type", "")).rpartition("#")[2]
        about["error"] = name or "no answer"
    units = response.get("ConsumedCapacity")
    for each in [units] if isinstance(units, dict) else units or ():
        for unit in ("Read", "Write"):
            used = each.get(f"{unit}CapacityUnits")
            if used is not None:
                key = f"{unit.lower()}_units"
                about[key] = about.get(key, 0) + used
    return about


def _find_table(request: dict[str, Any]) -> str | None:
    """Return the table that a request is for, or the first of several."""
    for each in (request, *_parts(request.get("TransactItems"))):
        if "TableName" in each:
            return str(each["TableName"])
    tables = request.get("RequestItems")
    return next(iter(tables), None) if isinstance(tables, dict) else None


def _parts(items: object) -> Iterable[dict[str, Any]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield from (each for each in item.values() if isinstance(each, dict))


def _read(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _cut(name: str, value: dict[str, Any], data: bytes) -> Call:
    if len(data) <= MAX_BYTES and len(json.dumps(value)) <= MAX_BYTES:
        return {name: value}
    text = data[:MAX_BYTES].decode(errors="replace")
    # A quote takes two bytes, what is not ASCII six.
    size = MAX_BYTES // (2 if text.isascii() else 6)
    return {name: text[:size], "cut": True}
