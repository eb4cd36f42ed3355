"""By which names invocations are found."""

from collections import deque

MAX_INVOCATIONS = 2_000
"""How many are known at least."""


class InvocationNames:
    """Finds the numbers of the last invocations by request ID and trace header.

    AWS's SDKs send the header of the invocation as it is. A tracer puts a parent of its
    own in, so by that or by the root it is found too; but no header is taken apart
    before somebody asks for what is not known as a whole.
    """

    def __init__(self) -> None:
        self._whole = _Names()
        self._parts = _Names()
        self._new: deque[tuple[str, int]] = deque(maxlen=MAX_INVOCATIONS)

    def add(self, request_id: str, trace_id: str, number: int) -> None:
        """Name an invocation."""
        self._whole.add(request_id, number)
        self._whole.add(trace_id, number)
        self._new.append((trace_id, number))

    def find(self, name: str) -> int:
        """Return the number of an invocation; 0 if none has the name."""
        return self._whole.find(name) or self._find_part(name)

    def _find_part(self, name: str) -> int:
        while self._new:
            trace_id, number = self._new.popleft()
            for part in _split(trace_id):
                self._parts.add(part, number)
        return next(filter(None, map(self._parts.find, _split(name))), 0)


class _Names:
    """Numbers by name, of which the oldest go together when there are too many."""

    def __init__(self) -> None:
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def add(self, name: str, number: int) -> None:
        self._new[name] = number
        if len(self._new) > 2 * MAX_INVOCATIONS:
            self._old, self._new = self._new, {}

    def find(self, name: str) -> int:
        return self._new.get(name) or self._old.get(name, 0)


def _split(trace_id: str) -> list[str]:
    """Return what a trace header names an invocation by, the narrowest first."""
    parts = dict(each.strip().partition("=")[::2] for each in trace_id.split(";"))
    return [f"{key}={parts[key]}" for key in ("Parent", "Root") if key in parts]
