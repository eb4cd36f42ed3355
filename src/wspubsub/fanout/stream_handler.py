"""The Lambda function that the table's stream invokes."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from wspubsub.dynamodb.images import ImageError, logged_message, new_connection
from wspubsub.errors import WspubsubError
from wspubsub.fanout.invocations import partial_failure, records_of, seconds_left
from wspubsub.fanout.ready import OnReady, Readiness
from wspubsub.history import LoggedMessage
from wspubsub.publisher import Publisher

log = logging.getLogger("wspubsub")

MAX_AGE_SECONDS = 60.0
"""For how long a record that fails may hold up those behind it in its shard."""


class IncompleteError(WspubsubError):
    """Not everybody got the message; the stream is to bring it again."""


class StreamHandler:
    """Delivers what a table's stream brings; it is itself the Lambda handler.

    New log entries are fanned out, new connections are given to `on_ready`, all other
    records are skipped. The first record that fails is reported (partial batch
    response), so that Lambda brings it and those behind it again. A record that has
    failed for too long, or cannot be read, is logged whole and left behind: a shard
    never stands still for good.

    Redelivery is harmless as far as clients drop what they know by its offset.

    Args:
        publisher: Publishes with a log; it posts what the stream brings.
        on_ready: Called with each new connection as soon as it can be posted to, and
            again if the stream brings it again.
        max_age_seconds: How long a record may fail before it is left behind.
        now: Clock, in seconds since the epoch.
        sleep: Waits until a connection is ready.
    """

    def __init__(
        self,
        publisher: Publisher,
        *,
        on_ready: OnReady | None = None,
        max_age_seconds: float = MAX_AGE_SECONDS,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._publisher = publisher
        self._max_age_seconds = max_age_seconds
        self._now = now
        self._readiness = on_ready and Readiness(
            on_ready, publisher.delivery.connections, sleep=sleep
        )

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation.

        Raises:
            EventError: It is not an event of DynamoDB Streams.
        """
        for record in records_of(event, "aws:dynamodb"):
            try:
                self._handle(record, context)
            except Exception as error:
                if not self._is_left_behind(record, error):
                    log.warning("a stream record failed: %s", error, exc_info=True)
                    return partial_failure([record["dynamodb"]["SequenceNumber"]])
        return partial_failure(())

    def _handle(self, record: dict[str, Any], context: object) -> None:
        if record.get("eventName") != "INSERT":
            return
        image = record["dynamodb"].get("NewImage")
        message = logged_message(image)
        if message is not None:
            self._carry_on(message, context)
            return
        connection = new_connection(image)
        if connection is not None and self._readiness is not None:
            self._readiness.recorded(connection)

    def _carry_on(self, message: LoggedMessage, context: object) -> None:
        seconds = seconds_left(context)
        if seconds <= 0:
            raise IncompleteError("the function's time is up")
        report = self._publisher.carry_on(message, timeout_seconds=seconds)
        if not report.is_complete:
            raise IncompleteError(f"not everybody was reached: {report}")

    def _is_left_behind(self, record: dict[str, Any], error: Exception) -> bool:
        is_unreadable = isinstance(error, ImageError)
        created_at = record.get("dynamodb", {}).get("ApproximateCreationDateTime", 0)
        is_late = self._now() - created_at >= self._max_age_seconds
        if not (is_late or is_unreadable):
            return False
        log.error(
            "a stream record is left behind: %s; to replay it, invoke this function "
            "with %s",
            error,
            json.dumps({"Records": [record]}),
            exc_info=error,
        )
        return True
