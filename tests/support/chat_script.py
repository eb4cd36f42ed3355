"""What clients of the chat do and see, wherever it runs.

One conversation for every gateway: the local one, serverless-offline, MiniStack, AWS.
Nothing is asked of it that AWS does not promise: messages of different invocations may
arrive in any order, and a durable publish may bring one twice.
"""

import itertools
import json
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from websockets.sync.client import ClientConnection

from tests.support.servers.gateways import connect_patiently
from wspubsub import SubscriptionStore

MESSAGES = 30
PATIENCE_SECONDS = 20.0

Message = dict[str, Any]


class Client:
    """A client of the chat, and what it has been told."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def say(self, message: object) -> None:
        """Send a message."""
        text = message if isinstance(message, str) else json.dumps(message)
        self._connection.send(text)

    def told(self) -> Message:
        """Return the next thing that it is told."""
        text = self._connection.recv(PATIENCE_SECONDS)
        try:
            message: Message = json.loads(text)
        except json.JSONDecodeError:
            raise AssertionError(f"a client was told {text!r}") from None
        return message

    def ask(self, message: object) -> Message:
        """Send a message and return the next thing that it is told."""
        self.say(message)
        return self.told()

    def subscribe(self, topic: str) -> None:
        """Subscribe to a topic."""
        assert self.ask({"type": "subscribe", "topic": topic}) == {
            "type": "subscribed",
            "topic": topic,
        }

    def unsubscribe(self, topic: str) -> None:
        """Unsubscribe from a topic."""
        assert self.ask({"type": "unsubscribe", "topic": topic}) == {
            "type": "unsubscribed",
            "topic": topic,
        }

    def publish(self, topic: str, content: object) -> None:
        """Send a message to a topic."""
        self.say({"type": "message", "topic": topic, "message": content})

    def hears(self, topic: str, contents: set[object]) -> list[Message]:
        """Return the messages of a topic that bring certain contents, once each."""
        found: dict[object, Message] = {}
        while found.keys() != contents:
            message = self.told()
            assert message["type"] == "message", message
            assert message["topic"] == topic
            assert message["message"] in contents
            known = found.setdefault(message["message"], message)
            assert known == message, "the same content at two positions"
        return list(found.values())

    def is_cut_off(self) -> None:
        """Lose the connection without a word."""
        self._connection.socket.shutdown(socket.SHUT_RDWR)

    def hears_nothing(self) -> None:
        """See that nothing is on its way: what is asked now is answered first."""
        self.subscribe(f"quiet-{uuid.uuid4().hex}")


class Chat:
    """The chat at a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def joined(self) -> Client:
        """Return a client that stays to the end."""
        return self._stack.enter_context(self.visitor())

    @contextmanager
    def visitor(self) -> Iterator[Client]:
        """Give a client that leaves."""
        with connect_patiently(self._url) as connection:
            yield Client(connection)


def converse(url: str, *, is_durable: bool) -> None:
    """Have clients talk to each other, and see that they are told what they should be.

    Args:
        url: Where the chat is.
        is_durable: Whether messages go through a stream, and so have a position.

    Raises:
        AssertionError: They were told something else.
        TimeoutError: They were told nothing.
    """
    topics = (f"{name}-{uuid.uuid4().hex[:8]}" for name in itertools.repeat("topic"))
    with Chat(url) as chat:
        _mistakes_are_answered(chat)
        _what_is_published_reaches_the_others(chat, next(topics), is_durable=is_durable)
        _who_unsubscribes_hears_no_more(chat, next(topics))
        _who_leaves_is_not_waited_for(chat, next(topics))
        _topics_are_kept_apart(chat, next(topics), next(topics))


def talk(url: str) -> None:
    """Do each thing once, and see that nothing is told that was not asked for.

    Args:
        url: Where the chat is.

    Raises:
        AssertionError: Something else was told, as an error by the gateway is.
    """
    with Chat(url) as chat:
        client = chat.joined()
        client.subscribe("news")
        client.publish("news", 1)
        client.hears_nothing()
        client.unsubscribe("news")


