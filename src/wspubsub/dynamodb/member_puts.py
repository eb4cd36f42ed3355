"""How a subscribe writes the subscriber of a topic, and learns what was lost.

Where publishers are held back the mark of what was lost stays where it is until they
are released, so that a function which stops in between loses none. It remembers in the
item which mark it saw: another one that is written meanwhile survives the release.
"""

from collections.abc import Callable

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import Item, key_of, subscriber_key
from wspubsub.dynamodb.member_hold_items import (
    make_held_request,
    read_seen,
)
from wspubsub.dynamodb.member_items import (
    IS_NEWER,
    first_until,
    member_item,
    number,
    read_lost,
    read_number,
)
from wspubsub.dynamodb.member_steps import Lost, NewSubscription, Step
from wspubsub.subscriptions.sessions import UNKNOWN_OFFSET


class MemberPuts:
    """Writes subscribers.

    Args:
        table: The table.
        now: Clock, in seconds since the epoch.
    """

    def __init__(self, table: TableAccess, now: Callable[[], float]) -> None:
        self._table = table
        self._now = now

    def write(self, step: Step, entry: NewSubscription, lost: Lost) -> None:
        """Write the subscriber, unless a later command has, and learn what was lost."""
        item = member_item(
            subscriber_key(step.connection_id, step.topic, step.shards[0]),
            entry.subscription,
            first_until(entry.session, entry.subscription.until),
            entry.written.expires_at,
        )
        item["n"] = number(step.number)
        values = {":n": number(step.number), ":now": number(self._now())}
        if entry.is_held:
            self._hold(item, values, step, lost)
        else:
            self._put(item, values, step, lost)

    def _put(self, item: Item, values: Item, step: Step, lost: Lost) -> None:
        # Until the answer is there, nobody knows what this takes away.
        lost.offset = UNKNOWN_OFFSET
        done, old = self._table.attempt(
            self._table.put, item, IS_NEWER, values, ReturnValues="ALL_OLD"
        )
        if done:
            lost.offset = read_lost(old, self._now())
        elif old is None or read_number(old) != step.number:
            # A later command has written there, and knows what was lost.
            lost.offset = None

    def _hold(self, item: Item, values: Item, step: Step, lost: Lost) -> None:
        request = make_held_request(item, self._now())
        done, old = self._table.attempt(
            self._table.update, key_of(item), IS_NEWER, values, **request
        )
        if done:
            lost.offset = read_lost(old, self._now())
        elif old is not None and read_number(old) == step.number:
            # It is what a first attempt wrote whose answer was lost.
            lost.offset = read_seen(old)
