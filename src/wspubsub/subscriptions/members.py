"""Who is in a topic, as whom, and what each has missed: the store behind `PubSub`.

It is a `SubscriptionStore` whose subscriptions are begun and ended by the commands of
a protocol, several of which may be handled at the same time. Commands of a connection
are numbered; of those for one topic the highest number wins, whatever the order in
which they reach the store.

`tests/contracts/test_members.py` is the contract that every implementation keeps.
"""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from wspubsub.errors import UsageError
from wspubsub.subscriptions.port import SegmentedStore
from wspubsub.subscriptions.sessions import (
    Began,
    Ended,
    Member,
    Presence,
    Session,
    SessionState,
)

if TYPE_CHECKING:
    from wspubsub.subscriptions.stays import Stays

TOMBSTONE_SECONDS = 120.0
"""How long it is remembered that a subscription or a connection has ended.

A command takes less: Lambda answers API Gateway within 29 s (API Gateway quota), and a
function that goes on after that is stopped by its own timeout.
"""

EXPIRY_GRACE_SECONDS = 25.0
"""How long a token is still accepted after it expires.

Clients refresh it when it expires, so the new one is always a little late.
"""

HOLD_SECONDS = 30.0
"""For how long publishers wait for a subscriber's reply at most.

Lambda answers API Gateway within 29 s (API Gateway quota); a subscriber that is held
for longer was left behind by its function and counts as marked.
"""

NUMBERS_PER_COMMAND = 1_000_000
"""Between two of a client's command numbers there is room for the server's own."""

_MAX_COMMAND = 2**32 - 1


