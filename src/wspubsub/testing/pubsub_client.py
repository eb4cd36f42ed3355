"""A client of a `PubSub` in a test: it speaks the protocol that SDKs speak."""

import json
from collections import defaultdict
from typing import Any

from typing_extensions import override

from wspubsub.messages import Json
from wspubsub.testing.clients import TestClient
from wspubsub.testing.errors import CommandRefusedError, NoMessageError

Reply = dict[str, Any]


class PubSubTestClient:
    """A client that speaks Centrifugo's protocol, over a client of the gateway.

    It neither reconnects nor recovers by itself, as SDKs do: a test says what it sends.

    Example:
        >>> from wspubsub.pubsub import ANYONE, SUBSCRIBERS, PubSub, User
        >>> gateway = InProcessGateway()
        >>> pubsub = PubSub(MemoryMemberStore(now=gateway.now), gateway.connections)
        >>> _ = pubsub.connect(lambda request: User(request.token))
        >>> room = pubsub.topic("room:{room_id}")
        >>> _ = room.subscribe(ANYONE), room.publish(SUBSCRIBERS)
        >>> gateway.handler = pubsub
        >>> ann = PubSubTestClient(gateway.connect())
        >>> reply = ann.connect("ann")
        >>> reply = ann.subscribe("room:lobby")
        >>> ann.publish("room:lobby", "hello")
        >>> ann.messages("room:lobby")
        ['hello']

    Args:
        client: What `InProcessGateway.connect` returns.

    Attributes:
        client: The same, for what goes over the wire, its close code, and `kill`.
    """

    __test__ = False  # pytest is not to collect this class as a test

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self._number = 0
        self._messages: defaultdict[str, list[Any]] = defaultdict(list)
        self._pushes: list[Reply] = []

    @override
    def __repr__(self) -> str:
        return f"<PubSubTestClient over {self.client!r}>"

    def connect(self, token: str = "", **fields: Any) -> Reply:
        """Send `connect`, the first command, and return its reply.

        Args:
            token: The client's token.
            fields: Other fields of the command, such as `data`.

        Raises:
            CommandRefusedError: The connect rule refuses.
        """
        return self.ask("connect", **({"token": token} if token else {}), **fields)

    def subscribe(self, topic: str, **fields: Any) -> Reply:
        """Subscribe to a topic and return the reply.

        Messages that come with it, such as those that were missed, are in `messages`.

        Args:
            topic: The topic.
            fields: Other fields of the command, such as `recover`, `epoch`, `offset`.

        Raises:
            CommandRefusedError: The topic's rule refuses.
        """
        reply = self.ask("subscribe", channel=topic, **fields)
        missed = [each["data"] for each in reply.get("publications", ())]
        # What was published meanwhile comes behind the reply.
        self._messages[topic] = missed + self._messages[topic]
        return reply

    def unsubscribe(self, topic: str) -> None:
        """Unsubscribe from a topic."""
        self.ask("unsubscribe", channel=topic)

    def publish(self, topic: str, data: object) -> None:
        """Publish to a topic.

        Raises:
            CommandRefusedError: The topic's rule refuses.
        """
        self.ask("publish", channel=topic, data=data)

    def rpc(self, method: str, data: object = None) -> Json:
        """Call a method of the server and return what it answers.

        Raises:
            CommandRefusedError: There is no such method, or its function refuses.
        """
        return self.ask("rpc", method=method, data=data).get("data")

    def ask(self, command: str, **fields: Any) -> Reply:
        """Send any command, such as `presence` or `history`, and return its reply.

        Args:
            command: Its name in the protocol.
            fields: Its fields.

        Raises:
            CommandRefusedError: It was answered with an error.
            NoMessageError: It was not answered.
        """
        self._number += 1
        self.client.send({"id": self._number, command: fields})
        replies = self._read()
        if self._number not in replies:
            ended = "" if self.client.is_open else f"; {self.client!r}"
            raise NoMessageError(f"the command {command} was not answered{ended}")
        reply = replies[self._number]
        if "error" in reply:
            error = reply["error"]
            raise CommandRefusedError(
                command,
                error["code"],
                error["message"],
                is_temporary=error.get("temporary", False),
            )
        found: Reply = reply.get(command, {})
        return found

    def messages(self, topic: str) -> list[Any]:
        """Return what was published to a topic and was not returned yet."""
        self._read()
        return self._messages.pop(topic, [])

    def pushes(self) -> list[Reply]:
        """Return everything else that came and was not returned yet.

        Such as `{"channel": "room:lobby", "join": {…}}`, `unsubscribe`, `disconnect`.
        """
        self._read()
        pushes, self._pushes = self._pushes, []
        return pushes

    def _read(self) -> dict[int, Reply]:
        """Sort what has come, and return the replies by their numbers."""
        replies = {}
        for text in self.client.receive_all():
            for part in map(json.loads, text.splitlines()):
                if "id" in part:
                    replies[part["id"]] = part
                elif "pub" in (push := part.get("push", {})):
                    self._messages[push["channel"]].append(push["pub"]["data"])
                elif push.get("channel") or push.keys() - {"channel"}:
                    self._pushes.append(push)
        return replies
