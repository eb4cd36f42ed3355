"""The invocations of a function that wait for an environment.

What waits is taken in turn between its owners. On AWS batches of records have
environments of their own; here they leave one to the others.
"""

import asyncio
from dataclasses import dataclass

from wspubsub.gateway import InvocationResult
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.functions.turns import Turns


class WithdrawnError(Exception):
    """An invocation that had not begun, and that nobody waits for any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationOutcome:
    """How an invocation ended.

    Attributes:
        result: What the function returned, or how it failed.
        seconds: How long it ran.
        environment: Name of the environment it ran in; empty if there was none.
        is_cold: Whether it was the first one there.
    """

    result: InvocationResult
    seconds: float
    environment: str = ""
    is_cold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom an invocation is for.

    Attributes:
        name: Tells owners apart.
        is_batch: Whether it is an event source, whose invocations are batches.
    """

    name: str = ""
    is_batch: bool = False


class WaitingInvocation:
    """An invocation that has not begun, or not ended.

    Args:
        invocation: What to run.
        owner: Whom it is for.

    Attributes:
        outcome: How it ended, or `WithdrawnError`.
    """

    def __init__(self, invocation: RuntimeInvocation, owner: Owner) -> None:
        self.invocation = invocation
        self.owner = owner
        self.outcome: asyncio.Future[InvocationOutcome]
        self.outcome = asyncio.get_running_loop().create_future()


class WaitingInvocations:
    """Invocations in the order in which they are to begin.

    Args:
        max_batches: How many batches of records run at a time.
    """

    def __init__(self, *, max_batches: int) -> None:
        self._max_batches = max_batches
        self._running_batches = 0
        self._turns: Turns[Owner, WaitingInvocation] = Turns()
        self._by_id: dict[str, WaitingInvocation] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, invocation: RuntimeInvocation, owner: Owner) -> WaitingInvocation:
        """Let an invocation wait."""
        waiting = WaitingInvocation(invocation, owner)
        self._turns.add(owner, waiting)
        self._by_id[invocation.request_id] = waiting
        return waiting

    def begin(self) -> WaitingInvocation | None:
        """Remove and return the next one that may begin, or None."""
        waiting = self._turns.take(self._may_begin)
        if waiting is not None:
            self._by_id.pop(waiting.invocation.request_id, None)
            self._running_batches += waiting.owner.is_batch
        return waiting

    def end(self, waiting: WaitingInvocation, outcome: InvocationOutcome) -> None:
        """Report how one ended that had begun."""
        self._running_batches -= waiting.owner.is_batch
        if not waiting.outcome.done():  # nobody waits when the gateway ends
            waiting.outcome.set_result(outcome)

    def withdraw(self, request_id: str) -> None:
        """Let one go, unless it has begun."""
        waiting = self._by_id.pop(request_id, None)
        if waiting is not None:
            self._turns.remove(waiting.owner, waiting)
            waiting.outcome.set_exception(WithdrawnError)

    def _may_begin(self, owner: Owner) -> bool:
        return not owner.is_batch or self._running_batches < self._max_batches
