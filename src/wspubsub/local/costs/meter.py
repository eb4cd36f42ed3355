"""Counts what API Gateway and Lambda bill, from what a gateway has recorded."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wspubsub.faults.occasions import topics_of
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.inspector.ring import Entry

STEP_BYTES = 32_768
"""A message is billed for each 32 KB of it ("Amazon API Gateway pricing")."""


def count_messages(size: int) -> int:
    """Return as how many messages one of this many bytes is billed."""
    return max(1, math.ceil(size / STEP_BYTES))


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

    def take(self, entry: Entry) -> None:
        """Count an entry of the recorder."""
        at, kind, fields = entry.at, entry.kind, entry.fields
        if kind == "frame":
            self._take_frame(at, fields)
        elif kind == "sent":
            size = len(fields["message"].text.encode())
            self.messages_out += count_messages(size)
        elif kind == "invocation":
            # What the inspector asks the handler for is not an event of AWS's.
            if "method" not in fields:
                self._causes[entry.number] = _cause_of(fields)
        elif kind == "result":
            self._take_result(entry.parent, fields["outcome"])
        else:
            self._take_other(at, kind, fields)

    def _take_frame(self, at: float, fields: Mapping[str, Any]) -> None:
        frame, connection_id = fields["frame"], fields["connection"]
        size = self._partial.pop(connection_id, 0) + len(frame.data)
        if frame.is_final:
            self.messages_in += count_messages(size)
            self._take_request(at)
        else:
            self._partial[connection_id] = size

    def _take_other(self, at: float, kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "post":
            self.requests[fields["method"]] += 1
            self._take_request(at)
        elif kind == "opened":
            self.opened[fields["connection"]] = at
            self._take_request(at)
        elif kind == "closed":
            connection_id = fields["close"].connection_id
            self._partial.pop(connection_id, None)
            began = self.opened.pop(connection_id, at)
            self.connection_seconds += at - began

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
            data, way = entry.fields["frame"].data, "in"
        elif entry.kind == "sent":
            data, way = entry.fields["message"].text.encode(), "out"
        else:
            continue
        for topic in topics_of(data):
            counts = topics.setdefault(topic, {"in": 0, "out": 0})
            counts[way] += count_messages(len(data))
    return topics


def _cause_of(fields: Mapping[str, Any]) -> Cause:
    name: str = fields["route_key"]
    if "connection" not in fields:
        return Cause(name, is_source=True)
    return Cause(name if fields["function"] != "authorizer" else f"{name} authorizer")
