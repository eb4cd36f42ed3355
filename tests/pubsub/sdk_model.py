"""Clients that do what SDKs do, in a world where everything happens at the same time.

Whenever a function asks its store, its log or API Gateway for something, other things
may happen first: another function runs, a client reads, a message is published.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from tests.pubsub.stepping import (
    CrashError,
    SteppedConnections,
    SteppedMembers,
    SteppedTable,
    Steps,
)
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub import History
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.eventsources import StreamHandler
from wspubsub.pubsub import ANYONE, PubSub
from wspubsub.pubsub.broadcaster import Broadcaster
from wspubsub.pubsub.frames import encode_json
from wspubsub.subscriptions.members import HOLD_SECONDS
from wspubsub.testing import message_event

TOPIC = "room"
DEEPEST = 3
"""How many functions run at the same time."""


class Client:
    """What an SDK knows and does, as far as one topic goes.

    Attributes:
        position: What it would recover from.
        got: Offsets of the publications that it was given.
        from_offset: Where it began, or began again after it was told of a gap.
        told: How often it was told that it could not recover.
        gaps: Offsets that it had not been given when it was given a later one.
        twice: Offsets of those that it was given again.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.lives = 0
        self.state = "away"
        self.position: tuple[str, int] | None = None
        self.commands: deque[str] = deque()
        self.got: set[int] = set()
        self.gaps: set[int] = set()
        self.twice: list[int] = []
        self.from_offset: int | None = None
        self.told = 0
        self._number = 0

    @property
    def connection_id(self) -> str:
        return f"{self.name}{self.lives}="

    def connect(self) -> None:
        self.lives += 1
        self.state = "connecting"
        self._send({"connect": {}})

    def subscribe(self) -> None:
        self.state = "subscribing"
        request: dict[str, Any] = {"channel": TOPIC}
        if self.position is not None:
            epoch, offset = self.position
            request |= {"recover": True, "epoch": epoch, "offset": offset}
        self._send({"subscribe": request})

    def try_again(self) -> None:
        if self.state == "connecting":
            self._send({"connect": {}})
        else:
            self.subscribe()

    def read(self, frame: str) -> None:
        for line in frame.split("\n"):
            message = json.loads(line)
            if "push" in message:
                self._take_push(message["push"])
            elif "connect" in message:
                self.subscribe()
            elif "error" in message:
                assert message["error"].get("temporary"), message
                self.subscribe()
            elif "subscribe" in message and message["id"] == self._number:
                self._take_reply(message["subscribe"])

    def _take_push(self, push: dict[str, Any]) -> None:
        if push.get("channel") != TOPIC or self.state != "subscribed":
            return
        if "pub" in push:
            self._take(push["pub"])
        elif "unsubscribe" in push:
            assert push["unsubscribe"]["code"] == 2500
            self.subscribe()

    def _take_reply(self, reply: dict[str, Any]) -> None:
        self.state = "subscribed"
        self.position = (reply["epoch"], reply.get("offset", 0))
        if not reply.get("recovered"):
            self.told += bool(reply.get("was_recovering"))
            self.from_offset = reply.get("offset", 0)
        for each in reply.get("publications", ()):
            self._take(each)

    def _take(self, publication: dict[str, Any]) -> None:
        assert self.position is not None
        offset = publication["offset"]
        first = (self.from_offset or 0) + 1
        self.gaps.update(set(range(first, offset)) - self.got)
        self.twice += self.got & {offset}
        self.got.add(offset)
        self.position = (self.position[0], offset)

    def _send(self, command: dict[str, Any]) -> None:
        self._number += 1
        self.commands.append(json.dumps({"id": self._number, **command}))


