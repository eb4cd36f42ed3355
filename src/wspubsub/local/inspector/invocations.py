"""What pages have functions do: handle an event again, and publish as the server."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from wspubsub import errors
from wspubsub.gateway import Raised
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.functions.runtime_api import RuntimeInvocation, trace_of
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.methods import Json, Method, MethodError, read_number
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import Entry, Ring

_LARGEST = 2**53
_KEPT = {"connection", "function", "own_route_key", "route_key"}
PUBLISH = "publish"
"""The method by which a `PubSub` publishes."""


class PageInvocations:
    """Invokes functions because a page asks for it.

    What they return goes to nobody else; what they do is done.

    Args:
        ring: Has the invocations until now.
        recorder: Is told of the new ones.
        functions: The functions.
    """

    def __init__(
        self, ring: Ring, recorder: Recorder, functions: DeployedFunctions
    ) -> None:
        self._ring = ring
        self._recorder = recorder
        self._functions = functions

    @property
    def methods(self) -> dict[str, Method]:
        """What a page may do."""
        return {"replay": self._replay}

    async def publish(self, topic: str, data: object) -> Mapping[str, Any] | None:
        """Have the handler publish, by its own method, as it would in its own code.

        Returns:
            The fields of its report that are set; None if it has no such method.

        Raises:
            MethodError: It could not.
        """
        fleet = self._functions.handler
        arguments = {"topic": topic, "data": data}
        invocation = make_invocation(arguments, method=PUBLISH)
        _, outcome = await self._run(fleet, invocation, function=fleet.name)
        result = outcome.result
        if isinstance(result, Raised):
            raise MethodError(result.message, status=_status_of(result.error_type))
        report: Mapping[str, Any] | None = result.value
        return report

    async def _replay(self, arguments: Json) -> Json:
        number = read_number(arguments, "n", default=0, least=1, most=_LARGEST)
        entry = self._ring.find(int(number))
        if entry is None or entry.kind != "invocation":
            raise MethodError(f"there is no invocation {number:g} any more", status=404)
        name = entry.fields["function"]
        fleet = next((each for each in self._functions if each.name == name), None)
        if fleet is None:
            raise MethodError(f"there is no function {name!r} any more", status=404)
        # What is idle has imported the code as it was then.
        await fleet.renew()
        kept = {key: entry.fields[key] for key in _KEPT & entry.fields.keys()}
        new, _ = await self._run(fleet, _repeat(entry), replayed=entry.number, **kept)
        return {"n": new}

    async def _run(
        self, fleet: Fleet, invocation: RuntimeInvocation, **about: Any
    ) -> tuple[int, InvocationOutcome]:
        number = self._recorder.add_invocation(0, invocation, **about)
        outcome = await fleet.invoke(invocation)
        self._recorder.add("result", number, 0, outcome)
        return number, outcome


def make_invocation(event: Mapping[str, Any], *, method: str) -> RuntimeInvocation:
    """Return an invocation of its own, with a trace header of its own."""
    return RuntimeInvocation(
        request_id=str(uuid.uuid4()),
        event=event,
        trace_id=trace_of(event),
        method=method,
    )


def _repeat(entry: Entry) -> RuntimeInvocation:
    event = json.loads(entry.fields["event"])
    return make_invocation(event, method=entry.fields.get("method", ""))


def _status_of(error_type: str) -> int:
    """Return the HTTP status for an error that publishing has raised."""
    error = getattr(errors, error_type, None)
    is_asked_wrongly = isinstance(error, type) and issubclass(
        error, errors.MessageError | errors.UsageError
    )
    return 400 if is_asked_wrongly else 502
