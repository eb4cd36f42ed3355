"""What the store behind `PubSub` keeps and returns: sessions, subscriptions, presence.

`members` is the port that takes and gives them.
"""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from wspubsub.errors import UsageError
from wspubsub.events import Connection
from wspubsub.records import Record
from wspubsub.subscriptions.port import Pruned, check_connection

MAX_USER_BYTES = 256
"""Longest name of a user in bytes of UTF-8, as for topics."""

UNKNOWN_OFFSET = 0
"""`Began.lost` if a mark was set whose offset is no longer known.

No message has this offset, so nothing can be recovered from it.
"""

_MAX_OFFSET = 2**64 - 1


class Session(Record):
    """Who a connection's user is.

    Attributes:
        connection: The connection, with what was kept of its handshake.
        user: The user's name; empty for an anonymous one.
        info: What the application says about the connection, as JSON text.
        expires_at: When the session's token expires, in seconds since the epoch.
    """

    connection: Connection
    user: str
    info: str | None = None
    expires_at: float | None = None

    @property
    def connection_id(self) -> str:
        """ID of the connection."""
        return self.connection.id


class Subscription(Record):
    """One of a connection's subscriptions.

    Attributes:
        command: Number of the command that it was begun by, or of the last one before
            it, where the server began it by itself; 0 without any.
        until: When the subscription's own token expires, in seconds since the epoch.
        is_server_side: Whether the server subscribed the connection.
        has_presence: Whether the connection is shown as present in the topic.
        info: What the application says about the connection in this topic, as JSON
            text.
    """

    command: int
    until: float | None = None
    is_server_side: bool = False
    has_presence: bool = False
    info: str | None = None


class SessionState(Record):
    """Everything that is stored about a connection.

    Attributes:
        connection: The connection, if it is recorded.
        session: Its session, if one was begun.
        subscriptions: Its subscriptions, by topic.
        is_gone: Whether the connection has ended, in the last two minutes.
    """

    connection: Connection | None = None
    session: Session | None = None
    subscriptions: Mapping[str, Subscription] = MappingProxyType({})
    is_gone: bool = False


class Presence(Record):
    """A client that is present in a topic.

    Attributes:
        connection_id: The connection.
        user: Its user; empty for an anonymous one.
        info: What the application says about the connection, as JSON text.
        topic_info: What it says about the connection in this topic, likewise.
    """

    connection_id: str
    user: str
    info: str | None = None
    topic_info: str | None = None


class Began(Record):
    """The result of a subscribe.

    Attributes:
        number: By which `undo_subscription` knows it.
        is_current: Whether the connection is subscribed by this command. If not, a
            later command of the same client has won, and nothing of this one is left;
            the client is answered as if it had been in time.
        is_refused: Whether the server has unsubscribed the connection after the rule
            was called, so that the rule must be asked again. Nothing is left.
        lost: Offset of the first message that the connection may have missed before,
            which no publisher will remind it of any more; `UNKNOWN_OFFSET` if only
            that there is one is known.
        has_joined: Whether the connection was not present before, so that the others
            are to be told. Of calls that overlap at most one is told so, and it need
            not be the one that is current. A leave may be reported of somebody whose
            join was not.
        left: Who has left by this call, because the client has unsubscribed meanwhile.
    """

    number: int
    is_current: bool = True
    is_refused: bool = False
    lost: int | None = None
    has_joined: bool = False
    left: Presence | None = None


class Ended(Pruned):
    """What connections left because of a call.

    Like a topic in `left`, a session and a presence are named once at most, whoever
    ends them.

    Attributes:
        sessions: The session that each connection had.
        presences: As whom each connection was shown as present, by topic.
    """

    sessions: Mapping[str, Session] = MappingProxyType({})
    presences: Mapping[str, Mapping[str, Presence]] = MappingProxyType({})


class Member(NamedTuple):
    """A subscriber of a topic, as publishers see it.

    Attributes:
        connection_id: The connection.
        until: When its session's or its subscription's token expires, whichever comes
            first, in seconds since the epoch.
        lost: Offset of the first message that it has missed: it is told to subscribe
            again, and gets nothing until it has.
        is_server_side: Whether the server subscribed it.
        held_at: Since when publishers are to wait, if they are: the client does not
            have its reply yet. Whoever finds it held calls `trace` instead of posting.
        told: Epoch and offset up to which whoever let it in has told it everything,
            so that nothing of this need be posted to it.
    """

    connection_id: str
    until: float | None = None
    lost: int | None = None
    is_server_side: bool = False
    held_at: float | None = None
    told: tuple[str, int] | None = None


def add_stays(
    present: Iterable[Presence], stays: Iterable[Presence]
) -> tuple[Presence, ...]:
    """Return who is present, and the users whose stay goes on though they are not."""
    shown = tuple(present)
    users = {each.user for each in shown}
    return (*shown, *(each for each in stays if each.user not in users))


def earliest(*times: float | None) -> float | None:
    """Return the earliest of some times; None means never."""
    return min((at for at in times if at is not None), default=None)


def check_session(session: Session) -> Session:
    """Return a session with plain text in it.

    Raises:
        MessageError: No connection has such an ID.
        UsageError: The user, the info or the time is not what it must be.
    """
    info: object = session.info
    if info is not None and not isinstance(info, str):
        raise UsageError(f"a session's info must be JSON text, not {info!r:.80}")
    return session.__replace__(
        connection=check_connection(session.connection),
        user=check_user(session.user),
        expires_at=check_time("expires_at", session.expires_at),
    )


def check_user(user: object) -> str:
    """Return a user's name as plain text.

    Raises:
        UsageError: It is not Unicode text of at most 256 bytes.
    """
    if isinstance(user, str):
        plain = str.__str__(user)
        size = len(plain.encode(errors="replace"))
        if size <= MAX_USER_BYTES and plain == plain.encode(errors="replace").decode():
            return plain
    raise UsageError(
        f"a user's name must be Unicode text of at most {MAX_USER_BYTES} bytes, "
        f"not {user!r:.80}"
    )


def check_time(name: str, at: object) -> float | None:
    """Return a time, or None for never.

    Raises:
        UsageError: It is not a number of seconds since the epoch.
    """
    if at is None:
        return None
    # True is an int as well.
    if isinstance(at, int | float) and type(at) is not bool and math.isfinite(at):
        return float(at)
    raise UsageError(f"{name} must be a number of seconds or None, not {at!r:.80}")


def check_offset(offset: int) -> int:
    """Return a message's offset.

    Raises:
        UsageError: It is not one.
    """
    if type(offset) is not int or not 0 <= offset <= _MAX_OFFSET:
        raise UsageError(f"an offset must be a number, 0 or more, not {offset!r:.80}")
    return offset


def check_told(told: tuple[str, int]) -> tuple[str, int]:
    """Return up to where a subscriber was told everything, as plain values.

    Raises:
        UsageError: It is not an epoch and an offset.
    """
    epoch: object = told[0]
    if not isinstance(epoch, str) or not epoch:
        raise UsageError(f"an epoch must be text, not {epoch!r:.80}")
    return str.__str__(epoch), check_offset(told[1])


def check_traces(traces: int) -> int:
    """Return a number of traces.

    Raises:
        UsageError: It is not one.
    """
    if type(traces) is not int or traces < 0:
        raise UsageError(f"traces must be a number from 0 on, not {traces!r:.80}")
    return traces