class MemberStore(SegmentedStore, Protocol):
    """A subscription store that knows sessions, presence and missed messages.

    `subscribe` and `unsubscribe` are the server's own here: they need no command.
    `subscribers`, `segments` and `segment` leave out whose token has expired more than
    25 seconds ago.

    Attributes:
        stays: How long users are in topics whose leaves are said later.
    """

    @property
    def stays(self) -> "Stays":
        """See above."""
        ...

    def begin_session(self, session: Session) -> bool:
        """Record who a connection's user is.

        Returns:
            Whether it was done; False if the connection has a session, or has ended.
        """
        ...

    def read_session(self, connection_id: str) -> SessionState:
        """Return everything that is stored about a connection at this moment."""
        ...

    def renew_session(self, session: Session) -> bool:
        """Change when a session expires, and what is said about its connection.

        Its subscriptions then expire with it for publishers, and whoever asks who is
        present is told the new `info`. The user stays the same.

        Returns:
            Whether there is a session.
        """
        ...

    def is_gone(self, connection_id: str) -> bool:
        """Return whether a connection has no session, or no longer has one.

        A command asks this after its writes and undoes them if so: the end of the
        connection may have come in between, and not have seen them.
        """
        ...

    def end_session(self, connection_id: str) -> Ended:
        """Forget a connection and end its subscriptions, for `$disconnect`.

        It may be of any age. For two minutes it counts as gone.
        """
        ...

    def end_sessions(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Ended:
        """Forget connections that are gone; see `SubscriptionStore.prune`."""
        ...

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
        """Subscribe a connection.

        After a `StoreError` the subscription may have been written nevertheless; what
        the connection had missed before stays marked.

        Args:
            session: The connection's session.
            topic: The topic.
            command: Number of the client's command; None if the server does it by
                itself.
            called_at: When the rule was called that allowed it.
            until: When the subscription's own token expires, in seconds since the
                epoch.
            is_server_side: Whether the client has not asked for this topic.
            has_presence: Whether the connection is to be shown as present.
            info: What is said about the connection in this topic, as JSON text.
            is_held: Whether publishers are to wait until the client has its reply; see
                `trace` and `release`. What was lost stays marked until then.
        """
        ...

    def undo_subscription(
        self, connection_id: str, topic: str, number: int
    ) -> Presence | None:
        """End a subscription, unless a later command has been handled since.

        Whoever was told of its `has_joined` must not tell the others any more.

        Args:
            connection_id: The connection.
            topic: The topic.
            number: `Began.number` of the call to undo.

        Returns:
            Who has left, if it was present before that call.
        """
        ...

    def end_subscription(
        self, connection_id: str, topic: str, *, command: int | None
    ) -> Presence | None:
        """Unsubscribe a connection, unless a later command has been handled.

        Args:
            connection_id: The connection.
            topic: The topic.
            command: Number of the client's command; None if the server does it by
                itself: then a subscribe whose rule was called before is refused.

        Returns:
            Who has left, if it was shown as present.
        """
        ...

    def renew_subscription(
        self,
        session: Session,
        topic: str,
        until: float | None,
        *,
        info: str | None = None,
    ) -> bool:
        """Change when a subscription expires, and its `info`.

        Returns:
            Whether the connection is subscribed to the topic.
        """
        ...

    def mark_lost(
        self,
        topic: str,
        connection_id: str,
        offset: int,
        *,
        timeout_seconds: float | None = None,
    ) -> bool:
        """Note that a subscriber may have missed messages of a topic from an offset on.

        An older mark of a lower offset stays. On a subscriber that is held, the mark
        keeps it from being released unnoticed, as a trace does.

        Args:
            topic: The topic.
            connection_id: The subscriber.
            offset: Offset of the first of the messages.
            timeout_seconds: How long the store may be waited for.

        Returns:
            Whether there is such a subscriber.
        """
        ...

    def trace(
        self, topic: str, connection_id: str, *, timeout_seconds: float | None = None
    ) -> Member | None:
        """Note on a subscriber that is held that there is a newer message in the log.

        Returns:
            The subscriber at this moment; it is held (`Member.held_at`) if the trace
            was left. None if it is not subscribed any more.
        """
        ...

    def release(
        self,
        connection_id: str,
        topic: str,
        *,
        number: int,
        traces: int,
        told: tuple[str, int],
    ) -> int | None:
        """Let publishers post to a subscriber again, and remove what was lost.

        A mark of a lower offset that was written meanwhile stays.

        Args:
            connection_id: The connection.
            topic: The topic.
            number: `Began.number` of the subscribe that holds it.
            traces: How many traces the caller knows of: 0 at first. It has read the
                log after it learned of them, and posted what was newer.
            told: Epoch and offset of the last message that was posted, or that the
                client need not get; `Member.told` from now on.

        Returns:
            None if it was released, or is not held by this subscribe any more;
            otherwise how many traces there are: read the log again, and call again
            with that number.
        """
        ...

    def members(
        self,
        topic: str,
        *,
        consistent: bool = True,
        timeout_seconds: float | None = None,
    ) -> Iterator[Member]:
        """Yield a topic's subscribers, each once, in any order, even if expired.

        Args:
            topic: The topic.
            consistent: Whether everyone is to be seen who was subscribed at the time
                of the call.
            timeout_seconds: As for `SubscriptionStore.subscribers`.

        Raises:
            StoreTimeoutError: The store did not answer in that time.
        """
        ...

    def presence(self, topic: str) -> tuple[Presence, ...]:
        """Return who is present in a topic at this moment.

        A user whose stay goes on without a connection is one of them, by the last one.
        """
        ...

    def connections_of(self, user: str) -> tuple[str, ...]:
        """Return a user's connections at this moment; none for an anonymous user."""
        ...


def command_number(command: int) -> int:
    """Return the number of a client's command.

    Raises:
        UsageError: It is not the ID of a command.
    """
    if type(command) is not int or not 0 <= command <= _MAX_COMMAND:
        raise UsageError(
            f"a command's number must be from 0 to {_MAX_COMMAND}, not {command!r:.80}"
        )
    return command * NUMBERS_PER_COMMAND


def command_of(number: int) -> int:
    """Return the client's command that a number belongs to, or follows."""
    return number // NUMBERS_PER_COMMAND


def is_of_server(number: int, after: int) -> bool:
    """Return whether a number is the server's own, after that of a client's command."""
    return after < number and command_of(number) == command_of(after)


def find_refusal(
    number: int,
    called_at: float,
    *,
    last: int,
    has_ended: bool,
    ended_at: float,
) -> Began | None:
    """Return why a client's command does not subscribe it; None if it does.

    Args:
        number: Its number.
        called_at: When the rule was called that allowed it.
        last: Number of the last command for the same topic.
        has_ended: Whether that has ended the subscription.
        ended_at: When the server last ended one by itself.
    """
    is_late = last > number or (last == number and has_ended)
    if not is_late and called_at > ended_at:
        return None
    is_refused = not is_late or (has_ended and is_of_server(last, number))
    return Began(number=number, is_current=False, is_refused=is_refused)
