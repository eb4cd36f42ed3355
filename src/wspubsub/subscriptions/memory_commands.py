"""Which command for a topic was a connection's last, and who is shown as present."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from wspubsub.subscriptions.members import (
    TOMBSTONE_SECONDS,
    command_of,
    find_refusal,
)
from wspubsub.subscriptions.sessions import (
    Began,
    Member,
    Presence,
    Session,
    Subscription,
    earliest,
)


class Kept(NamedTuple):
    """What is known about a connection and a topic, and until when."""

    number: int
    expires_at: float = math.inf
    subscription: Subscription | None = None
    until: float | None = None
    lost: int | None = None
    ended_at: float = -math.inf
    held_at: float | None = None
    seen: int | None = None
    traces: int = 0
    told: tuple[str, int] | None = None


class MemoryCommands:
    """The last command of each connection for each topic.

    Args:
        now: Clock, in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[str, dict[str, Kept]] = {}

    def find(self, connection_id: str, topic: str) -> Kept | None:
        """Return what is known about a connection and a topic."""
        kept = self._kept.get(connection_id, {}).get(topic)
        return kept if kept is not None and kept.expires_at > self._now() else None

    def subscriptions(self, connection_id: str) -> dict[str, Subscription]:
        """Return a connection's subscriptions by topic."""
        found = {
            topic: self.find(connection_id, topic)
            for topic in self._kept.get(connection_id, {})
        }
        return {
            topic: kept.subscription
            for topic, kept in found.items()
            if kept is not None and kept.subscription is not None
        }

    def next_number(self, connection_id: str, topic: str) -> int:
        """Return the number for what the server does by itself."""
        kept = self.find(connection_id, topic)
        return 1 if kept is None else kept.number + 1

    def refusal(
        self, connection_id: str, topic: str, number: int, called_at: float
    ) -> Began | None:
        """Return why a client's command does not subscribe it, or None."""
        kept = self.find(connection_id, topic)
        if kept is None:
            return None
        return find_refusal(
            number,
            called_at,
            last=kept.number,
            has_ended=kept.subscription is None,
            ended_at=kept.ended_at,
        )

    def begin(
        self,
        connection_id: str,
        topic: str,
        subscription: Subscription,
        kept: Kept,
    ) -> None:
        """Keep a subscription, and the time when the server last ended one."""
        old = self.find(connection_id, topic)
        kept = kept._replace(
            subscription=subscription.__replace__(command=command_of(kept.number)),
            ended_at=-math.inf if old is None else old.ended_at,
        )
        if kept.held_at is not None and old is not None:
            # What was lost stays marked until it is released.
            kept = kept._replace(lost=old.lost, seen=old.lost)
        self._kept.setdefault(connection_id, {})[topic] = kept

    def extend(self, session: Session, topic: str, subscription: Subscription) -> None:
        """Replace a subscription, and the time when it expires for publishers."""
        topics = self._kept[session.connection_id]
        until = earliest(session.expires_at, subscription.until)
        topics[topic] = topics[topic]._replace(subscription=subscription, until=until)

    def mark(self, connection_id: str, topic: str, offset: int) -> bool:
        """Note what a subscriber has lost, and return whether it is a subscriber."""
        kept = self.find(connection_id, topic)
        if kept is None or kept.subscription is None:
            return False
        if kept.lost is None or offset < kept.lost:
            self._kept[connection_id][topic] = kept._replace(lost=offset)
        else:
            # An older mark that a subscribe has seen goes when that is released, so it
            # has to notice this one.
            self.trace(connection_id, topic)
        return True

    def member(self, connection_id: str, topic: str) -> Member:
        """Return a subscriber as publishers see it."""
        kept = self._kept[connection_id][topic]
        subscription = kept.subscription
        is_server_side = subscription is not None and subscription.is_server_side
        return Member(
            connection_id,
            kept.until,
            kept.lost,
            is_server_side,
            kept.held_at,
            kept.told,
        )

    def trace(self, connection_id: str, topic: str) -> Member | None:
        """Leave a trace on a subscriber if it is held, and return it."""
        kept = self.find(connection_id, topic)
        if kept is None or kept.subscription is None:
            return None
        if kept.held_at is not None:
            self._kept[connection_id][topic] = kept._replace(traces=kept.traces + 1)
        return self.member(connection_id, topic)

    def release(
        self,
        connection_id: str,
        topic: str,
        number: int,
        traces: int,
        told: tuple[str, int],
    ) -> int | None:
        """Release a subscriber and return how many traces have kept it from that."""
        kept = self.find(connection_id, topic)
        if kept is None or kept.held_at is None or kept.number != number:
            return None
        if kept.traces != traces:
            return kept.traces
        lost = None if kept.lost == kept.seen else kept.lost
        self._kept[connection_id][topic] = kept._replace(
            held_at=None, seen=None, traces=0, lost=lost, told=told
        )
        return None

    def end(
        self,
        connection_id: str,
        topic: str,
        number: int,
        ended_at: float | None = None,
    ) -> bool:
        """Leave a tombstone, unless a later command has been handled.

        Args:
            connection_id: The connection.
            topic: The topic.
            number: Number of what ends the subscription.
            ended_at: When the server did it by itself.
        """
        old = self.find(connection_id, topic)
        if old is not None and old.number > number:
            return False
        if ended_at is None:
            ended_at = -math.inf if old is None else old.ended_at
        self._kept.setdefault(connection_id, {})[topic] = Kept(
            number, self._now() + TOMBSTONE_SECONDS, ended_at=ended_at
        )
        return True

    def forget(self, connection_id: str) -> list[str]:
        """Forget a connection and return the topics about which something was known."""
        return list(self._kept.pop(connection_id, {}))

    def sweep(self) -> None:
        """Forget what has expired."""
        for connection_id, topics in list(self._kept.items()):
            for topic in list(topics):
                if self.find(connection_id, topic) is None:
                    del topics[topic]
            if not topics:
                del self._kept[connection_id]


