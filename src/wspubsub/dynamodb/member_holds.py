"""Publishers that are held back until a subscriber has its reply.

A publisher that finds a subscriber held leaves a trace on it instead of posting. The
subscriber's function reads the log until it can release the subscriber without having
missed a trace.
"""

from collections.abc import Callable

from wspubsub.dynamodb.access import ConditionalWrite, TableAccess
from wspubsub.dynamodb.items import Item, subscriber_key
from wspubsub.dynamodb.member_items import (
    is_held,
    number,
    read_number,
    read_traces,
    update_request,
)
from wspubsub.dynamodb.shards import ShardPlan

_IS_HELD = "attribute_exists(h) AND expires_at > :now"
_IS_OURS = "attribute_exists(h) AND n = :n"
_HAS_NO_NEW_MARK = "attribute_not_exists(lost) OR lost = o"
_ONE_MORE = "if_not_exists(#t, :zero) + :one"


class MemberHolds:
    """Leaves traces on subscribers that are held, and releases them.

    Args:
        table: The table.
        plan: Where subscriptions are.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self, table: TableAccess, plan: ShardPlan, now: Callable[[], float]
    ) -> None:
        self._table = table
        self._plan = plan
        self._now = now

    def trace(self, topic: str, connection_id: str) -> bool:
        """Leave a trace and return whether the subscriber is held."""
        return any(
            self.trace_item(subscriber_key(connection_id, topic, shard))
            for shard in self._plan.candidates(connection_id, topic)
        )

    def trace_item(self, key: Item) -> bool:
        """Leave a trace on the item of a subscriber and return whether it is held."""
        request = update_request({}, (), {"t": _ONE_MORE})
        request["ExpressionAttributeValues"] = {":zero": number(0), ":one": number(1)}
        values = {":now": number(self._now())}
        return self._table.attempt(
            self._table.update, key, _IS_HELD, values, **request
        ).is_done

    def release(
        self, connection_id: str, topic: str, began: int, traces: int
    ) -> int | None:
        """Release a subscriber and return how many traces have kept it from that."""
        key = subscriber_key(
            connection_id, topic, self._plan.shard(connection_id, topic)
        )
        condition, values = _IS_OURS, {":n": number(began)}
        if traces:
            condition += " AND t = :t"
            values[":t"] = number(traces)
        else:
            condition += " AND attribute_not_exists(t)"
        done, found = self._remove(
            key,
            f"{condition} AND ({_HAS_NO_NEW_MARK})",
            values,
            ["h", "t", "o", "lost"],
        )
        if not done and _count_traces(found, began) == traces:
            # What was lost meanwhile, a publisher will tell the client.
            done, found = self._remove(key, condition, values, ["h", "t", "o"])
        return None if done else _count_traces(found, began)

    def _remove(
        self, key: Item, condition: str, values: Item, names: list[str]
    ) -> ConditionalWrite:
        request = update_request({}, names)
        return self._table.attempt(
            self._table.update, key, condition, values, **request
        )


def _count_traces(item: Item | None, began: int) -> int | None:
    """Return how many traces are on what this subscribe holds; None if it does not."""
    if item is None or not is_held(item) or read_number(item) != began:
        return None
    return read_traces(item)
