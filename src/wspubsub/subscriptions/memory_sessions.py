"""Who connections' users are, and which connections have ended, in memory."""

from collections.abc import Callable, Collection

from wspubsub.subscriptions.members import TOMBSTONE_SECONDS
from wspubsub.subscriptions.sessions import Session


class MemorySessions:
    """The session of each connection.

    Args:
        now: Clock, in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._sessions: dict[str, Session] = {}
        self._gone: dict[str, float] = {}

    def keep(self, session: Session) -> None:
        """Keep a session in place of the one before."""
        self._sessions[session.connection_id] = session

    def find(self, connection_id: str) -> Session | None:
        """Return a connection's session."""
        return self._sessions.get(connection_id)

    def of_user(self, user: str) -> list[str]:
        """Return the connections of a user; none of an anonymous one."""
        return [
            connection_id
            for connection_id, session in self._sessions.items()
            if session.user == user != ""
        ]

    def end(self, connection_id: str) -> Session | None:
        """Forget a session, return it, and remember that its connection has ended."""
        session = self._sessions.pop(connection_id, None)
        self._gone[connection_id] = self._now() + TOMBSTONE_SECONDS
        return session

    def has_ended(self, connection_id: str) -> bool:
        """Return whether a connection has ended in the last two minutes."""
        return self._gone.get(connection_id, 0.0) > self._now()

    def sweep(self, connections: Collection[str]) -> None:
        """Forget all sessions but those of some connections, and old ends."""
        now = self._now()
        self._gone = {key: at for key, at in self._gone.items() if at > now}
        self._sessions = {
            key: session
            for key, session in self._sessions.items()
            if key in connections
        }
