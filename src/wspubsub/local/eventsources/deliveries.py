"""Invokes the handler with a batch of records, and reports the result."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.functions.runtime_api import RuntimeInvocation, trace_of
from wspubsub.local.functions.waiting import Owner
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import BatchLine, Journal
from wspubsub.mappings.payloads import Record
from wspubsub.mappings.verdicts import BatchVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDelivery:
    """A batch on its way to the handler.

    Attributes:
        source: What it comes from, such as `aws:sqs`.
        records: The batch.
        items: Identifiers of the records.
        retries: How often it was tried before.
    """

    source: str
    records: Sequence[Record]
    items: Sequence[str]
    retries: int = 0


Deliver = Callable[[BatchDelivery], Awaitable[BatchVerdict]]
"""Delivers a batch to the handler and says how it ended."""


class Deliveries:
    """Invokes the handler for event sources.

    Args:
        fleet: The handler.
        journal: Hears of each batch.
        recorder: Hears of it too, and why.
    """

    def __init__(self, fleet: Fleet, journal: Journal, recorder: Recorder) -> None:
        self._fleet = fleet
        self._journal = journal
        self._recorder = recorder

    async def deliver(self, delivery: BatchDelivery) -> BatchVerdict:
        """Deliver one batch."""
        event = {"Records": list(delivery.records)}
        invocation_id = str(uuid.uuid4())
        invocation = RuntimeInvocation(
            request_id=invocation_id, event=event, trace_id=trace_of(event)
        )
        cause = self._recorder.add(
            "batch", 0, 0, delivery.source, len(delivery.records), delivery.retries
        )
        number = self._recorder.add_invocation(
            cause, invocation, function=self._fleet.name, route_key=delivery.source
        )
        self._journal.open_posts(number)
        outcome = await self._fleet.invoke(
            invocation, Owner(name=delivery.source, is_batch=True)
        )
        self._recorder.add("result", number, 0, outcome)
        verdict = BatchVerdict.of(outcome.result, delivery.items)
        self._journal.log_batch(
            BatchLine(
                source=delivery.source,
                records=len(delivery.records),
                failed=sum(item in verdict.failed for item in delivery.items),
                retries=delivery.retries,
                invocation_id=invocation_id,
                seconds=outcome.seconds,
                outcome=verdict.outcome,
                error=verdict.error,
            ),
            outcome,
            number=number,
        )
        return verdict
