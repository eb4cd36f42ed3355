"""The invocations of a gateway that have not ended: run, withdrawn, and reported."""

from collections.abc import Callable

from wspubsub.gateway import InvocationResult, Invoke, Raised
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.functions.runtime_api import RuntimeInvocation, trace_of
from wspubsub.local.functions.waiting import Owner, WithdrawnError
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal
from wspubsub.local.tasks import Tasks

_WITHDRAWN = Raised("Withdrawn", "nobody waits for it any more")


class RunningInvocations:
    """Has functions run what the gateway invokes.

    Args:
        functions: The functions.
        journal: Hears what happens.
        recorder: Hears what happens, and why.
        finish: Called with each invocation that has ended, its result, and its number
            in the recorder.
    """

    def __init__(
        self,
        functions: DeployedFunctions,
        journal: Journal,
        recorder: Recorder,
        finish: Callable[[Invoke, InvocationResult, int], None],
    ) -> None:
        self._functions = functions
        self._journal = journal
        self._recorder = recorder
        self._finish = finish
        self._awaited: dict[str, Fleet] = {}
        self._tasks = Tasks()

    def start(self, invoke: Invoke, cause: int) -> None:
        """Run an invocation as soon as its function has room for it."""
        self._tasks.spawn(self._run(invoke, cause))

    def withdraw(self, invocation_id: str) -> None:
        """Let an invocation go that nobody waits for, unless it has begun."""
        if (fleet := self._awaited.get(invocation_id)) is not None:
            fleet.withdraw(invocation_id)

    async def close(self) -> None:
        """Forget them."""
        await self._tasks.close()

    async def _run(self, invoke: Invoke, cause: int) -> None:
        fleet = self._awaited[invoke.invocation_id] = self._functions.find(invoke)
        invocation = RuntimeInvocation(
            request_id=invoke.invocation_id,
            event=invoke.event,
            trace_id=trace_of(invoke.event),
        )
        own_route_key = self._functions.find_own_route_key(invoke)
        number = self._recorder.add_invocation(
            cause,
            invocation,
            function=fleet.name,
            connection=invoke.connection_id,
            route_key=invoke.event["requestContext"]["routeKey"],
            own_route_key=own_route_key,
        )
        self._journal.open_posts(number)
        result: InvocationResult
        try:
            outcome = await fleet.invoke(invocation, _owner(invoke))
        except WithdrawnError:
            result = _WITHDRAWN
            self._journal.log_withdrawn(
                invoke, function=fleet.name, own_route_key=own_route_key
            )
            self._recorder.add("result", number, 0, "withdrawn")
        else:
            result = outcome.result
            self._journal.log_invoked(
                invoke,
                outcome,
                function=fleet.name,
                own_route_key=own_route_key,
                number=number,
            )
            self._recorder.add("result", number, 0, outcome)
        del self._awaited[invoke.invocation_id]
        self._finish(invoke, result, number)


def _owner(invoke: Invoke) -> Owner:
    # No client waits for the end of another's connection: all ends are one owner.
    is_end = invoke.event["requestContext"]["eventType"] == "DISCONNECT"
    return Owner(name="" if is_end else invoke.connection_id)
