"""Publishers that are held back until a subscriber has its reply.

A publisher that finds a subscriber held leaves a trace on it instead of posting. The
subscriber's function reads the log until it can release the subscriber without having
missed a trace.
"""

from collections.abc import Callable
from functools import partial

from wspubsub.dynamodb.access import ConditionalWrite, TableAccess
from wspubsub.dynamodb.items import Item, is_live, subscriber_key
from wspubsub.dynamodb.member_hold_items import (
    is_held,
    read_traces,
    told_item,
)
from wspubsub.dynamodb.member_items import (
    make_request,
    number,
    read_member,
    read_number,
)
from wspubsub.dynamodb.shards import ShardPlan
from wspubsub.subscriptions.sessions import Member

_IS_HELD = "attribute_exists(h) AND expires_at > :now"
_IS_OURS = "attribute_exists(h) AND n = :n"
_HAS_NO_NEW_MARK = "attribute_not_exists(lost) OR lost = o"


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

    def trace(self, topic: str, connection_id: str) -> Member | None:
        """Leave a trace on a subscriber if it is held, and return it."""
        member = None
        for shard in self._plan.candidates(connection_id, topic):
            key = subscriber_key(connection_id, topic, shard)
            is_traced, found = self.trace_item(key)
            if found is not None and is_live(found, self._now()):
                member = read_member(found)
            if is_traced:
                break
        return member

    def trace_item(self, key: Item) -> ConditionalWrite:
        """Leave a trace on the item of a subscriber if it is held."""
        request = make_request({}, counts="t")
        values = {":now": number(self._now())}
        return self._table.attempt(self._table.update, key, _IS_HELD, values, **request)

    def release(
        self,
        connection_id: str,
        topic: str,
        began: int,
        traces: int,
        told: tuple[str, int],
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
        end = partial(self._end, key, values, told_item(told))
        done, found = end(
            f"{condition} AND ({_HAS_NO_NEW_MARK})", ["h", "t", "o", "lost"]
        )
        if not done and _count_traces(found, began) == traces:
            # What was lost meanwhile, a publisher will tell the client.
            done, found = end(condition, ["h", "t", "o"])
        return None if done else _count_traces(found, began)

    def _end(
        self,
        key: Item,
        values: Item,
        told: Item,
        condition: str,
        removes: list[str],
    ) -> ConditionalWrite:
        request = make_request(told, removes)
        known = request.pop("ExpressionAttributeValues")
        return self._table.attempt(
            self._table.update, key, condition, known | values, **request
        )


def _count_traces(item: Item | None, began: int) -> int | None:
    """Return how many traces are on what this subscribe holds; None if it does not."""
    if item is None or not is_held(item) or read_number(item) != began:
        return None
    return read_traces(item)
