"""The stays of users in topics, in memory."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import NamedTuple

from wspubsub.subscriptions.memory_commands import MemoryPresence
from wspubsub.subscriptions.sessions import Presence
from wspubsub.subscriptions.stays import END_MARGIN_SECONDS


class _Stay(NamedTuple):
    who: Presence
    number: int
    awaited_until: float
    expires_at: float


class MemoryStays:
    """See `Stays`.

    Args:
        presence: Which connections are present.
        lock: Held while something is read or changed.
        ttl_seconds: How long a stay lasts of which nothing is heard.
        now: Clock, in seconds since the epoch.
    """

    def __init__(
        self,
        presence: MemoryPresence,
        lock: Lock,
        ttl_seconds: float,
        now: Callable[[], float],
    ) -> None:
        self._presence = presence
        self._lock = lock
        self._ttl_seconds = ttl_seconds
        self._now = now
        self._stays: dict[tuple[str, str], _Stay] = {}

    def begin(self, topic: str, who: Presence, *, grace_seconds: float) -> bool:
        """See `Stays.begin`."""
        with self._lock:
            old = self._find(topic, who.user)
            self._change(topic, who, grace_seconds)
            return old is None or self._is_abandoned(topic, old)

    def pause(self, topic: str, who: Presence, *, grace_seconds: float) -> int:
        """See `Stays.pause`."""
        with self._lock:
            return self._change(topic, who, grace_seconds)

    def find_absent(self, topic: str, user: str, number: int) -> Presence | None:
        """See `Stays.find_absent`."""
        with self._lock:
            stay = self._find(topic, user)
            if stay is None or stay.number != number:
                return None
            users = {each.user for each in self._presence.all(topic)}
            return None if user in users else stay.who

    def end(self, topic: str, user: str, number: int) -> bool:
        """See `Stays.end`."""
        with self._lock:
            stay = self._find(topic, user)
            if stay is None or stay.number != number:
                return False
            del self._stays[topic, user]
            return True

    def all(self, topic: str) -> Iterable[Presence]:
        """Return as whom users were last in a topic who are shown without being so."""
        now = self._now()
        return [
            stay.who
            for (name, _), stay in self._stays.items()
            if name == topic and min(stay.awaited_until, stay.expires_at) > now
        ]

    def sweep(self) -> None:
        """Forget what has expired."""
        now = self._now()
        self._stays = {
            key: stay for key, stay in self._stays.items() if stay.expires_at > now
        }

    def _find(self, topic: str, user: str) -> _Stay | None:
        stay = self._stays.get((topic, user))
        return stay if stay is not None and stay.expires_at > self._now() else None

    def _is_abandoned(self, topic: str, old: _Stay) -> bool:
        if old.awaited_until > self._now():
            return False
        # Others who have come since then found the stay as it is now.
        return not self._presence.is_shown(topic, old.who.user, old.expires_at)

    def _change(self, topic: str, who: Presence, grace_seconds: float) -> int:
        old = self._stays.get((topic, who.user))
        number = 1 if old is None else old.number + 1
        now = self._now()
        awaited_until = now + grace_seconds + END_MARGIN_SECONDS
        stay = _Stay(who, number, awaited_until, now + self._ttl_seconds)
        self._stays[topic, who.user] = stay
        return number
