"""The settings of an event source mapping, within AWS's limits.

"CreateEventSourceMapping" (AWS Lambda API Reference) has the limits.
"""

import re
from dataclasses import dataclass

from wspubsub.errors import UsageError

FOREVER = -1
"""No limit, in Lambda's words."""

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}")  # five are left for the other queue


MAX_VISIBILITY_SECONDS = 43_200
"""The longest visibility timeout of a queue ("Amazon SQS message quotas")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """How a table's stream is delivered.

    Attributes:
        batch_size: Most records in an invocation.
        max_retries: How often a batch is retried; -1 for no limit.
        max_record_age_seconds: How old a record may get; -1 is as old as the stream.
        bisects: Whether a batch that failed is split in two.

    Raises:
        UsageError: AWS would refuse it.
    """

    batch_size: int = 100
    max_retries: int = FOREVER
    max_record_age_seconds: int = FOREVER
    bisects: bool = False

    def __post_init__(self) -> None:
        _check("the batch size of a stream", self.batch_size, 1, 10_000)
        _check("the number of retries", self.max_retries, FOREVER, 10_000)
        if self.max_record_age_seconds != FOREVER:
            _check(
                "the maximum age of a record, unless it is -1,",
                self.max_record_age_seconds,
                60,
                604_800,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """A standard queue, and how it is delivered.

    Attributes:
        name: Name of the queue.
        batch_size: Most messages in an invocation. AWS takes more than 10 only with
            a batching window, which is not offered here.
        visibility_timeout_seconds: When a message that was received and not deleted
            can be received again.
        max_receive_count: How often a message is received before it is moved to the
            dead-letter queue.

    Raises:
        UsageError: AWS would refuse it, or it is a FIFO queue.
    """

    name: str = "wspubsub"
    batch_size: int = 10
    visibility_timeout_seconds: int = 30
    max_receive_count: int = 5

    def __post_init__(self) -> None:
        if self.name.endswith(".fifo"):
            raise UsageError(
                "the local gateway supports standard queues only; use a name that "
                "does not end in .fifo"
            )
        if not _QUEUE_NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} is not a queue name: use 1 to 75 letters, digits, "
                "- and _"
            )
        _check("the batch size of a queue", self.batch_size, 1, 10)
        seconds = self.visibility_timeout_seconds
        _check("the visibility timeout of a queue", seconds, 0, MAX_VISIBILITY_SECONDS)
        _check("the maximum receive count", self.max_receive_count, 1, 1_000)

    def check_timeout(self, timeout_seconds: float) -> None:
        """Check that a message stays hidden while a function works on it.

        "Creating and configuring an Amazon SQS event source mapping": a function
        timeout above the visibility timeout is refused.

        Raises:
            UsageError: It would not.
        """
        if timeout_seconds > self.visibility_timeout_seconds:
            raise UsageError(
                f"the function's timeout ({timeout_seconds:g} s) must not exceed "
                "the queue's visibility timeout "
                f"({self.visibility_timeout_seconds} s), or Lambda refuses the "
                "mapping; lengthen the visibility timeout, or shorten the "
                "function's"
            )


def _check(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{what} must be from {least} to {most}, not {value}")
