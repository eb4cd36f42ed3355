"""The event sources of a gateway, and which function each invokes."""

import math
from typing import NamedTuple, Protocol

from wspubsub.gateway.inputs import InvocationResult
from wspubsub.mappings.payloads import Record
from wspubsub.testing.functions import LambdaHandler


class EventSource(Protocol):
    """What a `StreamSource` and a `QueueSource` have in common."""

    def next_batch(self, now: float, /) -> tuple[Record, ...] | None:
        """Return the records to invoke a function with, or None if nothing is due."""
        ...

    def finish(self, result: InvocationResult, now: float, /) -> None:
        """Process the result of the invocation with the last batch."""
        ...

    def due_at(self) -> float | None:
        """Return when something is redelivered, or None if nothing is pending."""
        ...


class Due(NamedTuple):
    """A batch that is due.

    Attributes:
        source: What it comes from.
        handler: The function to invoke, None for the gateway's.
        records: The batch.
    """

    source: EventSource
    handler: LambdaHandler | None
    records: tuple[Record, ...]


class GatewaySources:
    """The event sources of a gateway."""

    def __init__(self) -> None:
        self._sources: list[tuple[EventSource, LambdaHandler | None]] = []

    def add(self, source: EventSource, handler: LambdaHandler | None) -> None:
        """Add a source; None is the gateway's handler."""
        self._sources.append((source, handler))

    def next_batch(self, now: float) -> Due | None:
        """Return the batch that is due of the first source that has one."""
        for source, handler in self._sources:
            records = source.next_batch(now)
            if records is not None:
                return Due(source, handler, records)
        return None

    def earliest(self, deadline: float | None) -> float:
        """Return when something is redelivered, but no later than the deadline."""
        instants = (deadline, *(source.due_at() for source, _ in self._sources))
        return min((at for at in instants if at is not None), default=math.inf)
