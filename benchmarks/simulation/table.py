"""A DynamoDB table in virtual time: what a topic's log asks of one partition."""

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.simulation.clock import VirtualClock

Item = Mapping[str, Any]

BYTES_PER_WRITE_UNIT, BYTES_PER_READ_UNIT = 1024, 4096
WRITE_UNITS_PER_SECOND, READ_UNITS_PER_SECOND = 1000.0, 3000.0
"""What one partition takes ("Quotas in Amazon DynamoDB")."""

JITTER = 0.3


class SimulatedTable:
    """The items of one partition key, with entries of a log and what is beside them.

    A request takes its time, half of it before it has its effect. More units than a
    partition takes are refused, as DynamoDB does.

    Args:
        clock: Virtual time.
        latency_seconds: How long a request takes, on average.
        is_limited: Whether it refuses what is too much.

    Attributes:
        requests: How many there were, by operation.
        write_units: What they have consumed.
        read_units: What they have consumed.
        throttled: How many were refused because there were too many.
    """

    def __init__(
        self, clock: VirtualClock, latency_seconds: float, *, is_limited: bool = True
    ) -> None:
        self._is_limited = is_limited
        self.requests = {"PutItem": 0, "Query": 0}
        self.write_units = 0
        self.read_units = 0
        self.throttled = 0
        self._clock = clock
        self._latency = latency_seconds
        self._names: list[str] = []
        self._items: dict[str, Item] = {}
        self._writes = _Capacity(clock, WRITE_UNITS_PER_SECOND)
        self._reads = _Capacity(clock, READ_UNITS_PER_SECOND)

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Put an item, unless its condition says that there must be none."""
        self._travel("PutItem")
        item = request["Item"]
        name = item["sk"]["S"]
        old = self._items.get(name)
        refused = old is not None and "ConditionExpression" in request
        # A write that is refused is charged by the item that is there.
        units = math.ceil(
            _size(old if refused and old else item) / BYTES_PER_WRITE_UNIT
        )
        self.write_units += units
        self._take(self._writes, units, "PutItem")
        if refused:
            self._come_back()
            raise _error("ConditionalCheckFailedException", "PutItem", Item=old)
        if old is None:
            self._names.insert(bisect_left(self._names, name), name)
        self._items[name] = item
        self._come_back()
        return {}

    def query(self, **request: Any) -> dict[str, Any]:
        """Return the items in a range, or the last one of it."""
        self._travel("Query")
        values = request["ExpressionAttributeValues"]
        first = values.get(":first", {"S": ""})["S"]
        low = bisect_left(self._names, first)
        high = bisect_left(self._names, values[":last"]["S"] + "\0")
        names = self._names[low:high]
        if "Limit" in request:
            names = names[-request["Limit"] :]
        items = [self._items[name] for name in names]
        units = max(1, math.ceil(sum(map(_size, items)) / BYTES_PER_READ_UNIT))
        self.read_units += units
        self._take(self._reads, units, "Query")
        self._come_back()
        return {"Items": items}

    def _travel(self, operation: str) -> None:
        self.requests[operation] += 1
        self._come_back()

    def _come_back(self) -> None:
        jitter = random.uniform(1 - JITTER, 1 + JITTER)
        self._clock.sleep(self._latency / 2 * jitter)

    def _take(self, capacity: "_Capacity", units: int, operation: str) -> None:
        if not self._is_limited or capacity.take(units):
            return
        self.throttled += 1
        self._come_back()
        raise _error("ProvisionedThroughputExceededException", operation)


class _Capacity:
    """Units that a partition takes: so many a second, and a second's at once."""

    def __init__(self, clock: VirtualClock, per_second: float) -> None:
        self._clock = clock
        self._per_second = per_second
        self._left = per_second
        self._at = 0.0

    def take(self, units: int) -> bool:
        now = self._clock()
        gained = (now - self._at) * self._per_second
        self._left = min(self._per_second, self._left + gained)
        self._at = now
        # DynamoDB knows what a request consumes when it is done.
        if self._left <= 0:
            return False
        self._left -= units
        return True


def _error(code: str, operation: str, **details: object) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, **details}
    return ClientError(answer, operation)


def _size(item: Item) -> int:
    """Return how many bytes DynamoDB counts for an item."""
    return sum(len(name) + sum(_value_sizes(value)) for name, value in item.items())


def _value_sizes(value: Item) -> Iterator[int]:
    for kind, content in value.items():
        if kind == "L":
            yield 3 + sum(1 + sum(_value_sizes(each)) for each in content)
        elif kind == "M":
            yield 3 + len(content) + _size(content)
        else:
            # A number takes a byte for two digits; this counts each of them.
            yield len(content) if hasattr(content, "__len__") else 1
