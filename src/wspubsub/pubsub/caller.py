"""The client whose frame is being executed: who it is, and what it may do."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wspubsub.errors import TopicError
from wspubsub.events import MessageEvent
from wspubsub.messages import read_json
from wspubsub.pubsub.codes import (
    BAD_REQUEST,
    CONNECTION_EXPIRED,
    LIMIT_EXCEEDED,
    PERMISSION_DENIED,
    TOO_MANY_REQUESTS,
    UNKNOWN_CHANNEL,
)
from wspubsub.pubsub.frames import ClientInfo, EncodedJson, encode_json
from wspubsub.pubsub.limits import Allowance
from wspubsub.pubsub.refusals import DisconnectError, RefusalError
from wspubsub.pubsub.rules import Found
from wspubsub.records import Record
from wspubsub.subscriptions.members import EXPIRY_GRACE_SECONDS
from wspubsub.subscriptions.sessions import Presence, Session, Subscription
from wspubsub.topics import validate_topic

if TYPE_CHECKING:
    from wspubsub.log.port import TopicLog
    from wspubsub.pubsub.broadcaster import Broadcaster
    from wspubsub.pubsub.entering import Entry, Told
    from wspubsub.pubsub.limits import Limits, Throttle
    from wspubsub.pubsub.rules import Rule, Topics
    from wspubsub.subscriptions.members import MemberStore

log = logging.getLogger("wspubsub")

Fields = dict[str, Any]
"""The fields of a reply's result."""


class Services(Record):
    """What commands are executed with.

    Attributes:
        topics: The topic patterns.
        rules: Rules for what belongs to no topic: `connect`, `send`.
        methods: What clients may call, by name.
        members: Who is connected and subscribed.
        log: Keeps the history of topics, if any has one.
        broadcaster: Posts to clients.
        limits: How much a client may ask for.
        throttle: Counts what clients publish.
        keeps_handshakes: Whether connect rules get anything of the handshake.
        now: Clock, in seconds since the epoch.
    """

    topics: "Topics"
    rules: "Mapping[str, Rule]"
    methods: Mapping[str, Callable[..., Any]]
    members: "MemberStore"
    log: "TopicLog | None"
    broadcaster: "Broadcaster"
    limits: "Limits"
    throttle: "Throttle"
    keeps_handshakes: bool
    now: Callable[[], float]

    def announce_join(
        self, topic: str, session: Session, topic_info: str | None = None
    ) -> None:
        """Inform a topic's subscribers that somebody has joined, if it is announced."""
        self.broadcaster.push_join(topic, present(session, topic_info))

    def announce_leave(self, topic: str, left: Presence) -> None:
        """Inform a topic's subscribers that somebody has left, if it is announced."""
        self.broadcaster.tell_left(topic, left)


