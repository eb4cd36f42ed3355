"""A connection on its way into a topic: recorded, and sent what it missed.

The steps of one topic are in order, which the proof of recovery rests on; those of
several topics are taken side by side.
"""

import logging
import math
from typing import TYPE_CHECKING, NamedTuple

from wspubsub.errors import WspubsubError
from wspubsub.pubsub.codes import INTERNAL, UNRECOVERABLE_POSITION
from wspubsub.pubsub.commands import MAX_OFFSET, Since
from wspubsub.pubsub.refusals import RefusalError, catch
from wspubsub.records import Record
from wspubsub.subscriptions.sessions import Session, Subscription

if TYPE_CHECKING:
    from wspubsub.pubsub.caller import Services
    from wspubsub.pubsub.recovery import Reader, Recovery
    from wspubsub.pubsub.rules import Found

log = logging.getLogger("wspubsub")


class Ticket(Record):
    """The data with which a connection enters a topic.

    Attributes:
        session: The connection's session.
        found: The topic.
        command: Number of the client's command; None if the server does it by itself.
        since: From where the client wants to recover; None if it does not.
        must_recover: Whether it is not to get in if it does not recover.
        called_at: When the rule was called that allowed it.
        until: When the subscription's own token expires.
        is_server_side: Whether the client has not asked for this topic.
        info: What the rule said about the client in this topic, as JSON text.
    """

    session: Session
    found: "Found"
    command: int | None
    since: Since | None = None
    must_recover: bool = False
    called_at: float = math.inf
    until: float | None = None
    is_server_side: bool = False
    info: str | None = None


class Told(NamedTuple):
    """What a client is told of a topic with history; publishers wait until it is.

    Attributes:
        reader: Reads the topic's history.
        recovery: What was read.
        is_server_side: Whether the server has subscribed the client.
        number: `Began.number` of the subscribe, by which it is released.
    """

    reader: "Reader"
    recovery: "Recovery"
    is_server_side: bool
    number: int


class Entry:
    """A connection on its way into a topic.

    Args:
        app: The application.
        ticket: What it enters with.
        reader: Reads the topic's history; None if nothing of it is told.

    Attributes:
        name: The topic's name.
        session: The connection's session.
        subscription: What is written.
        number: By which the subscription can be undone; None if there is nothing to.
        has_joined: Whether the others are to be told.
        told: What the client is told of the topic's history, if anything.
        error: What kept it out.
    """

    def __init__(
        self, app: "Services", ticket: Ticket, reader: "Reader | None"
    ) -> None:
        topic = ticket.found.topic
        self.name = ticket.found.name
        self.session = ticket.session
        self.subscription = Subscription(
            command=ticket.command or 0,
            until=ticket.until,
            is_server_side=ticket.is_server_side,
            has_presence=topic.presence or topic.join_leave,
            info=ticket.info,
        )
        self.number: int | None = None
        self.has_joined = False
        self.told: Told | None = None
        self.error: Exception | None = None
        self._app = app
        self._ticket = ticket
        self._reader = reader
        self._lost: int | None = None

    def enter(self) -> None:
        """Write the subscription and read the history; a failure is in `error`."""
        outcome = catch(self._enter)
        self.error = outcome if isinstance(outcome, Exception) else None

    def _enter(self) -> None:
        if self._reader is None:
            self._begin()
            return
        if self._ticket.must_recover:
            # Whoever cannot is refused before anything is written.
            _require_recovered(self._reader.read(self._ticket.since))
        number = self._begin()
        recovery = self._read(self._reader)
        if self._ticket.must_recover and not recovery.is_recovered:
            self.undo()
            _require_recovered(recovery)
        is_server_side = self._ticket.is_server_side
        self.told = Told(self._reader, recovery, is_server_side, number)

    def undo(self) -> None:
        """End the subscription, unless a later command has been handled since."""
        if self.number is None:
            return
        left = self._app.members.undo_subscription(
            self.session.connection_id, self.name, self.number
        )
        self.number = None
        self.has_joined = False
        if left is not None:
            self._app.announce_leave(self.name, left)

    def undo_quietly(self) -> None:
        """End the subscription as `undo` does, and only log that it has failed."""
        try:
            self.undo()
        except WspubsubError:
            log.warning(
                "could not end the subscription of connection %s to topic %r",
                self.session.connection_id,
                self.name,
                exc_info=True,
            )

    def _begin(self) -> int:
        ticket = self._ticket
        began = self._app.members.begin_subscription(
            self.session,
            self.name,
            command=ticket.command,
            called_at=ticket.called_at,
            until=ticket.until,
            is_server_side=ticket.is_server_side,
            has_presence=self.subscription.has_presence,
            is_held=self._reader is not None,
            info=ticket.info,
        )
        if began.left is not None:
            self._app.announce_leave(self.name, began.left)
        if began.is_refused:
            # It is temporary, so that the client comes again and the rule is asked.
            raise RefusalError(INTERNAL)
        # Whoever has lost against a later command is answered as if in time.
        self.number = began.number if began.is_current else None
        self.has_joined = began.has_joined
        self._lost = began.lost
        return began.number

    def _read(self, reader: "Reader") -> "Recovery":
        since = self._ticket.since
        try:
            return reader.read(since, self._lost)
        except Exception:
            if since is not None:
                # The next attempt is answered from there, wherever its client is then.
                self._app.members.mark_lost(
                    self.name,
                    self.session.connection_id,
                    min(since.offset + 1, MAX_OFFSET),
                )
            raise


def _require_recovered(recovery: "Recovery") -> None:
    if not recovery.is_recovered:
        raise RefusalError(UNRECOVERABLE_POSITION)
