"""Invokes a function for an event source, and tells of it."""

import uuid
from typing import Any

from wspubsub.gateway import InvocationResult
from wspubsub.local.fleet import Fleet
from wspubsub.local.journal import Journal
from wspubsub.local.partial_batches import failed_records
from wspubsub.local.runtime_api import Invocation


class Invoker:
    """Hands batches to a function.

    Args:
        fleet: The function.
        journal: Hears what happens.
    """

    def __init__(self, fleet: Fleet, journal: Journal) -> None:
        self._fleet = fleet
        self.journal = journal

    async def invoke(
        self, source: str, records: list[dict[str, Any]], identifiers: list[str]
    ) -> InvocationResult:
        """Invoke the function with a batch.

        Args:
            source: What the journal calls where it comes from.
            records: The records of the event.
            identifiers: What a partial batch response would name them.
        """
        request_id = str(uuid.uuid4())
        invocation = Invocation(request_id=request_id, event={"Records": records})
        outcome = await self._fleet.invoke(invocation)
        failed = failed_records(outcome.result, identifiers)
        self.journal.sourced(
            source, request_id, outcome, records=len(records), failed=len(failed)
        )
        return outcome.result
