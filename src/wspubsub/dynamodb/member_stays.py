"""The stays of users in topics, in the table.

A stay is an item beside those of who is present, with the number of its last change.
Whoever ends it has read them first. A connection that comes after that read writes its
own presence and then changes the stay, so that it cannot be ended any more, or finds
that it has ended.

Of connections that find a stay abandoned at the same time only the first to change it
sees how old it was. Who is present then may be the others, so only those count that
came before the stay was changed last.
"""

from collections.abc import Callable

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import (
    TTL_ATTRIBUTE,
    Item,
    Written,
    is_live,
    presence_partition,
    read_expiry,
    stay_key,
)
from wspubsub.dynamodb.member_items import (
    encode_texts,
    is_awaited,
    is_stay,
    make_request,
    next_number,
    number as as_number,
    read_number,
    read_presence,
)
from wspubsub.subscriptions.sessions import Presence
from wspubsub.subscriptions.stays import END_MARGIN_SECONDS


class MemberStays:
    """See `Stays`.

    Args:
        table: The table.
        stamp: Says when something is written.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        table: TableAccess,
        stamp: Callable[[], Written],
        now: Callable[[], float],
    ) -> None:
        self._table = table
        self._stamp = stamp
        self._now = now

    def begin(self, topic: str, who: Presence, *, grace_seconds: float) -> bool:
        """See `Stays.begin`.

        Costs 1 write unit for each KB of `info`; if nothing has happened to the stay
        for longer than the user may be absent, also 1 read unit for each 4 KB of all
        present.
        """
        old = self._change(topic, who, grace_seconds)
        if old is None or not is_live(old, self._now()):
            return True
        return not is_awaited(old, self._now()) and self._is_abandoned(topic, old)

    def pause(self, topic: str, who: Presence, *, grace_seconds: float) -> int:
        """See `Stays.pause`. Costs 1 write unit for each KB of `info`."""
        return next_number(self._change(topic, who, grace_seconds))

    def find_absent(self, topic: str, user: str, number: int) -> Presence | None:
        """See `Stays.find_absent`. Costs 1 read unit for each 4 KB of all present."""
        who = None
        for item in self._table.all(presence_partition(topic)):
            if item["user_id"] != {"S": user} or not is_live(item, self._now()):
                continue
            if not is_stay(item) or read_number(item) != number:
                return None
            who = read_presence(item)
        return who

    def end(self, topic: str, user: str, number: int) -> bool:
        """See `Stays.end`. Costs 1 write unit."""
        values = {":n": as_number(number)}
        key = stay_key(user, topic)
        return self._table.attempt(self._table.delete, key, "n = :n", values).is_done

    def _is_abandoned(self, topic: str, old: Item) -> bool:
        present = (
            item
            for item in self._table.all(presence_partition(topic))
            if item["user_id"] == old["user_id"] and not is_stay(item)
        )
        now, last = self._now(), read_expiry(old)
        return not any(
            is_live(item, now) and read_expiry(item) <= last for item in present
        )

    def _change(self, topic: str, who: Presence, grace_seconds: float) -> Item | None:
        written = self._stamp()
        sets = {
            "user_id": {"S": who.user},
            "c": {"S": who.connection_id},
            "u": as_number(written.at + grace_seconds + END_MARGIN_SECONDS),
            TTL_ATTRIBUTE: as_number(written.expires_at),
        }
        sets |= encode_texts({"info": who.info, "i": who.topic_info})
        request = make_request(sets, ["i", "info"], counts="n")
        return self._table.update(stay_key(who.user, topic), **request)
