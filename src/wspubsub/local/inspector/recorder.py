"""What the gateway reports while it works.

Nobody may be looking, so a report is an entry with the objects that are there anyway;
what they look like on the page is worked out when somebody reads them.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from wspubsub.local.costs.meter import Meter
from wspubsub.local.functions.runtime_api import RuntimeInvocation
from wspubsub.local.inspector.ring import Ring

_ENTRY_BYTES = 500
_EVENT_BYTES = 5_000  # what a Lambda event takes besides its body
_MAX_UNNAMED = 2_000
_MAX_NAMES = 6_000  # by which invocations are found


class Recorder:
    """Keeps what happens, and knows which invocation was which.

    Args:
        ring: Where to; None keeps nothing.
        now: Clock, in seconds since the epoch.

    Attributes:
        ring: See above.
        meter: Counts what would be billed.
    """

    def __init__(
        self, ring: Ring | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.ring = ring
        self._now = now
        self.meter = Meter()
        self._invocations: dict[str, int] = {}
        self._unnamed: deque[tuple[RuntimeInvocation, int]] = deque(maxlen=_MAX_UNNAMED)

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
        at = self._now()
        number = self.ring.add(at, kind, parent, size + _ENTRY_BYTES, fields)
        self.meter.take(at, kind, number, parent, fields)
        return number

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Report a call of AWS, as the service it was made to has reported it."""
        fields = {name: value for name, value in call.items() if name != "trace"}
        # At most what a line of the service's output holds.
        self.add("call", self.find(call["trace"]), size=_EVENT_BYTES, **fields)

    def add_invocation(
        self, parent: int, invocation: RuntimeInvocation, **fields: Any
    ) -> int:
        """Report an invocation, which other things will name as their cause."""
        if self.ring is None:
            return 0
        number = self.add(
            "invocation",
            parent,
            size=_EVENT_BYTES,
            invocation=invocation,
            **fields,
        )
        self._unnamed.append((invocation, number))
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
            invocation, number = self._unnamed.popleft()
            for name in (invocation.request_id, *_names_in(invocation.trace_id)):
                self._invocations.pop(name, None)
                self._invocations[name] = number
        while len(self._invocations) > _MAX_NAMES:
            del self._invocations[next(iter(self._invocations))]


def _names_in(trace_id: str) -> list[str]:
    """Return what a trace header names an invocation by, the narrowest first.

    A tracer sends a parent of its own, so its root is looked for as well.
    """
    parts = dict(each.strip().partition("=")[::2] for each in trace_id.split(";"))
    return [f"{key}={parts[key]}" for key in ("Parent", "Root") if key in parts]
