"""AWS, functions and clients, all at the same time, and all that may go wrong.

Whenever a function waits for an answer, others may run first, or it may be killed.
Time passes only between functions. A run is decided by its seed, by what `os.urandom`
returns and, for the order of sets, by PYTHONHASHSEED.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from tests.chaos.reader import Checks, Reader
from tests.chaos.sdk import Sdk
from tests.pubsub.stepping import (
    CrashError,
    SteppedConnections,
    SteppedMembers,
    SteppedTable,
    Steps,
)
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub import History, PublishError, StoreError
from wspubsub.client.pulse import CHECK_SECONDS
from wspubsub.connections import Outcome
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.pubsub import ANYONE, SUBSCRIBERS, ConnectRequest, PubSub, User
from wspubsub.testing import disconnect_event, message_event

DEEPEST = 3
"""How many functions run at the same time."""

HOUR = 3600.0
LONGEST_CONNECTION = 2 * HOUR
"""API Gateway's quota "WebSocket API connection duration"."""

UNREAD = 20
"""How many messages wait for a client before posts to it fail."""

KEPT = History(limit=100_000, ttl_seconds=7 * 24 * HOUR)


class _Connections(SteppedConnections):
    """API Gateway, which throttles, fails, and gives up clients that do not read."""

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._world = world

    def _try(self, connection_id: str, data: bytes) -> Outcome:
        inbox = self.inboxes.get(connection_id)
        if inbox is not None and len(inbox) >= UNREAD:
            self._world.faults["unread"] += 1
            return Outcome.FAILED
        if inbox is not None and self._world.fails():
            # Not taken, and so said.
            return Outcome.THROTTLED
        outcome = super()._try(connection_id, data)
        # It has arrived, but whoever posted it learns this only later.
        self._world.step()
        return outcome


class Connection:
    """Both ends of a connection."""

    def __init__(self, world: "World", client: "Client", id_: str) -> None:
        self.id = id_
        self.born = world.time.passed
        self.sent: deque[str] = deque()
        self.client = client
        self._world = world
        world.connections.inboxes[id_] = deque()

    @property
    def is_alive(self) -> bool:
        """Whether API Gateway has it."""
        return self.id in self._world.connections.inboxes

    @property
    def inbox(self) -> deque[str]:
        return self._world.connections.inboxes[self.id]

    def send(self, frame: str) -> None:
        if self.is_alive:
            self.sent.append(frame)

    def close(self) -> None:
        """Close it, as either side may; `$disconnect` follows."""
        if self.is_alive:
            self.vanish()
            self._world.departed.append(self.id)

    def vanish(self) -> None:
        """Be gone, without any $disconnect."""
        self._world.connections.inboxes.pop(self.id, None)
        self.sent.clear()


class Client:
    """An SDK with a wrapper around it.

    Attributes:
        readers: What its handlers were handed.
        sleeps_until: When the laptop wakes up.
    """

    def __init__(self, world: "World", number: int, topics: list[str]) -> None:
        self.user = f"user{number}"
        self.is_slow = number % 10 == 9
        self.sleeps_until = 0.0
        self.connection: Connection | None = None
        self._world = world
        self._lives = 0
        now = world.time.clock
        self.sdk = Sdk(self.user, self._open, now, joins=bool(number % 2))
        self.readers = [Reader(each, self.sdk, now) for each in topics]
        for reader in self.readers:
            self.sdk.subscribe(reader.topic, reader)
        self._checks = Checks(self.sdk, self.readers, now)

    def _open(self) -> Connection:
        self._lives += 1
        id_ = f"{self.user}.{self._lives}="
        self.connection = Connection(self._world, self, id_)
        self._world.live[id_] = self.connection
        return self.connection

    @property
    def is_asleep(self) -> bool:
        return self.sleeps_until > self._world.time.passed

    def tick(self) -> None:
        if not self.is_asleep:
            self.sdk.tick()
            self._checks.tick()

    def read(self) -> None:
        """Read what has come, or learn that the connection is closed."""
        connection = self.connection
        if connection is None or self.is_asleep:
            return
        while connection is self.connection and connection.is_alive:
            if not connection.inbox:
                return
            self.sdk.read(connection.inbox.popleft())

    def vanish(self) -> None:
        """Be gone for good, without a word."""
        if self.connection is not None:
            self.connection.vanish()
        self.sdk.lose_wire()
        self.sdk.stay_away()

    def publish(self, topic: str, data: object) -> None:
        request = {"publish": {"channel": topic, "data": data}}
        self.sdk.ask((lambda _reply: None, request))


