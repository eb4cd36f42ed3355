"""The store behind `PubSub` in memory, for tests and single-process programs."""

import math
import time
from collections.abc import Callable, Iterable, Iterator

from typing_extensions import override

from wspubsub.subscriptions.members import (
    EXPIRY_GRACE_SECONDS,
    TOMBSTONE_SECONDS,
    command_number,
)
from wspubsub.subscriptions.memory import MemorySubscriptionStore
from wspubsub.subscriptions.memory_commands import (
    Kept,
    MemoryCommands,
    MemoryPresence,
)
from wspubsub.subscriptions.memory_marks import MemoryMarks, check_ids
from wspubsub.subscriptions.memory_sessions import MemorySessions
from wspubsub.subscriptions.memory_stays import MemoryStays
from wspubsub.subscriptions.port import TTL_SECONDS, check_connection_id, check_topics
from wspubsub.subscriptions.sessions import (
    Began,
    Ended,
    Member,
    Presence,
    Session,
    SessionState,
    Subscription,
    add_stays,
    check_session,
    check_time,
    check_user,
    earliest,
)
from wspubsub.topics import validate_topic


class MemoryMemberStore(MemoryMarks, MemorySubscriptionStore):
    """The store behind `PubSub`, for tests and single-process programs.

    Its arguments are those of `MemorySubscriptionStore`.
    """

    def __init__(
        self,
        *,
        api: str | None = None,
        max_topics: int | None = None,
        ttl_seconds: float = TTL_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            api=api, max_topics=max_topics, ttl_seconds=ttl_seconds, now=now
        )
        self._sessions = MemorySessions(now)
        self._commands = MemoryCommands(now)
        self._presence = MemoryPresence(now)
        self.stays = MemoryStays(self._presence, self._lock, ttl_seconds, now)
        self._next_clearing = now() + TOMBSTONE_SECONDS

    def begin_session(self, session: Session) -> bool:
        """See `MemberStore.begin_session`."""
        session = check_session(session)
        connection_id = session.connection_id
        with self._lock:
            self._sweep()
            is_over = self._sessions.has_ended(connection_id)
            if is_over or self._session(connection_id) is not None:
                return False
            self._sessions.keep(session)
            self._connections[connection_id] = session.connection, self._stamp()
            return True

    def read_session(self, connection_id: str) -> SessionState:
        """See `MemberStore.read_session`."""
        connection_id = check_connection_id(connection_id)
        connection = self.connection(connection_id)
        with self._lock:
            return SessionState(
                connection=connection,
                session=self._session(connection_id),
                subscriptions=self._commands.subscriptions(connection_id),
                is_gone=self._sessions.has_ended(connection_id),
            )

    def renew_session(self, session: Session) -> bool:
        """See `MemberStore.renew_session`."""
        session = check_session(session)
        connection_id = session.connection_id
        with self._lock:
            old = self._session(connection_id)
            if old is None:
                return False
            self._sessions.keep(
                old.__replace__(expires_at=session.expires_at, info=session.info)
            )
            topics = self._commands.subscriptions(connection_id)
            for topic, subscription in topics.items():
                self._commands.extend(session, topic, subscription)
                self._presence.change(topic, connection_id, info=session.info)
            return True

    def is_gone(self, connection_id: str) -> bool:
        """See `MemberStore.is_gone`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            return self._session(connection_id) is None

    def end_session(self, connection_id: str) -> Ended:
        """See `MemberStore.end_session`."""
        connection_id = check_connection_id(connection_id)
        with self._lock:
            return self._end([connection_id])

    def end_sessions(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> Ended:
        """See `MemberStore.end_sessions`."""
        ids = frozenset(map(check_connection_id, connection_ids))
        if topic is not None:
            validate_topic(topic)
        with self._lock:
            old, young = self._judge(ids)
            return self._end(old).__replace__(young=young)

    @override
    def subscribe(self, connection_id: str, *topics: str) -> None:
        """See `SubscriptionStore.subscribe`."""
        connection_id = check_connection_id(connection_id)
        names = [validate_topic(topic) for topic in topics]
        with self._lock:
            self._sweep()
            current = self._commands.subscriptions(connection_id)
            check_topics(names, current, self._max_topics)
            for topic in names:
                number = self._commands.next_number(connection_id, topic)
                self._begin(connection_id, topic, Subscription(command=0), Kept(number))

    @override
    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """See `SubscriptionStore.unsubscribe`."""
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
        """See `MemberStore.begin_subscription`."""
        session, topic = check_session(session), validate_topic(topic)
        number = None if command is None else command_number(command)
        subscription = Subscription(
            command=0,
            until=check_time("until", until),
            is_server_side=is_server_side,
            has_presence=has_presence,
            info=info,
        )
        until = earliest(session.expires_at, subscription.until)
        connection_id = session.connection_id
        with self._lock:
            self._sweep()
            if number is None:
                number = self._commands.next_number(connection_id, topic)
            elif found := self._commands.refusal(
                connection_id, topic, number, called_at
            ):
                return found
            old = self._commands.find(connection_id, topic)
            held_at = self._now() if is_held else None
            kept = Kept(number, until=until, held_at=held_at)
            self._begin(connection_id, topic, subscription, kept)
            has_joined = has_presence and self._presence.show(
                topic, session, number, self._stamp().expires_at, info
            )
            lost = None if old is None else old.lost
            return Began(number=number, lost=lost, has_joined=has_joined)

    def undo_subscription(
        self, connection_id: str, topic: str, number: int
    ) -> Presence | None:
        """See `MemberStore.undo_subscription`."""
        connection_id, topic = check_ids(connection_id, topic)
        with self._lock:
            if not self._commands.end(connection_id, topic, number):
                return None
            self._remove(connection_id, topic)
            # Nobody was told of a presence that the undone call has begun.
            return self._presence.hide(topic, connection_id, unless_since=number)

    def end_subscription(
        self, connection_id: str, topic: str, *, command: int | None
    ) -> Presence | None:
        """See `MemberStore.end_subscription`."""
        connection_id, topic = check_ids(connection_id, topic)
        number = None if command is None else command_number(command)
        ended_at = None if number is not None else self._now()
        with self._lock:
            if number is None:
                number = self._commands.next_number(connection_id, topic)
            if not self._commands.end(connection_id, topic, number, ended_at):
                return None
            self._remove(connection_id, topic)
            return self._presence.hide(topic, connection_id)

    def renew_subscription(
        self,
        session: Session,
        topic: str,
        until: float | None,
        *,
        info: str | None = None,
    ) -> bool:
        """See `MemberStore.renew_subscription`."""
        session, topic = check_session(session), validate_topic(topic)
        until = check_time("until", until)
        with self._lock:
            found = self._commands.subscriptions(session.connection_id).get(topic)
            if found is None:
                return False
            found = found.__replace__(until=until, info=info)
            self._commands.extend(session, topic, found)
            self._presence.change(topic, session.connection_id, topic_info=info)
            return True

    @override
    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`."""
        since = self._now() - EXPIRY_GRACE_SECONDS
        found = self.members(topic, timeout_seconds=timeout_seconds)
        return (
            member.connection_id
            for member in found
            if member.until is None or member.until > since
        )

    def members(
        self,
        topic: str,
        *,
        consistent: bool = True,  # noqa: ARG002 - it cannot be otherwise
        timeout_seconds: float | None = None,  # noqa: ARG002 - it takes no time
    ) -> Iterator[Member]:
        """See `MemberStore.members`."""
        topic = validate_topic(topic)
        with self._lock:
            ids = self._alive(self._subscribers.get(topic, {}))
            return iter([self._commands.member(each, topic) for each in ids])

    def presence(self, topic: str) -> tuple[Presence, ...]:
        """See `MemberStore.presence`."""
        topic = validate_topic(topic)
        with self._lock:
            return add_stays(self._presence.all(topic), self.stays.all(topic))

    def connections_of(self, user: str) -> tuple[str, ...]:
        """See `MemberStore.connections_of`."""
        user = check_user(user)
        with self._lock:
            found = self._sessions.of_user(user)
            return tuple(each for each in found if self._session(each) is not None)

    def _session(self, connection_id: str) -> Session | None:
        found = self._connections.get(connection_id)
        is_there = found is not None and self._is_alive(found[1])
        return self._sessions.find(connection_id) if is_there else None

    def _begin(
        self, connection_id: str, topic: str, subscription: Subscription, kept: Kept
    ) -> None:
        written = self._stamp()
        self._topics.setdefault(connection_id, {})[topic] = written
        self._subscribers.setdefault(topic, {})[connection_id] = written
        kept = kept._replace(expires_at=written.expires_at)
        self._commands.begin(connection_id, topic, subscription, kept)

    def _end(self, connection_ids: Iterable[str]) -> Ended:
        left: dict[str, frozenset[str]] = {}
        sessions: dict[str, Session] = {}
        presences: dict[str, dict[str, Presence]] = {}
        for connection_id in connection_ids:
            is_there = self._session(connection_id) is not None
            if topics := super()._forget(connection_id):
                left[connection_id] = topics
            session = self._sessions.end(connection_id)
            if session is not None and is_there:
                sessions[connection_id] = session
            for topic in self._commands.forget(connection_id):
                if shown := self._presence.hide(topic, connection_id):
                    presences.setdefault(connection_id, {})[topic] = shown
        return Ended(left=left, sessions=sessions, presences=presences)

    @override
    def _forget(self, connection_id: str) -> frozenset[str]:
        return self._end([connection_id]).left.get(connection_id, frozenset())

    @override
    def _sweep(self) -> None:
        super()._sweep()
        now = self._now()
        if now < self._next_clearing:
            return
        self._next_clearing = now + TOMBSTONE_SECONDS
        self._sessions.sweep(self._connections)
        self._commands.sweep()
        self._presence.sweep()
        self.stays.sweep()