def leave(url: str, store: SubscriptionStore) -> None:
    """Have clients leave, and see that the chat takes them out of its table.

    Nothing is published meanwhile, so it is `$disconnect` that does it.

    Args:
        url: Where the chat is.
        store: Its table.

    Raises:
        AssertionError: They are still in it after some time.
    """
    topic = f"topic-{uuid.uuid4().hex[:8]}"
    with Chat(url) as chat:
        stays = chat.joined()
        stays.subscribe(topic)
        with chat.visitor() as closing, chat.visitor() as losing:
            closing.subscribe(topic)
            losing.subscribe(topic)
            assert len(list(store.subscribers(topic))) == 3
            losing.is_cut_off()

        until = time.monotonic() + PATIENCE_SECONDS
        while len(left := list(store.subscribers(topic))) > 1:
            assert time.monotonic() < until, f"still subscribed: {left}"
            stays.hears_nothing()


def _mistakes_are_answered(chat: Chat) -> None:
    client = chat.joined()
    for mistake, reason in (
        ("{", "JSON"),
        ("[1]", "must be a JSON object"),
        ({"type": "message"}, 'has no field "topic"'),
        ({"type": "message", "topic": "t"}, 'has no field "message"'),
        ({"type": "shout"}, "not 'shout'"),
        ({"topic": "t"}, 'has no field "type"'),
        ({"type": "subscribe", "topic": ""}, "topic"),
    ):
        answer = client.ask(mistake)
        assert answer["type"] == "error", answer
        assert reason in answer["reason"], answer


def _what_is_published_reaches_the_others(
    chat: Chat, topic: str, *, is_durable: bool
) -> None:
    readers, writers = [chat.joined(), chat.joined()], [chat.joined(), chat.joined()]
    for client in (*readers, *writers):
        client.subscribe(topic)

    for number in range(MESSAGES):
        writers[number % 2].publish(topic, number)

    for reader in readers:
        heard = reader.hears(topic, set(range(MESSAGES)))
        assert len({each["from"] for each in heard}) == len(writers)
        if is_durable:
            assert len({each["epoch"] for each in heard}) == 1
            offsets = sorted(each["offset"] for each in heard)
            assert offsets == list(range(1, MESSAGES + 1))
    for parity, writer in enumerate(writers):
        # Nobody hears what he says himself.
        others = {number for number in range(MESSAGES) if number % 2 != parity}
        writer.hears(topic, set(others))
    for client in (*readers, *writers):
        client.hears_nothing()


def _who_unsubscribes_hears_no_more(chat: Chat, topic: str) -> None:
    stays, goes, writer = chat.joined(), chat.joined(), chat.joined()
    stays.subscribe(topic)
    goes.subscribe(topic)

    goes.unsubscribe(topic)
    writer.publish(topic, "after")

    stays.hears(topic, {"after"})
    goes.hears_nothing()


def _who_leaves_is_not_waited_for(chat: Chat, topic: str) -> None:
    stays, writer = chat.joined(), chat.joined()
    stays.subscribe(topic)
    with chat.visitor() as visitor:
        visitor.subscribe(topic)
        writer.publish(topic, "together")
        visitor.hears(topic, {"together"})
        stays.hears(topic, {"together"})

    writer.publish(topic, "alone")

    stays.hears(topic, {"alone"})
    with chat.visitor() as back:
        # A new connection has none of the old one's subscriptions.
        writer.publish(topic, "without")
        stays.hears(topic, {"without"})
        back.hears_nothing()
        back.subscribe(topic)
        writer.publish(topic, "again")
        back.hears(topic, {"again"})


def _topics_are_kept_apart(chat: Chat, topic: str, other: str) -> None:
    reader, other_reader, writer = chat.joined(), chat.joined(), chat.joined()
    reader.subscribe(topic)
    other_reader.subscribe(other)

    writer.publish(topic, "Ünïcödé 🎉")
    writer.publish(other, 1)

    reader.hears(topic, {"Ünïcödé 🎉"})
    other_reader.hears(other, {1})
    reader.hears_nothing()
    other_reader.hears_nothing()
