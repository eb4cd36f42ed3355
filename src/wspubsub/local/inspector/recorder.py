"""What the gateway reports while it works.

Nobody may be looking, so a report is a tuple with the texts and objects that are there
anyway; what they look like on the page is worked out when somebody reads them.
"""

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from wspubsub.gateway import Handshake
from wspubsub.local.costs.meter import Meter
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.inspector.invocation_names import InvocationNames
from wspubsub.local.inspector.ring import Ring

_CALL_BYTES = 5_000


class Recorder:
    """Keeps what happens, and knows which invocation was which.

    Args:
        ring: Where to; None keeps nothing.
        now: Clock, in seconds since the epoch.

    Attributes:
        ring: See above.
    """

    def __init__(
        self, ring: Ring | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.ring = ring
        self._now = now
        self._gone = Meter()
        self._names = InvocationNames()
        if ring is not None:
            ring.on_drop = self._gone.take

    def add(self, kind: str, parent: int, size: int, *values: object) -> int:
        """Report something and return the number of its entry; 0 if it is not kept.

        Args:
            kind: What it is.
            parent: Number of the entry that caused it, or 0.
            size: How many bytes of text it has.
            values: Of its `FIELDS`; the last ones may be left out.
        """
        if self.ring is None:
            return 0
        return self.ring.add((self._now(), kind, parent, size, values))

    def measure(self) -> Meter:
        """Return what would be billed for all that has been reported."""
        meter = deepcopy(self._gone)
        for number, raw in () if self.ring is None else self.ring.raw_entries():
            meter.take(number, raw)
        return meter

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Report a call of AWS, as the service it was made to has reported it."""
        told = {name: value for name, value in call.items() if name != "trace"}
        # At most what a line of the service's output holds.
        self.add("call", self.find(call["trace"]), _CALL_BYTES, told)

    def add_invocation(
        self,
        parent: int,
        invocation: RuntimeInvocation,
        *,
        function: str,
        connection: str | None = None,
        route_key: str | None = None,
        own_route_key: str | None = None,
        replayed: int | None = None,
    ) -> int:
        """Report an invocation, which other things will name as their cause.

        Args:
            parent: Number of the entry that caused it, or 0.
            invocation: The invocation.
            function: Name of the function; empty if the gateway itself did it.
            connection: The client that it is about, if it is about one.
            route_key: The API's route, or the event source.
            own_route_key: The route that the function's router has for it.
            replayed: Number of the invocation whose event it handles again.
        """
        if self.ring is None:
            return 0
        event = invocation.encoded
        number = self.add(
            "invocation",
            parent,
            len(event),
            connection,
            route_key,
            own_route_key,
            function,
            invocation.request_id,
            event,
            invocation.method or None,
            replayed,
        )
        self._names.add(invocation.request_id, invocation.trace_id, number)
        return number

    def find(self, name: str) -> int:
        """Return the invocation with a request ID or a trace header; 0 if none has."""
        return self._names.find(name) if name and self.ring is not None else 0


def measure_headers(handshake: Handshake) -> int:
    """Return the size of a handshake."""
    return sum(len(name) + len(value) for name, value in handshake.headers)
