"""What the gateway reports while it works.

Nobody may be looking, so a report is an entry with the objects that are there anyway;
what they look like on the page is worked out when somebody reads them.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from wspubsub.local.costs.meter import Meter
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.inspector.ring import Ring

_ENTRY_BYTES = 500
_CALL_BYTES = 5_000
_MAX_UNNAMED = 2_000
_MAX_NAMES = 6_000  # by which invocations are found


class EncodedEvent(NamedTuple):
    """What a function was invoked with.

    As text, which takes less room than its objects do and costs the garbage collector
    nothing, however long it is kept.

    Attributes:
        text: JSON in UTF-8.
    """

    text: bytes


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
        if ring is not None:
            ring.on_drop = self._gone.take
        self._invocations: dict[str, int] = {}
        self._unnamed: deque[tuple[str, str, int]] = deque(maxlen=_MAX_UNNAMED)

    def add(self, kind: str, parent: int = 0, *, size: int = 0, **fields: Any) -> int:
        """Report something and return the number of its entry; 0 if it is not kept.

        Args:
            kind: What it is.
            parent: Number of the entry that caused it, or 0.
            size: How many bytes of text it has.
            fields: What `entries` knows how to describe.
        """
        if self.ring is None:
            return 0
        return self.ring.add(self._now(), kind, parent, size + _ENTRY_BYTES, fields)

    def measure(self) -> Meter:
        """Return what would be billed for all that has been reported."""
        meter = deepcopy(self._gone)
        for entry in () if self.ring is None else self.ring.entries():
            meter.take(entry)
        return meter

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Report a call of AWS, as the service it was made to has reported it."""
        fields = {name: value for name, value in call.items() if name != "trace"}
        # At most what a line of the service's output holds.
        self.add("call", self.find(call["trace"]), size=_CALL_BYTES, **fields)

    def add_invocation(
        self, parent: int, invocation: RuntimeInvocation, **fields: Any
    ) -> int:
        """Report an invocation, which other things will name as their cause.

        Args:
            parent: Number of the entry that caused it, or 0.
            invocation: The invocation.
            fields: `function`, for a batch `route_key`, and what else there is to say.
        """
        if self.ring is None:
            return 0
        number = self.add(
            "invocation",
            parent,
            size=len(invocation.encoded),
            id=invocation.request_id,
            event=EncodedEvent(invocation.encoded),
            **(_find_client(invocation.event) | fields),
        )
        self._unnamed.append((invocation.request_id, invocation.trace_id, number))
        return number

    def find(self, name: str) -> int:
        """Return the invocation with a request ID or a trace header; 0 if none has."""
        if not name:
            return 0
        self._name()
        found = self._invocations.get(name)
        if found is None:
            names = map(self._invocations.get, _names_in(name))
            found = next(filter(None, names), 0)
        return found

    def _name(self) -> None:
        # Not before somebody asks: most invocations cause nothing that has to ask.
        while self._unnamed:
            request_id, trace_id, number = self._unnamed.popleft()
            for name in (request_id, *_names_in(trace_id)):
                self._invocations.pop(name, None)
                self._invocations[name] = number
        while len(self._invocations) > _MAX_NAMES:
            del self._invocations[next(iter(self._invocations))]


def _find_client(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a WebSocket API's event says about its client; of others, nothing."""
    context = event.get("requestContext")
    if context is None:
        return {}
    authorizer = context.get("authorizer")
    return {
        "route_key": context["routeKey"],
        "connection": context["connectionId"],
        "user": authorizer and authorizer.get("principalId"),
    }


def _names_in(trace_id: str) -> list[str]:
    """Return what a trace header names an invocation by, the narrowest first.

    A tracer sends a parent of its own, so its root is looked for as well.
    """
    parts = dict(each.strip().partition("=")[::2] for each in trace_id.split(";"))
    return [f"{key}={parts[key]}" for key in ("Parent", "Root") if key in parts]
