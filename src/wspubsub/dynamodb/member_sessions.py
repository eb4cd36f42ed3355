"""Sessions in the table: who a connection's user is, and that it has ended."""

import os
from collections.abc import Callable, Iterator, Sequence

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import (
    Item,
    Written,
    connection_key,
    is_gone,
    is_live,
    user_key,
    user_partition,
)
from wspubsub.dynamodb.member_items import (
    make_gone_request,
    make_token_request,
    number,
    read_presence,
    read_session,
    read_user,
    session_item,
    user_item,
)
from wspubsub.dynamodb.removal import Left, group, group_presences
from wspubsub.subscriptions.sessions import Ended, Session

_HAS_NO_SESSION = (
    "(attribute_not_exists(user_id) AND attribute_not_exists(gone)) "
    "OR expires_at <= :now"
)
_HAS_SESSION = (
    "attribute_exists(user_id) AND attribute_not_exists(gone) AND expires_at > :now"
)


class MemberSessions:
    """Begins and ends sessions.

    Args:
        table: The table.
        now: Clock, in seconds since the epoch.
    """

    def __init__(self, table: TableAccess, now: Callable[[], float]) -> None:
        self._table = table
        self._now = now

    def begin(self, session: Session, written: Written) -> bool:
        """Record a session, unless the connection has one or has ended."""
        mark = os.urandom(8).hex()
        # The user's item first: whoever has a session must be found by their name.
        if session.user:
            self._table.put(user_item(session, written.expires_at))
        done, found = self._table.attempt(
            self._table.put,
            session_item(session, written, mark),
            _HAS_NO_SESSION,
            self._now_value(),
        )
        # With our own mark it is what a first attempt wrote whose answer was lost.
        if done or (found is not None and found.get("mark") == {"S": mark}):
            return True
        if session.user and not _is_session_of(found, session.user):
            self._table.delete(user_key(session.connection_id, session.user))
        return False

    def renew(self, session: Session) -> Item | None:
        """Change what a token says and return the record before, if there is one."""
        done, old = self._table.attempt(
            self._table.update,
            connection_key(session.connection_id),
            _HAS_SESSION,
            self._now_value(),
            **make_token_request(session.expires_at, "info", session.info),
        )
        return old if done else None

    def is_gone(self, connection_id: str) -> bool:
        """Return whether a connection has no session, or none any more."""
        item = self._table.get(connection_key(connection_id))
        if item is None or not is_live(item, self._now()):
            return True
        return read_user(item) is None

    def bury(self, connection_id: str) -> Item | None:
        """Say that a connection is gone, and return its record if this ended it."""
        request = make_gone_request(self._now())
        old = self._table.update(connection_key(connection_id), **request)
        if old is None:
            return None
        if user := read_user(old):
            self._table.delete(user_key(connection_id, user))
        is_ended = is_gone(old) or not is_live(old, self._now())
        return None if is_ended or read_user(old) is None else old

    def connections_of(self, user: str) -> tuple[str, ...]:
        """Return the connections of a user; none of an anonymous one."""
        items = self._table.all(user_partition(user)) if user else []
        now = self._now()
        return tuple(item["sk"]["S"] for item in items if is_live(item, now))

    def _now_value(self) -> Item:
        return {":now": number(self._now())}


def make_ended(ended: Sequence[Left]) -> Ended:
    """Return what connections have left, and whose sessions have ended by that."""
    return Ended(
        left=group(ended),
        sessions=dict(_read_sessions(ended)),
        presences={
            connection_id: {topic: read_presence(item) for topic, item in found.items()}
            for connection_id, found in group_presences(ended).items()
        },
    )


def _read_sessions(ended: Sequence[Left]) -> Iterator[tuple[str, Session]]:
    for each in ended:
        session = None if each.record is None else read_session(each.record)
        if session is not None:
            yield each.connection_id, session


def _is_session_of(item: Item | None, user: str) -> bool:
    return item is not None and not is_gone(item) and read_user(item) == user