class World(Steps):
    """One run.

    Args:
        seed: Decides what happens.
        clients: How many.
        topics: How many.
        by_stream: Whether the table's stream carries messages, or who publishes.
        failing: How many of a thousand posts and requests fail.
    """

    without = ""
    kinds_of_faults = (
        "failures",
        "unread",
        "kills",
        "drop",
        "drop and tell",
        "close",
        "sleep",
        "roll-overs",
    )

    def __init__(
        self,
        seed: int,
        *,
        clients: int,
        topics: int,
        by_stream: bool,
        failing: int = 20,
    ) -> None:
        self.random = Random(seed)
        self.failing = failing
        self.is_over = False
        self.time = VirtualTime()
        self.consistent: list[bool] = []
        self.faults: Counter[str] = Counter()
        self.live: dict[str, Connection] = {}
        self.departed: deque[str] = deque()
        self.connections = _Connections(self)
        self.members = SteppedMembers(self)
        self.topics = [f"room:{number}" for number in range(topics)]
        self._by_stream = by_stream
        self._table = SmallTable(self.time.now)
        self._seen = 0
        self._pending: deque[Any] = deque()
        self._running: list[str] = []
        self._said = 0
        self._client: Any = SteppedTable(self._table, self.step)
        self.pubsub = self._new_environment()
        self._streaming = self._new_environment()
        self.clients = [
            Client(self, number, self.random.sample(self.topics, min(3, topics)))
            for number in range(clients)
        ]

    def _new_environment(self) -> PubSub:
        pubsub = PubSub(
            self.members,
            self.connections,
            log=self._make_log,
            by_stream=self._by_stream,
            now=self.time.now,
            clock=self.time.clock,
        )

        @pubsub.connect
        def connect(request: ConnectRequest) -> User:
            return User(request.token)

        room = pubsub.topic("room:{number}", history=KEPT, presence=True)
        room.subscribe(ANYONE)
        room.publish(SUBSCRIBERS)
        return pubsub

    def _make_log(self, *, history: Any) -> DynamoDBTopicLog:
        return DynamoDBTopicLog(
            "chat",
            client=self._client,
            history=history,
            now=self.time.now,
            sleep=lambda _seconds: self.step(),
        )

    # What happens in between.

    def step(self) -> None:
        if self.is_over:
            return
        if self._running and self.random.random() < self.failing / 20_000:
            self.faults["kills"] += 1
            raise CrashError
        if len(self._running) < DEEPEST and self.random.random() < 0.3:
            self._act_once()

    def fails(self) -> bool:
        fails = not self.is_over and self.random.random() < self.failing / 1000
        self.faults["failures"] += fails
        return fails

    def act(self) -> None:
        """Let a little time pass, and do one thing."""
        self.time.passed += self.random.expovariate(1 / 0.05)
        if self.random.random() < 0.002:
            self.time.passed += self.random.choice((60.0, 600.0, 1800.0))
        for client in self.random.sample(self.clients, min(5, len(self.clients))):
            client.tick()
        self._act_once()

    def _act_once(self) -> None:
        actions: list[tuple[int, Callable[[], None]]] = [
            (30, self._read),
            (25, self._serve),
            (5, self._publish),
            (5, self._let_client_publish),
            (10, self._run_stream),
            (5, self._run_disconnect),
            (3, self._do_harm),
        ]
        weights = [weight for weight, _ in actions]
        ((_, action),) = self.random.choices(actions, weights)
        action()

    def _pick(self) -> Client:
        return self.random.choice(self.clients)

    def _read(self) -> None:
        for _ in range(10):
            client = self._pick()
            if not client.is_slow or self.random.random() < 0.02:
                client.read()

    def _serve(self) -> None:
        for _ in range(20):
            connection = self._pick().connection
            if connection is not None and connection.sent:
                self.serve(connection)
                return

    def serve(self, connection: Connection) -> None:
        """Run the function that handles a client's next frame."""
        frame = connection.sent.popleft()
        event = message_event(frame, connection_id=connection.id, at=self.time.now())
        with self._run("frame"):
            body = self.pubsub(event).get("body")
            if body and connection.is_alive:
                connection.inbox.append(body)

    def _publish(self) -> None:
        topic = self.random.choice(self.topics)
        self._said += 1
        with self._run("publish"):
            self.pubsub.publish(topic, self._said)

    def _let_client_publish(self) -> None:
        client = self._pick()
        self._said += 1
        client.publish(self.random.choice(client.sdk.topics), self._said)

    def _run_disconnect(self) -> None:
        if self.departed:
            event = disconnect_event(
                connection_id=self.departed.popleft(), at=self.time.now()
            )
            with self._run("disconnect"):
                self.pubsub(event)

    def _do_harm(self) -> None:
        client = self._pick()
        connection = client.connection
        if connection is None or not connection.is_alive:
            return
        kind = self.random.choice(("drop", "drop and tell", "close", "sleep"))
        self.faults[kind] += 1
        if kind == "sleep":
            client.sleeps_until = self.time.passed + self.random.choice((60.0, HOUR))
        elif kind == "close":
            client.sdk.reconnect()
        elif kind == "drop":
            # Nobody tells the client.
            self._lose(connection, said=self.random.random() < 0.5)
        else:
            self._lose(connection, said=True)
            client.sdk.lose_wire()

    def _lose(self, connection: Connection, *, said: bool) -> None:
        if said:
            connection.close()
        else:
            connection.vanish()

    def _roll_over(self) -> None:
        """Close the connections that are as old as they may get."""
        for client in self.clients:
            connection = client.connection
            if connection is None or not connection.is_alive:
                continue
            if self.time.passed - connection.born > LONGEST_CONNECTION:
                self.faults["roll-overs"] += 1
                connection.close()
                client.sdk.lose_wire()

    def _run_stream(self) -> None:
        if "stream" in self._running or not self._by_stream:
            return
        self._pending += self._table.records[self._seen :]
        self._seen = len(self._table.records)
        size = min(self.random.randint(1, 20), len(self._pending))
        batch = [self._pending[number] for number in range(size)]
        if not batch:
            return
        answer = None
        with self._run("stream"):
            answer = self._streaming({"Records": batch})
        if answer is None:
            self._streaming = self._new_environment()
            return
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        failures = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        for _ in range(numbers.index(failures[0]) if failures else len(batch)):
            self._pending.popleft()

    @contextmanager
    def _run(self, name: str) -> Iterator[None]:
        """Run a function, which may be killed or fail."""
        depth = len(self._running)
        self._running.append(name)
        try:
            yield
        except (CrashError, StoreError, PublishError):
            pass
        finally:
            del self._running[depth:]

    # How it ends.

    def play(self, steps: int) -> None:
        """Let everything happen, then let it come to rest."""
        for number in range(steps):
            if number == steps // 2:
                # Everybody who is connected now will be cut off together.
                self.time.passed += LONGEST_CONNECTION
            self.act()
            if number % 100 == 0:
                self._roll_over()
        self.is_over = True
        for client in self.clients:
            client.sleeps_until = 0.0
        # Twice the checks that find a dead connection, and one for what it missed.
        for _ in range(5):
            self._settle()
            self.time.passed += CHECK_SECONDS
        self._settle()

    def say_everywhere(self) -> None:
        """Publish to each topic, so that who is gone is found to be."""
        for topic in self.topics:
            self._said += 1
            self.pubsub.publish(topic, self._said)
        self._settle()

    def _settle(self) -> None:
        for _ in range(400):
            self.time.passed += 0.25
            self._run_stream()
            while self.departed:
                self._run_disconnect()
            for client in self.clients:
                client.tick()
                connection = client.connection
                while connection is not None and connection.sent:
                    self.serve(connection)
                client.read()
            if self._is_quiet():
                return
        raise AssertionError("it does not come to rest")

    def _is_quiet(self) -> bool:
        is_done = not self._pending and len(self._table.records) == self._seen
        if self._by_stream and not is_done:
            return False
        return not any(
            each.connection is not None
            and each.connection.is_alive
            and (each.connection.sent or each.connection.inbox)
            for each in self.clients
        )

    def read_log(self, topic: str) -> list[tuple[int, Any]]:
        """Return the offsets and data of all that a topic's log has."""
        found = self._make_log(history=KEPT).read_history(topic)
        return [
            (each.position.offset, json.loads(each.data)) for each in found.messages
        ]
