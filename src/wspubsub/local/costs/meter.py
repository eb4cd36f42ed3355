"""Counts what API Gateway and Lambda bill, from what a gateway has recorded."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from wspubsub.faults.occasions import topics_of
from wspubsub.gateway import Close
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.ring import Entry, Raw

STEP_BYTES = 32_768
"""A message is billed for each 32 KB of it ("Amazon API Gateway pricing")."""


def count_steps(size: int) -> int:
    """Return as how many messages one of this many bytes is billed."""
    return max(1, math.ceil(size / STEP_BYTES))


def count_messages(text: str) -> int:
    """Return as how many messages a text is billed."""
    # A character takes up to four bytes; few texts have to be encoded to know.
    is_short = len(text) * 4 <= STEP_BYTES
    return 1 if is_short else count_steps(len(text.encode()))


class Cause(NamedTuple):
    """What functions are invoked for.

    Attributes:
        name: A route, or an event source.
        is_source: Whether it is an event source.
    """

    name: str
    is_source: bool = False


class Meter:
    """What has been used, by the entries that it was given in their order.

    Attributes:
        messages_in: Messages from clients, as they are billed.
        messages_out: Messages to clients, as they are billed.
        connection_seconds: How long connections that have ended were open.
        opened: Since when those that are open are.
        requests: Requests to the Management API by method.
        invocations: Invocations by route, and those with records by their source.
        seconds: How long they ran, by the same.
        most_requests: Most requests in a second, of clients and the Management API.
    """

    def __init__(self) -> None:
        self.messages_in = 0
        self.messages_out = 0
        self.connection_seconds = 0.0
        self.opened: dict[str, float] = {}
        self.requests: Counter[str] = Counter()
        self.invocations: Counter[Cause] = Counter()
        self.seconds: defaultdict[Cause, float] = defaultdict(float)
        self.most_requests = 0
        self._partial: Counter[str] = Counter()
        self._causes: dict[int, Cause] = {}
        self._second, self._in_second = 0, 0

    def take(self, number: int, raw: Raw) -> None:
        """Count an entry of the recorder."""
        at, kind, parent, _, values = raw
        match kind:
            case "frame":
                self._take_frame(at, values)
            case "sent":
                self.messages_out += count_messages(values[1])
            case "invocation":
                self._take_invocation(number, values)
            case "result":
                self._take_result(parent, *values)
            case "post":
                self.requests[values[0]] += 1
                self._take_request(at)
            case "opened":
                self.opened[values[0]] = at
                self._take_request(at)
            case "closed":
                self._take_close(at, values[0])
            case _:
                pass  # it costs nothing

    def _take_frame(self, at: float, values: Sequence[Any]) -> None:
        connection_id, data, _, is_final = values
        if not is_final:
            self._partial[connection_id] += len(data)
            return
        size = self._partial.pop(connection_id, 0) if self._partial else 0
        self.messages_in += count_steps(size + len(data))
        self._take_request(at)

    def _take_close(self, at: float, close: Close) -> None:
        self._partial.pop(close.connection_id, None)
        began = self.opened.pop(close.connection_id, at)
        self.connection_seconds += at - began

    def _take_invocation(self, number: int, values: Sequence[Any]) -> None:
        connection, route_key, _, function, _, _, method, *_ = values
        # What the inspector asks the handler for is not an event of AWS's.
        if method is None:
            if function == "authorizer":
                route_key += " authorizer"
            self._causes[number] = Cause(route_key, is_source=connection is None)

    def _take_result(self, parent: int, outcome: object) -> None:
        cause = self._causes.pop(parent, None)
        if cause is not None and isinstance(outcome, InvocationOutcome):
            self.invocations[cause] += 1
            self.seconds[cause] += outcome.seconds

    def _take_request(self, at: float) -> None:
        if int(at) != self._second:
            self._second, self._in_second = int(at), 0
        self._in_second += 1
        self.most_requests = max(self.most_requests, self._in_second)


def count_by_topic(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """Return the billed messages of some entries, in and out, by topic.

    A message counts for the topic that its JSON names.
    """
    topics: dict[str, dict[str, int]] = {}
    for entry in entries:
        if entry.kind == "frame":
            data, way = entry.fields["data"], "in"
        elif entry.kind == "sent":
            data, way = entry.fields["message"].encode(), "out"
        else:
            continue
        for topic in topics_of(data):
            counts = topics.setdefault(topic, {"in": 0, "out": 0})
            counts[way] += count_steps(len(data))
    return topics
