"""Log records as JSON objects that say which event they belong to."""

import json
import logging
import sys
import time
from contextvars import ContextVar
from typing import Any

from wspubsub.monitoring.invocations import Invocation, LambdaHandler, wrap_handler

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLogs(logging.Formatter):
    """Formats log records as JSON objects, one a line.

    Each has `timestamp`, `level`, `logger` and `message`, as Lambda's own JSON format;
    within a handler that is bound also `connectionId`, `routeKey` (the router's own, or
    the source of records) and `requestId` (Lambda's); `stackTrace` of an exception; and
    what the caller gave as `extra`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._current: ContextVar[Invocation | None] = ContextVar("i", default=None)

    def install(self, level: int = logging.INFO) -> None:
        """Let the root logger write so, on Lambda as elsewhere.

        Args:
            level: Least level that is written.
        """
        root = logging.getLogger()
        if not root.handlers:
            root.addHandler(logging.StreamHandler(sys.stdout))
        for handler in root.handlers:
            handler.setFormatter(self)
        root.setLevel(level)

    def bind(self, handler: LambdaHandler) -> LambdaHandler:
        """Return a Lambda handler during which the records say what it handles.

        Args:
            handler: A `Router`, which gets a middleware by this; a `PubSub`, a
                `StreamHandler`, a `QueueHandler`, or any other Lambda handler.
        """
        return wrap_handler(handler, lambda _, call: call(), self._current)

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a JSON object."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, Any] = {
            "timestamp": f"{at}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._describe_event(),
            **{name: each for name, each in vars(record).items() if name not in _USUAL},
        }
        if record.exc_info:
            fields["stackTrace"] = self.formatException(record.exc_info).splitlines()
        return json.dumps(fields, default=repr, separators=(",", ":"))

    def _describe_event(self) -> dict[str, str]:
        invocation = self._current.get()
        if invocation is None:
            return {}
        fields = {
            "connectionId": invocation.connection_id,
            "routeKey": invocation.route,
            "requestId": invocation.request_id,
        }
        return {name: text for name, text in fields.items() if text}
