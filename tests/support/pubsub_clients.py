"""An application of `wspubsub.pubsub` behind the in-process gateway, with clients."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from wspubsub import MemoryTopicLog
from wspubsub.gateway.config import GatewayConfig
from wspubsub.pubsub import ConnectRequest, PubSub, Unauthorized, User
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.testing import InProcessGateway
from wspubsub.testing.clients import TestClient

Reply = dict[str, Any]
SKIP = {"push": {"channel": ""}}


class Client:
    """A client that writes frames as text, and reads replies and pushes."""

    def __init__(self, client: TestClient) -> None:
        self.wire = client
        self.id = client.connection_id
        self._number = 0

    def send(self, *commands: dict[str, Any]) -> None:
        """Send commands in one frame; those without an ID get the next one."""
        self.wire.send(
            "\n".join(json.dumps(self._number_it(each)) for each in commands)
        )

    def _number_it(self, command: dict[str, Any]) -> dict[str, Any]:
        if "id" in command or "send" in command:
            return command
        self._number += 1
        return {"id": self._number, **command}

    def receive(self) -> list[Reply]:
        """Return what has come, without what is passed over."""
        parts = [
            json.loads(line)
            for message in self.wire.receive_all()
            for line in message.split("\n")
        ]
        return [part for part in parts if part != SKIP]

    def ask(self, **command: Any) -> Reply:
        """Send one command and return its reply, which must be all that comes."""
        self.send(command)
        received = self.receive()
        replies = [part for part in received if part.get("id") == self._number]
        assert len(replies) == 1, received
        self.pushes = [part["push"] for part in received if "push" in part]
        return replies[0]

    def connect(self, token: str = "", **fields: Any) -> Reply:
        """Send `connect`, and return the reply."""
        return self.ask(connect={"token": token, **fields})

    def subscribe(self, channel: str, **fields: Any) -> Reply:
        """Send `subscribe`, and return the reply."""
        return self.ask(subscribe={"channel": channel, **fields})

    def code(self, **command: Any) -> int:
        """Send a command that fails, and return the error's code."""
        return int(self.ask(**command)["error"]["code"])

    def disconnect_code(self) -> int:
        """Return the code that the client was sent away with."""
        assert self.wire.close_code == 1000
        codes = [
            part["push"]["disconnect"]["code"]
            for part in self.receive()
            if "disconnect" in part.get("push", {})
        ]
        assert len(codes) == 1
        return int(codes[0])


class World:
    """A gateway, an application, and the clocks of both."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[Any] = []
        two_way = options.pop("two_way", {"$default"})
        self.gateway = InProcessGateway(
            raise_errors=False,  # the tests look at what clients and logs are told
            config=GatewayConfig(two_way=frozenset(two_way)),
        )
        self.members = options.pop("members", None) or MemoryMemberStore(
            now=self.gateway.now
        )
        options.setdefault("log", self.make_log)
        self.connections = options.pop("connections", self.gateway.connections)
        self.pubsub = PubSub(
            self.members, self.connections, now=self.gateway.now, **options
        )
        self.gateway.handler = self.pubsub

    @property
    def errors(self) -> list[Exception]:
        """What ended an invocation, not what a client was answered for."""
        return [each.error for each in self.gateway.invocations if each.error]

    def make_log(self, *, history: Any) -> MemoryTopicLog:
        """Return a log with the gateway's clock."""
        self.log = MemoryTopicLog(history=history, now=self.gateway.now)
        return self.log

    def open(self, **options: Any) -> Client:
        """Let a client open a connection, and say nothing."""
        return Client(self.gateway.connect(**options))

    def connect(self, user: str = "ada", **options: Any) -> Client:
        """Let a client open a connection and connect as a user."""
        client = self.open(**options)
        assert "connect" in client.connect(user)
        return client

    def subscribe(self, channel: str, user: str = "ada") -> Client:
        """Let a client connect and subscribe."""
        client = self.connect(user)
        assert "subscribe" in client.subscribe(channel)
        return client


class WatchedLog(MemoryTopicLog):
    """A log with something that happens right after it was read for the first time."""

    after_read: Callable[[], object] | None = None

    def ensure_position(self, *args: Any, **options: Any) -> Any:
        return self._then(super().ensure_position(*args, **options))

    def recover(self, *args: Any, **options: Any) -> Any:
        return self._then(super().recover(*args, **options))

    def _then(self, found: Any) -> Any:
        happens, self.after_read = self.after_read, None
        if happens is not None:
            happens()
        return found


def find_log(world: World) -> WatchedLog:
    """Return the log that an application has made."""
    log = world.pubsub._app.log  # noqa: SLF001 - the one that the application has made
    assert isinstance(log, WatchedLog)
    return log


def let_in_by_name(pubsub: PubSub) -> Callable[[ConnectRequest], User]:
    """Register a connect rule that takes the token for the user's ID."""

    @pubsub.connect
    def connect(request: ConnectRequest) -> User:
        if request.token == "forged":
            raise Unauthorized
        return User(request.token, info={"name": request.token.title()})

    return connect


def publications(parts: Iterable[Reply]) -> list[Any]:
    """Return the data of the publications among what has come."""
    return [
        part["push"]["pub"]["data"] for part in parts if "pub" in part.get("push", {})
    ]