class World(Steps):
    """Clients, functions and AWS.

    Args:
        seed: Decides what happens.
        failing: How many of a hundred posts and writes fail, and how many of a
            thousand steps a function does not survive.
        without: Which step of the proof is left out: `strong reads`, `holds`, `traces`,
            `marks` or `told`.
    """

    def __init__(self, seed: int, *, failing: int = 10, without: str = "") -> None:
        self.random = Random(seed)
        self.without = without
        self._density = self.random.uniform(0.2, 0.8)
        self.failing = failing
        self.is_over = False
        self.time = VirtualTime()
        self.consistent: list[bool] = []
        self.clients = [Client(chr(ord("a") + number)) for number in range(3)]
        self.connections = SteppedConnections(self)
        self.members = SteppedMembers(self)
        self.table = SmallTable(self.time.now)
        self.pending: deque[Any] = deque()
        self._seen = 0
        self._running: list[str] = []
        self._published = 0
        client: Any = SteppedTable(self.table, self.step)

        def make_log(*, history: Any) -> DynamoDBTopicLog:
            return DynamoDBTopicLog(
                "chat", client=client, history=history, now=self.time.now
            )

        self.pubsub = PubSub(
            self.members,
            self.connections,
            log=make_log,
            by_stream=True,
            now=self.time.now,
            clock=self.time.clock,
        )
        self.pubsub.connect(ANYONE)
        self.pubsub.topic(TOPIC, history=History()).subscribe(ANYONE)
        self.broadcaster = Broadcaster(
            self.members,
            self.connections,
            topic_log=make_log(history=History()),
            by_stream=True,
            now=self.time.now,
            clock=self.time.clock,
        )
        self.handler = self._new_environment()

    # What happens in between.

    def step(self) -> None:
        """Let something else happen, perhaps, where a function waits for an answer."""
        if self.is_over or len(self._running) >= DEEPEST:
            return
        is_function = bool(self._running) and self._running[-1] != "publish"
        if is_function and self.random.random() < self.failing / 1000:
            raise CrashError
        if self.random.random() < self._density:
            self.act()

    def fails(self) -> bool:
        """Return whether a post or a write fails."""
        return not self.is_over and self.random.random() < self.failing / 100

    def act(self) -> None:
        """Do one thing that is possible now."""
        actions: list[Callable[[], None]] = [self.publish]
        if "stream" not in self._running:
            actions += [self.run_stream] * 2
        for client in self.clients:
            actions += self._actions_of(client)
        self.random.choice(actions)()

    def _actions_of(self, client: Client) -> Iterator[Callable[[], None]]:
        is_served = client.name in self._running
        if client.state == "away":
            yield lambda: self.connect(client)
            return
        yield lambda: self.read(client)
        yield lambda: self.read(client)
        if client.commands and not is_served:
            yield lambda: self.serve(client)
            yield lambda: self.serve(client)
        if self._waits_in_vain(client):
            yield client.try_again
        if self.random.random() < 0.2:
            yield lambda: self.leave(client)

    def _waits_in_vain(self, client: Client) -> bool:
        """Return whether no reply will come; SDKs time out after 5 s."""
        return (
            client.state in {"connecting", "subscribing"}
            and client.name not in self._running
            and not client.commands
            and not self.connections.inboxes[client.connection_id]
        )

    def publish(self) -> None:
        self._published += 1
        with self._run("publish"):
            self.broadcaster.publish(TOPIC, encode_json(self._published), logged=True)

    def run_stream(self) -> None:
        self.pending += self.table.records[self._seen :]
        self._seen = len(self.table.records)
        size = self.random.randint(1, 8)
        batch = [self.pending[i] for i in range(min(size, len(self.pending)))]
        if not batch:
            return
        try:
            with self._run("stream"):
                answer = self.handler({"Records": batch})
        except CrashError:
            self.handler = self._new_environment()
            return
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        failures = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        for _ in range(numbers.index(failures[0]) if failures else len(batch)):
            self.pending.popleft()

    def connect(self, client: Client) -> None:
        client.connect()
        self.connections.inboxes[client.connection_id] = deque()

    def leave(self, client: Client) -> None:
        """Let a connection break; what is on its way arrives, or not."""
        inbox = self.connections.inboxes.pop(client.connection_id)
        for _ in range(self.random.randint(0, len(inbox))):
            client.read(inbox.popleft())
        client.commands.clear()
        client.state = "away"

    def read(self, client: Client) -> None:
        inbox = self.connections.inboxes[client.connection_id]
        if inbox:
            client.read(inbox.popleft())

    def serve(self, client: Client) -> None:
        """Run the function that handles a client's next command."""
        event = message_event(
            client.commands.popleft(), connection_id=client.connection_id
        )
        connection_id = client.connection_id
        try:
            with self._run(client.name):
                answer = self.pubsub(event)
        except CrashError:
            return
        if connection_id in self.connections.inboxes:
            self.connections.inboxes[connection_id].append(answer["body"])

    # How it ends.

    def play(self, steps: int) -> None:
        for _ in range(steps):
            self.act()
        self.is_over = True
        # A hold that nobody has ended is over by then.
        self.time.passed += HOLD_SECONDS
        self.settle()
        # Whoever was left behind is reminded by the next message.
        self.publish()
        self.settle()

    def settle(self) -> None:
        """Let everything that is under way come to its end."""
        for _ in range(1000):
            self.run_stream()
            for client in self.clients:
                if client.state == "away":
                    self.connect(client)
                while client.commands:
                    self.serve(client)
                self.read(client)
                if self._waits_in_vain(client):
                    client.try_again()
            is_quiet = not self.pending and len(self.table.records) == self._seen
            if is_quiet and not any(
                client.commands or self.connections.inboxes[client.connection_id]
                for client in self.clients
            ):
                return
        raise AssertionError("it does not come to an end")

    def newest(self) -> int:
        return self._published

    @contextmanager
    def _run(self, name: str) -> Iterator[None]:
        depth = len(self._running)
        self._running.append(name)
        try:
            yield
        finally:
            del self._running[depth:]

    def _new_environment(self) -> StreamHandler:
        return StreamHandler(
            self.broadcaster.publisher,
            joiner=self.broadcaster.joiner,
            now=self.time.now,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )
