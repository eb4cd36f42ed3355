"""What Lambda functions for event sources have in common."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from wspubsub.errors import EventError
from wspubsub.events import remaining_seconds

log = logging.getLogger("wspubsub")

RESERVE_SECONDS = 2.0
"""Time of a function that is reserved for handing over what is left."""


def records_of(event: object, source: str) -> list[dict[str, Any]]:
    """Return the records of an event.

    Args:
        event: What Lambda was invoked with.
        source: The `eventSource` that each must have.

    Raises:
        EventError: It is not such an event.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and record.get("eventSource") == source
        for record in records
    ):
        raise EventError(
            f"this is not an event of {source}; connect the event source mapping "
            "to a handler for it, or use EventSources for several sources"
        )
    return records


def handle_messages(
    event: object, handle: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    """Handle each message of a queue, and return which failed.

    Args:
        event: What Lambda was invoked with.
        handle: Called with each record; what it raises is logged.

    Raises:
        EventError: It is not an event of SQS.
    """
    failed: list[str] = []
    for record in records_of(event, "aws:sqs"):
        try:
            handle(record)
        except Exception:
            # One message must not bring the others again.
            log.exception("queue message %s failed", record["messageId"])
            failed.append(record["messageId"])
    return partial_failure(failed)


def seconds_left(context: object) -> float:
    """Return the seconds that may be used; infinity if the context does not say."""
    return max(0.0, remaining_seconds(context) - RESERVE_SECONDS)


def partial_failure(identifiers: Iterable[str]) -> dict[str, Any]:
    """Return the answer that names the records to redeliver.

    "Implementing partial batch responses" (AWS Lambda): the event source mapping
    needs `FunctionResponseTypes: [ReportBatchItemFailures]`.
    """
    return {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}
