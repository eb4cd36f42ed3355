"""The application's own calls: publish, subscribe, disconnect, and look."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from wspubsub.errors import TooManyTopicsError, UsageError
from wspubsub.pubsub.caller import Services, describe
from wspubsub.pubsub.codes import FORCED_DISCONNECT, SERVER_UNSUBSCRIBE, Code
from wspubsub.pubsub.commands import Since
from wspubsub.pubsub.frames import (
    ClientInfo,
    EncodedJson,
    Page,
    encode_json,
    make_push,
    make_unsubscribe,
)
from wspubsub.pubsub.rules import Access, describe_rule
from wspubsub.reports import PublishReport

if TYPE_CHECKING:
    from wspubsub.log.rules import Position

_DISCONNECT_CODES = range(3000, 4000)


class PresenceStats(NamedTuple):
    """How many are in a topic.

    Attributes:
        clients: How many connections.
        users: How many users; all that are anonymous are one.
    """

    clients: int
    users: int


class Explanation(NamedTuple):
    """Who decides about a topic.

    Attributes:
        topic: The topic.
        verb: What is to be done: `subscribe` or `publish`.
        pattern: The pattern that it fits; None if it fits none, and clients get error
            102 "unknown channel".
        rule: The rule that decides: the name of a function, or of a constant.
        variables: What the function is called with, besides the request.
    """

    topic: str
    verb: str
    pattern: str | None
    rule: str
    variables: Mapping[str, str]

    def __str__(self) -> str:
        if self.pattern is None:
            return f"{self.topic!r} matches no topic pattern, so nobody may {self.verb}"
        arguments = "".join(f", {k}={v!r}" for k, v in self.variables.items())
        call = f"(request{arguments})" if "." in self.rule else ""
        return (
            f"{self.topic!r} matches {self.pattern!r}; {self.rule}{call} decides who "
            f"may {self.verb}"
        )


class Server:
    """The server's side of an application.

    In the words of Centrifugo's server API. Topics must fit a pattern.
    """

    if TYPE_CHECKING:

        @cached_property
        def _app(self) -> Services: ...

    def publish(
        self,
        topic: str,
        data: object,
        *,
        key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a message to every subscriber of a topic, without asking a rule.

        Args:
            topic: The topic.
            data: JSON data; at most 131,072 bytes with what the protocol adds.
            key: The message's name in the topic's history, so that it can be published
                again without being sent twice; see `Publisher.publish`.
            timeout_seconds: Longest time this call may take.

        Returns:
            What became of it.

        Raises:
            MessageTooLargeError: The message is too large; none was sent.
            KeyConflictError: The key belongs to a message with other data.
            UsageError: The topic fits no pattern, the data is not JSON data, or there
                is a key although the topic has no history.
            StoreError: The log did not take the message; none was sent.
            PublishError: The message was logged, if the topic has history; then the
                store or the Management API failed.
        """
        found = self._app.topics.require(topic)
        return self._app.broadcaster.publish(
            topic,
            _encode(data),
            logged=found.topic.history is not None,
            key=key,
            timeout_seconds=timeout_seconds,
        )

    def broadcast(
        self, topics: Iterable[str], data: object
    ) -> dict[str, PublishReport]:
        """Publish a message to several topics, one after another.

        Args:
            topics: The topics, each of which must fit a pattern.
            data: JSON data.

        Returns:
            What became of it in each topic.

        Raises:
            UsageError: A topic fits no pattern, or the data is not JSON data; none
                was sent.
            StoreError: As `publish`; those before it were sent.
            PublishError: As `publish`; those before it were sent.
        """
        named = [self._app.topics.require(topic) for topic in topics]
        encoded = _encode(data)
        return {found.name: self.publish(found.name, encoded) for found in named}

    def subscribe(
        self, user: str | None, topic: str, *, connection: str | None = None
    ) -> None:
        """Subscribe a user's connections to a topic, or one connection.

        The rule of the topic is not asked. Clients get a `subscribe` push; one that
        reconnects is subscribed only if its connect rule says so.

        Args:
            user: The user's ID; None if `connection` is given.
            topic: The topic.
            connection: ID of the connection.

        Raises:
            UsageError: The topic fits no pattern; or both or neither of user and
                connection are given, or the user is the anonymous one.
            TooManyTopicsError: A connection has as many topics as `Limits` allows; the
                user's others are subscribed.
            StoreError: It could not be written.
        """
        from wspubsub.pubsub.serverside import subscribe

        found = self._app.topics.require(topic)
        refusal = None
        for connection_id in self._connections_of(user, connection):
            try:
                subscribe(self._app, connection_id, found)
            except TooManyTopicsError as error:
                # The user's other connections may have room.
                refusal = error
        if refusal is not None:
            raise refusal

    def unsubscribe(
        self, user: str | None, topic: str, *, connection: str | None = None
    ) -> None:
        """Unsubscribe a user's connections from a topic, or one connection.

        Clients get an `unsubscribe` push with code 2000, after which they do not
        subscribe again by themselves.

        Args:
            user: The user's ID; None if `connection` is given.
            topic: The topic.
            connection: ID of the connection.

        Raises:
            UsageError: As `subscribe`.
            StoreError: It could not be written.
        """
        self._app.topics.require(topic)
        for connection_id in self._connections_of(user, connection):
            left = self._app.members.end_subscription(
                connection_id, topic, command=None
            )
            push = make_unsubscribe(topic, SERVER_UNSUBSCRIBE)
            self._app.broadcaster.push([connection_id], push)
            if left is not None:
                self._app.announce_leave(topic, left)

    def disconnect(
        self,
        user: str | None = None,
        *,
        connection: str | None = None,
        code: int = FORCED_DISCONNECT.number,
        reason: str = FORCED_DISCONNECT.text,
    ) -> None:
        """Disconnect a user's connections, or one connection.

        Args:
            user: The user's ID; None if `connection` is given.
            connection: ID of the connection.
            code: From 3500 to 3999 clients stay away; from 3000 to 3499 they reconnect.
            reason: What the client is told.

        Raises:
            UsageError: The code is out of range; else as `subscribe`.
            StoreError: The user's connections could not be read.
        """
        if code not in _DISCONNECT_CODES:
            raise UsageError(f"a disconnect code must be from 3000 to 3999, not {code}")
        for connection_id in self._connections_of(user, connection):
            self._app.broadcaster.disconnect(connection_id, Code(code, reason))

    def send(self, connection: str, data: object) -> PublishReport:
        """Send a message to one connection, whatever it is subscribed to.

        Clients get a `message` push.

        Args:
            connection: ID of the connection.
            data: JSON data.

        Raises:
            UsageError: It is not JSON data.
            PublishError: The Management API failed.
        """
        push = make_push("message", {"data": _encode(data)})
        return self._app.broadcaster.push([connection], push)

    def presence(self, topic: str) -> dict[str, ClientInfo]:
        """Return who is in a topic, by connection ID.

        Raises:
            UsageError: The topic fits no pattern, or has no presence.
            StoreError: It could not be read.
        """
        found = self._app.topics.require(topic)
        if not found.topic.presence:
            raise UsageError(
                f"topic pattern {found.topic.pattern.text!r} has no presence; declare "
                "it with presence=True"
            )
        present = self._app.members.presence(topic)
        return {each.connection_id: describe(each) for each in present}

    def presence_stats(self, topic: str) -> PresenceStats:
        """Return how many are in a topic.

        Raises:
            UsageError: The topic fits no pattern, or has no presence.
            StoreError: It could not be read.
        """
        present = self.presence(topic).values()
        return PresenceStats(len(present), len({each.user for each in present}))

    def history(
        self,
        topic: str,
        since: "Position | None" = None,
        limit: int = -1,
        *,
        reverse: bool = False,
    ) -> Page:
        """Return messages of a topic, oldest first.

        Args:
            topic: The topic.
            since: Position of the message before the first one; None for the oldest.
            limit: How many; -1 for all, up to 300, and 0 for the position only.
            reverse: Whether the newest come first.

        Raises:
            UsageError: The topic fits no pattern or has no history, or `since` is not
                in it.
            StoreError: It could not be read.
        """
        from wspubsub.pubsub.histories import read_page

        found = self._app.topics.require(topic)
        if found.topic.history is None or self._app.log is None:
            raise UsageError(
                f"topic pattern {found.topic.pattern.text!r} has no history; declare "
                "it with history=History(…)"
            )
        asked = None if since is None else Since(since.epoch, since.offset)
        page = read_page(self._app.log, topic, asked, limit, reverse=reverse)
        if page is None:
            raise UsageError(
                f"position {since} is not in the history of {topic!r}; read "
                "without since="
            )
        return page

    def explain(self, topic: str, verb: str) -> Explanation:
        """Return which pattern and which rule decide about a topic; calls none.

        Args:
            topic: The topic.
            verb: `subscribe` or `publish`.

        Raises:
            UsageError: It is another verb.
        """
        if verb not in {"subscribe", "publish"}:
            raise UsageError(f"the verb must be subscribe or publish, not {verb!r:.80}")
        found = self._app.topics.find(topic)
        if found is None:
            return Explanation(topic, verb, None, Access.SERVER.name, {})
        rule = describe_rule(found.topic.rule(verb))
        return Explanation(topic, verb, found.topic.pattern.text, rule, found.variables)

    def _connections_of(
        self, user: str | None, connection: str | None
    ) -> tuple[str, ...]:
        if (user is None) == (connection is None):
            raise UsageError("pass either a user or connection=")
        if connection is not None:
            return (connection,)
        if not user:
            raise UsageError(
                "anonymous connections do not belong to one user; pass "
                "connection= instead"
            )
        return self._app.members.connections_of(user)


def _encode(data: object) -> EncodedJson:
    try:
        return encode_json(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the data cannot be encoded as JSON: {error}") from None