class Caller:
    """A client, while its frame is executed.

    Args:
        app: The application.
        event: The event with the frame.

    Attributes:
        app: As given.
        event: As given.
        connection_id: ID of the connection.
        session: Who the user is; set by `set_session` before a command is executed.
        subscriptions: What it is subscribed to, by topic.
        has_connected: Whether this frame has begun the session.
        allowance: How much more this frame may ask for.
        has_refreshed: Whether this frame has brought a new token for it.
        begun: What this frame has subscribed it to.
        read_again: Topics whose log is read again once the replies have arrived, and
            from where.
    """

    session: Session

    def __init__(self, app: Services, event: MessageEvent) -> None:
        self.app = app
        self.event = event
        self.connection_id = event.connection_id
        self.subscriptions: dict[str, Subscription] = {}
        self.has_connected = False
        self.has_refreshed = False
        self.allowance = Allowance(app.limits.topics)
        self.begun: list[Entry] = []
        self.read_again: dict[str, Told] = {}
        self._before: dict[str, Subscription | None] = {}

    def set_session(
        self,
        session: Session,
        subscriptions: Mapping[str, Subscription] = MappingProxyType({}),
    ) -> None:
        """Say who the user is, and what it is subscribed to."""
        self.session = session
        self.subscriptions = dict(subscriptions)

    def note(self, entry: "Entry") -> None:
        """Remember what this frame subscribes the client to."""
        self._before.setdefault(entry.name, self.subscriptions.get(entry.name))
        self.subscriptions[entry.name] = entry.subscription
        self.begun.append(entry)

    def note_failure(self, entry: "Entry") -> None:
        """Remember that this frame has not subscribed the client after all."""
        if entry.number is not None:
            return  # it is subscribed, and does not know it
        self.begun.remove(entry)
        before = self._before[entry.name]
        if before is not None:
            self.subscriptions[entry.name] = before
        elif all(each.name != entry.name for each in self.begun):
            self.subscriptions.pop(entry.name, None)

    def forget(self, topic: str) -> "list[Entry]":
        """Remember that the client is not subscribed any more.

        Returns:
            By what this frame had subscribed it.
        """
        self.subscriptions.pop(topic, None)
        self.read_again.pop(topic, None)
        forgotten = [each for each in self.begun if each.name == topic]
        self.begun = [each for each in self.begun if each.name != topic]
        return forgotten

    def check_expiry(self) -> None:
        """Check that the user's token has not expired.

        Raises:
            DisconnectError: It has, and the time for bringing a new one is over.
        """
        if not self._is_valid(self.session.expires_at):
            raise DisconnectError(CONNECTION_EXPIRED)

    def find(self, channel: str) -> Found:
        """Return what applies to a topic that the client named.

        Raises:
            RefusalError: It is not a legal name, or fits no pattern.
        """
        try:
            found = self.app.topics.find(validate_topic(channel))
        except TopicError:
            raise RefusalError(BAD_REQUEST) from None
        if found is None:
            raise RefusalError(UNKNOWN_CHANNEL)
        return found

    def is_subscribed(self, topic: str) -> bool:
        """Return whether the client is subscribed, by a token that has not expired."""
        found = self.subscriptions.get(topic)
        return found is not None and self._is_valid(found.until)

    def _is_valid(self, until: float | None) -> bool:
        return until is None or until + EXPIRY_GRACE_SECONDS > self.app.now()

    def check_allowance(self) -> None:
        """Check that this frame does not ask for too much.

        Raises:
            RefusalError: It does.
        """
        if not self.allowance.take():
            raise RefusalError(TOO_MANY_REQUESTS)

    def require_subscription(self, topic: str) -> None:
        """Check that the client is subscribed.

        Raises:
            RefusalError: It is not.
        """
        if not self.is_subscribed(topic):
            raise RefusalError(PERMISSION_DENIED)

    def describe(self, topic: str) -> ClientInfo:
        """Return who the client is, as others in a topic see it."""
        found = self.subscriptions.get(topic)
        return describe(present(self.session, None if found is None else found.info))

    def encode_info(self, user: str, info: object) -> EncodedJson | None:
        """Return what a rule says about a client.

        Raises:
            RefusalError: It is too large.
        """
        if info is None:
            return None
        encoded = encode_json(info)
        size, limit = len(encoded.encode()), self.app.limits.info_bytes
        if size > limit:
            log.warning(
                "user %r has %d bytes of info, but Limits(info_bytes=%d)",
                user,
                size,
                limit,
            )
            raise RefusalError(LIMIT_EXCEEDED)
        return encoded

    def user_fields(self) -> dict[str, Any]:
        """Return what every request to a rule says about the user."""
        return {
            "connection_id": self.connection_id,
            "event": self.event,
            "user": self.session.user,
            "info": decode_info(self.session),
        }


def present(session: Session, topic_info: str | None) -> Presence:
    """Return as whom a client is present in a topic."""
    return Presence(
        connection_id=session.connection_id,
        user=session.user,
        info=session.info,
        topic_info=topic_info,
    )


def describe(who: Presence) -> ClientInfo:
    """Return who a client is, as others see it."""
    info = None if who.info is None else EncodedJson(who.info)
    topic_info = None if who.topic_info is None else EncodedJson(who.topic_info)
    return ClientInfo(who.user, who.connection_id, info, topic_info)


def decode_info(session: Session) -> object:
    """Return what the connect rule said about a user."""
    return None if session.info is None else read_json(session.info)
