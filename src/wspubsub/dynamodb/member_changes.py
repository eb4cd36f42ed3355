"""What changes of a subscription while it lasts: until when, and what was lost."""

from collections.abc import Callable

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import (
    Item,
    is_ever_present,
    is_live,
    presence_key,
    read_shard,
    read_topic,
    subscriber_key,
    topic_key,
)
from wspubsub.dynamodb.member_hold_items import (
    is_held,
)
from wspubsub.dynamodb.member_holds import MemberHolds
from wspubsub.dynamodb.member_items import (
    make_request,
    make_said_request,
    make_token_request,
    make_until_request,
    number,
    read_number,
    read_until,
)
from wspubsub.dynamodb.shards import ShardPlan
from wspubsub.subscriptions.sessions import Session, earliest

_IS_LIVE = "attribute_not_exists(leaving) AND expires_at > :now"
_CAN_BE_MARKED = (
    "attribute_exists(pk) AND (attribute_not_exists(lost) OR lost > :lost) "
    "AND expires_at > :now"
)


class MemberChanges:
    """Extends subscriptions, and marks what was lost.

    Args:
        table: The table.
        plan: Where subscriptions are.
        holds: Leaves traces on those who are held.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        table: TableAccess,
        plan: ShardPlan,
        holds: MemberHolds,
        now: Callable[[], float],
    ) -> None:
        self._table = table
        self._holds = holds
        self._plan = plan
        self._now = now

    def mark(self, topic: str, connection_id: str, offset: int) -> bool:
        """Note what a subscriber has lost and return whether it is one."""
        return any(
            self._mark_item(subscriber_key(connection_id, topic, shard), offset)
            for shard in self._plan.candidates(connection_id, topic)
        )

    def _mark_item(self, key: Item, offset: int) -> bool:
        while True:
            done, old = self._table.attempt(
                self._table.update,
                key,
                _CAN_BE_MARKED,
                {":now": number(self._now())},
                **make_request({"lost": number(offset)}),
            )
            if done:
                return True
            if old is None or not is_live(old, self._now()):
                return False
            # An older mark that a subscribe has seen goes when that is released, so it
            # has to notice this one. It may have been released just now.
            if not is_held(old) or self._holds.trace_item(key).is_done:
                return True

    def renew(self, session: Session, before: Item, topic_item: Item) -> None:
        """Let a subscription expire with its session, for publishers.

        Args:
            session: The session as it is now.
            before: The record of the connection as it was before.
            topic_item: The item of the topic of the connection.
        """
        first = earliest(session.expires_at, read_until(topic_item))
        self._set_until(session.connection_id, topic_item, first)
        if before.get("info", {}).get("S") != session.info:
            self._say(session.connection_id, topic_item, "info", session.info)

    def renew_topic(
        self, session: Session, topic: str, until: float | None, info: str | None
    ) -> bool:
        """Change what a subscription's token says, and return whether there is one."""
        done, old = self._table.attempt(
            self._table.update,
            topic_key(session.connection_id, topic),
            _IS_LIVE,
            {":now": number(self._now())},
            **make_token_request(until, "i", info),
        )
        if not done or old is None:
            return False
        first = earliest(session.expires_at, until)
        self._set_until(session.connection_id, old, first)
        if old.get("i", {}).get("S") != info:
            self._say(session.connection_id, old, "i", info)
        return True

    def _say(
        self, connection_id: str, topic_item: Item, name: str, text: str | None
    ) -> None:
        """Change what is said about a connection that may be present."""
        if not is_ever_present(topic_item):
            return
        self._table.attempt(
            self._table.update,
            presence_key(connection_id, str(read_topic(topic_item))),
            "attribute_exists(pk) AND expires_at > :now",
            {":now": number(self._now())},
            **make_said_request(name, text),
        )

    def _set_until(
        self, connection_id: str, topic_item: Item, until: float | None
    ) -> None:
        topic, shard = str(read_topic(topic_item)), read_shard(topic_item)
        # A later command knows better until when its subscription lasts.
        self._table.attempt(
            self._table.update,
            subscriber_key(connection_id, topic, shard),
            "n = :n",
            {":n": number(read_number(topic_item))},
            **make_until_request(until),
        )
