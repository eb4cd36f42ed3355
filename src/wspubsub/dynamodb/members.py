"""The store behind `PubSub` on the table of `DynamoDBSubscriptionStore`."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

from wspubsub.dynamodb.items import (
    Item,
    is_live,
    live_topics,
    presence_partition,
)
from wspubsub.dynamodb.member_changes import MemberChanges
from wspubsub.dynamodb.member_commands import MemberCommands
from wspubsub.dynamodb.member_holds import MemberHolds
from wspubsub.dynamodb.member_items import (
    is_awaited,
    is_stay,
    read_presence,
    read_state,
)
from wspubsub.dynamodb.member_reads import MemberReads
from wspubsub.dynamodb.member_sessions import MemberSessions, make_ended
from wspubsub.dynamodb.member_steps import NewSubscription
from wspubsub.dynamodb.removal import (
    Left,
    Removal,
    report_ended,
)
from wspubsub.dynamodb.store import DynamoDBSubscriptionStore
from wspubsub.dynamodb.timeouts import run_within
from wspubsub.sidebyside import run_each
from wspubsub.subscriptions.members import command_number
from wspubsub.subscriptions.port import check_connection_id, check_topics
from wspubsub.subscriptions.sessions import (
    Began,
    Ended,
    Member,
    Presence,
    Session,
    SessionState,
    Subscription,
    add_stays,
    check_offset,
    check_session,
    check_time,
    check_told,
    check_traces,
    check_user,
)
from wspubsub.topics import validate_topic

if TYPE_CHECKING:
    from wspubsub.subscriptions.stays import Stays


class DynamoDBMemberStore(DynamoDBSubscriptionStore):
    """The store behind `PubSub` in a DynamoDB table.

    Its arguments are those of `DynamoDBSubscriptionStore`, and a plain one on the same
    table sees the same subscribers.
    """

    def _assemble(self) -> None:
        table, plan, now = self._table, self._plan, self._now
        self._members = MemberReads(table, now=now, clock=self._clock)
        self._subscribers = self._members
        self._removal = Removal(table, plan, now, has_presence=True)
        self._sessions = MemberSessions(table, now)
        self._holds = MemberHolds(table, plan, now)
        self._changes = MemberChanges(table, plan, self._holds, now)
        self._commands = MemberCommands(table, plan, self._changes, self._api, now)

    @cached_property
    def stays(self) -> "Stays":
        """See `MemberStore`."""
        # Its module is loaded by this, where a topic has a period of grace.
        from wspubsub.dynamodb.member_stays import MemberStays

        return MemberStays(self._table, self._stamp, self._now)

    def begin_session(self, session: Session) -> bool:
        """See `MemberStore.begin_session`.

        Costs 2 write units, 1 of an anonymous user, and 1 more if it is refused.
        """
        return self._sessions.begin(check_session(session), self._stamp())

    def read_session(self, connection_id: str) -> SessionState:
        """See `MemberStore.read_session`. Costs 1 read unit for each 4 KB."""
        items = self._items_of(check_connection_id(connection_id))
        return read_state(items, self._now())

    def renew_session(self, session: Session) -> bool:
        """See `MemberStore.renew_session`.

        Costs 1 write unit, 1 for each topic, and 1 read unit for each 4 KB; if `info`
        is another, 1 write unit more for each topic with presence.
        """
        session = check_session(session)
        old = self._sessions.renew(session)
        if old is None:
            return False
        topics = live_topics(self._items_of(session.connection_id), self._now())
        run_each(partial(self._changes.renew, session, old), topics)
        return True

    def is_gone(self, connection_id: str) -> bool:
        """See `MemberStore.is_gone`. Costs 1 read unit."""
        return self._sessions.is_gone(check_connection_id(connection_id))

    def end_session(self, connection_id: str) -> Ended:
        """See `MemberStore.end_session`.

        Costs 2 write units, 2 for each topic and 1 more with presence, and 1 read unit
        for each 4 KB.
        """
        connection_id = check_connection_id(connection_id)
        ended: list[Left] = []
        with report_ended(ended):
            self._end_one(connection_id, self._bury(connection_id, ended), ended)
        return make_ended(ended)

    def end_sessions(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Ended:
        """See `MemberStore.end_sessions`.

        Costs as much as `end_session` for each, and 1 read unit more for each 4 KB;
        with a topic that has nobody present, 1 write unit more.
        """
        ended, young = self._end_all(connection_ids, topic, timeout_seconds)
        return make_ended(ended).__replace__(young=young)

    def disconnect(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.disconnect`. Costs as much as `end_session`."""
        left = self.end_session(connection_id).left
        return left.get(connection_id, frozenset())

    def subscribe(self, connection_id: str, *topics: str) -> None:
        """See `SubscriptionStore.subscribe`.

        Costs 2 write units and 1 read unit for each topic. With `max_topics` it costs 1
        read unit more for each 4 KB of the connection's topics.
        """
        connection_id = check_connection_id(connection_id)
        names = list(dict.fromkeys(map(validate_topic, topics)))
        if self._max_topics is not None:
            check_topics(names, self.topics(connection_id), self._max_topics)
        written, subscription = self._stamp(), Subscription(command=0)
        entries = [
            NewSubscription(
                connection_id, name, subscription, None, None, math.inf, written
            )
            for name in names
        ]
        run_each(self._commands.begin, entries)

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`. Costs as much as `end_subscription`."""
        self.end_subscription(connection_id, topic, command=None)

    def begin_subscription(
        self,
        session: Session,
        topic: str,
        *,
        command: int | None,
        called_at: float = math.inf,
        until: float | None = None,
        is_server_side: bool = False,
        has_presence: bool = False,
        is_held: bool = False,
        info: str | None = None,
    ) -> Began:
        """See `MemberStore.begin_subscription`.

        Costs 2 write units, 1 more with presence, and 1 read unit.
        """
        session, topic = check_session(session), validate_topic(topic)
        subscription = Subscription(
            command=0,
            until=check_time("until", until),
            is_server_side=is_server_side,
            has_presence=has_presence,
            info=info,
        )
        return self._commands.begin(
            NewSubscription(
                connection_id=session.connection_id,
                topic=topic,
                subscription=subscription,
                session=session,
                number=None if command is None else command_number(command),
                called_at=called_at,
                written=self._stamp(),
                is_held=is_held,
            )
        )

    def undo_subscription(
        self, connection_id: str, topic: str, number: int
    ) -> Presence | None:
        """See `MemberStore.undo_subscription`. Costs 3 write units."""
        connection_id = check_connection_id(connection_id)
        return self._commands.undo(connection_id, validate_topic(topic), number)

    def end_subscription(
        self, connection_id: str, topic: str, *, command: int | None
    ) -> Presence | None:
        """See `MemberStore.end_subscription`.

        Costs 2 write units, and 1 more with presence.
        """
        connection_id = check_connection_id(connection_id)
        topic = validate_topic(topic)
        number = None if command is None else command_number(command)
        return self._commands.end(connection_id, topic, number)

    def renew_subscription(
        self,
        session: Session,
        topic: str,
        until: float | None,
        *,
        info: str | None = None,
    ) -> bool:
        """See `MemberStore.renew_subscription`.

        Costs 2 write units, and 1 more with presence if `info` is another.
        """
        session, topic = check_session(session), validate_topic(topic)
        until = check_time("until", until)
        return self._changes.renew_topic(session, topic, until, info)

    def mark_lost(
        self,
        topic: str,
        connection_id: str,
        offset: int,
        *,
        timeout_seconds: float | None = None,
    ) -> bool:
        """See `MemberStore.mark_lost`. Costs 1 write unit."""
        connection_id = check_connection_id(connection_id)
        mark = partial(
            self._changes.mark,
            validate_topic(topic),
            connection_id,
            check_offset(offset),
        )
        return run_within(timeout_seconds, mark, "UpdateItem")

    def trace(
        self, topic: str, connection_id: str, *, timeout_seconds: float | None = None
    ) -> Member | None:
        """See `MemberStore.trace`. Costs 1 write unit."""
        connection_id = check_connection_id(connection_id)
        trace = partial(self._holds.trace, validate_topic(topic), connection_id)
        return run_within(timeout_seconds, trace, "UpdateItem")

    def release(
        self,
        connection_id: str,
        topic: str,
        *,
        number: int,
        traces: int,
        told: tuple[str, int],
    ) -> int | None:
        """See `MemberStore.release`. Costs 1 write unit, 2 after a new mark."""
        connection_id = check_connection_id(connection_id)
        topic, traces = validate_topic(topic), check_traces(traces)
        told = check_told(told)
        return self._holds.release(connection_id, topic, number, traces, told)

    def members(
        self,
        topic: str,
        *,
        consistent: bool = True,
        timeout_seconds: float | None = None,
    ) -> Iterator[Member]:
        """See `MemberStore.members`.

        Costs 1 read unit for each 4 KB, half of it if it need not be consistent: about
        15 for 1,000 subscribers of a topic with 10 characters and with tokens that
        expire. It reads ahead as `subscribers` does.
        """
        return self._members.members(
            topic,
            self.whole(topic),
            consistent=consistent,
            seconds=timeout_seconds,
        )

    def presence(self, topic: str) -> tuple[Presence, ...]:
        """See `MemberStore.presence`. Costs 1 read unit for each 4 KB."""
        found = self._table.all(presence_partition(validate_topic(topic)))
        now = self._now()
        items = [item for item in found if is_live(item, now)]
        stays = [
            read_presence(item)
            for item in items
            if is_stay(item) and is_awaited(item, now)
        ]
        present = [read_presence(item) for item in items if not is_stay(item)]
        return add_stays(present, stays)

    def connections_of(self, user: str) -> tuple[str, ...]:
        """See `MemberStore.connections_of`. Costs 1 read unit for each 4 KB."""
        return self._sessions.connections_of(check_user(user))

    def _bury(self, connection_id: str, ended: list[Left]) -> list[Item]:
        # In this order: a subscribe at the same time looks whether its connection is
        # gone after its writes, so either it sees that or its items are among these.
        record = self._sessions.bury(connection_id)
        if record is not None:
            ended.append(Left(connection_id, record=record))
        return self._items_of(connection_id)

    def _before_removal(
        self,
        found: dict[str, list[Item]],
        is_over: Callable[[], bool],
        ended: list[Left],
    ) -> dict[str, list[Item]]:
        def bury(connection_id: str) -> list[Item] | None:
            return None if is_over() else self._bury(connection_id, ended)

        buried = zip(found, run_each(bury, found), strict=True)
        return {each: items for each, items in buried if items is not None}