class _Shown(NamedTuple):
    presence: Presence
    since: int
    expires_at: float


class MemoryPresence:
    """Who is shown as present in which topic.

    Args:
        now: Clock, in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._shown: dict[str, dict[str, _Shown]] = {}

    def show(
        self,
        topic: str,
        session: Session,
        number: int,
        expires_at: float,
        topic_info: str | None,
    ) -> bool:
        """Show somebody and return whether they were not shown before."""
        connection_id = session.connection_id
        topics = self._shown.setdefault(topic, {})
        old = topics.get(connection_id)
        is_new = old is None or old.expires_at <= self._now()
        since = number if old is None or is_new else old.since
        presence = Presence(
            connection_id=connection_id,
            user=session.user,
            info=session.info,
            topic_info=topic_info,
        )
        topics[connection_id] = _Shown(presence, since, expires_at)
        return is_new

    def change(self, topic: str, connection_id: str, **changes: Any) -> None:
        """Change what is said about somebody who is shown."""
        topics = self._shown.get(topic, {})
        if shown := topics.get(connection_id):
            presence = shown.presence.__replace__(**changes)
            topics[connection_id] = shown._replace(presence=presence)

    def hide(
        self, topic: str, connection_id: str, unless_since: int | None = None
    ) -> Presence | None:
        """Stop showing somebody, and return who it was.

        Args:
            topic: The topic.
            connection_id: The connection.
            unless_since: Nobody is returned who has been shown since this number.
        """
        shown = self._shown.get(topic, {}).pop(connection_id, None)
        if not self._shown.get(topic):
            self._shown.pop(topic, None)
        if shown is None or shown.expires_at <= self._now():
            return None
        return None if shown.since == unless_since else shown.presence

    def all(self, topic: str) -> tuple[Presence, ...]:
        """Return who is shown in a topic."""
        now = self._now()
        shown = self._shown.get(topic, {}).values()
        return tuple(each.presence for each in shown if each.expires_at > now)

    def is_shown(self, topic: str, user: str, until: float) -> bool:
        """Return whether a user is shown by what expires by a time."""
        now = self._now()
        return any(
            each.presence.user == user and now < each.expires_at <= until
            for each in self._shown.get(topic, {}).values()
        )

    def sweep(self) -> None:
        """Forget what has expired."""
        for topic, shown in list(self._shown.items()):
            for connection_id, each in list(shown.items()):
                if each.expires_at <= self._now():
                    self.hide(topic, connection_id)
