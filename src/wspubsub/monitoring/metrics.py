"""Counts what invocations do, and writes it down as CloudWatch metrics."""

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TextIO

from wspubsub.connections import Connections
from wspubsub.errors import UsageError
from wspubsub.monitoring.emf import Counts, write_line
from wspubsub.monitoring.invocations import Invocation, LambdaHandler, wrap_handler
from wspubsub.monitoring.metered import MeteredConnections

_MAX_NAME = 255
_SERVER_ERROR = 500


class Metrics:
    """Metrics of a function, in CloudWatch's embedded metric format.

    Each invocation writes one line to standard output, of which CloudWatch Logs makes
    metrics; no request is made. Every metric exists for the function as a whole and for
    each `Route`, which are the router's own route keys, `$connect` and the like, and
    `aws:dynamodb` or `aws:sqs` for what an event source brings. Connection IDs, topics
    and users are no dimensions, since each value of one is billed as a metric.

    `Invocations`, `Errors` and `Duration` (milliseconds) are of the invocations; an
    error is an exception, a status from 500 on, or records that failed. Where something
    is posted, there are also `Messages` (messages handed over for posting, to a topic
    or to a single connection), `PostDuration` (milliseconds for each of them), and what
    became of the posts: `Delivered`, `Gone`, `Throttled`, `Failed`, `Deferred`.

    Args:
        namespace: Namespace of the metrics; 1 to 255 characters.
        service: Value of the dimension `Service`; left out if None.
        stream: Where lines are written; standard output by default.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds.

    Raises:
        UsageError: The namespace or the service is not such a text.

    See "Embedding metrics within logs" in Amazon CloudWatch's user guide.
    """

    def __init__(
        self,
        namespace: str,
        *,
        service: str | None = None,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespace = _check_name("namespace", namespace)
        self._service = None if service is None else _check_name("service", service)
        self._stream = stream
        self._now = now
        self._clock = clock
        self._counts = Counts()
        self._current: ContextVar[Invocation | None] = ContextVar("i", default=None)

    def measure(self, handler: LambdaHandler) -> LambdaHandler:
        """Return a Lambda handler that writes the metrics of each invocation.

        Args:
            handler: A `Router`, which gets a middleware by this; a `PubSub`, a
                `StreamHandler`, a `QueueHandler`, or any other Lambda handler.
        """
        return wrap_handler(handler, self._measure, self._current)

    def _measure(self, invocation: Invocation, call: Callable[[], object]) -> object:
        began, is_error = self._clock(), True
        try:
            result = call()
            is_error = _is_error(result)
            return result
        finally:
            self._write(invocation.route, began, is_error=is_error)

    def count_posts(self, connections: Connections) -> Connections:
        """Return connections that count what becomes of each post."""
        return MeteredConnections(connections, self._counts, self._clock)

    def _write(self, route: str, began: float, *, is_error: bool) -> None:
        dimensions = {} if self._service is None else {"Service": self._service}
        line = write_line(
            self._counts.take(),
            namespace=self._namespace,
            dimensions=dimensions,
            route=route,
            at=self._now(),
            milliseconds=(self._clock() - began) * 1000,
            is_error=is_error,
        )
        stream = sys.stdout if self._stream is None else self._stream
        stream.write(line)
        stream.flush()


def _is_error(result: object) -> bool:
    if not isinstance(result, dict):
        return False
    status = result.get("statusCode")
    is_refused = isinstance(status, int) and status >= _SERVER_ERROR
    return is_refused or bool(result.get("batchItemFailures"))


def _check_name(what: str, name: object) -> str:
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _MAX_NAME:
        raise UsageError(
            f"{what} must be 1 to {_MAX_NAME} characters, not {name!r:.80}"
        )
    return name
