"""Invoking a function with an event again."""

import json
import uuid

from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.runtime_api import RuntimeInvocation, trace_of
from wspubsub.local.inspector.methods import Json, Method, MethodError, read_number
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.inspector.ring import Entry, Ring

_LARGEST = 2**53


class Replays:
    """Invokes functions with events of former invocations.

    What they return goes to nobody; what they do is done.

    Args:
        ring: Has the invocations.
        recorder: Hears of the new ones.
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
        invocation = _repeat(entry)
        kept = {key: entry.fields[key] for key in _KEPT & entry.fields.keys()}
        new = self._recorder.add_invocation(
            0, invocation, replayed=entry.number, **kept
        )
        outcome = await fleet.invoke(invocation)
        self._recorder.add("result", new, outcome=outcome)
        return {"n": new}


_KEPT = {"function", "own_route_key", "route_key"}


def _repeat(entry: Entry) -> RuntimeInvocation:
    event = json.loads(entry.fields["event"].text)
    return RuntimeInvocation(
        request_id=str(uuid.uuid4()), event=event, trace_id=trace_of(event)
    )
