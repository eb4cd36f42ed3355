"""Workers are killed at random; every subscriber that stays gets every message.

1,000 publishes to 50 topics, 500 connections, through each tier. A kill is an
exception that nothing catches, before or after anything that leaves the process: a
call of DynamoDB or SQS, or a post. `test_fanout_trouble` has what else can happen.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.servers.small_queue import SmallQueue
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import Connection, LoggedMessage, Publisher
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.eventsources import QueueHandler, StreamHandler
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.gateway import Raised, Returned
from wspubsub.mappings.settings import StreamSettings
from wspubsub.mappings.shard_batches import (
    ShardBatches,
    sequence_number,
)
from wspubsub.mappings.verdicts import BatchVerdict
from wspubsub.testing import RecordingConnections

TABLE = "chat"
PUBLISHES, TOPICS, SUBSCRIBERS = 1_000, 50, 500
DEATHS = 0.01
"""How likely a worker is killed at each step."""


class Killed(BaseException):
    """The process is gone; nothing in it can do anything about it."""


class Chaos:
    """Decides who dies when."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_on = False
        self.deaths = 0

    def step(self) -> None:
        if self.is_on and self.random.random() < DEATHS:
            self.deaths += 1
            raise Killed


class Deadly:
    """A client whose calls may be the last thing that its process does."""

    def __init__(self, client: Any, chaos: Chaos) -> None:
        self.client = client
        self.chaos = chaos

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.chaos.step()
            answer = getattr(self.client, operation)(**request)
            self.chaos.step()
            return answer

        return call


class DeadlyConnections(RecordingConnections):
    """Connections whose posts may be the last thing that their process does."""

    def __init__(self, chaos: Chaos) -> None:
        super().__init__()
        self.chaos = chaos

    def _attempt(self, method: str, connection_id: str, data: bytes) -> Any:
        self.chaos.step()
        answer = super()._attempt(method, connection_id, data)
        self.chaos.step()
        return answer


def with_offset(message: LoggedMessage) -> object:
    return [message.topic, message.position.offset, message.data.decode()]


class World:
    """A table, connections, and whatever carries messages between them."""

    def __init__(self, chaos: Chaos, tier: str) -> None:
        self.chaos = chaos
        self.table = SmallTable()
        client: Any = Deadly(self.table, chaos)
        self.connections = DeadlyConnections(chaos)
        self.queue = SmallQueue()
        self.clock = Clock()
        self.store = DynamoDBSubscriptionStore(TABLE, client=client, now=self.clock)
        self.log = DynamoDBTopicLog(TABLE, client=client)
        queue = QueueFanout(
            "https://queue",
            inline_threshold=5,
            segment_size=7,
            client=Deadly(self.queue, chaos),
        )
        self.publisher = Publisher(
            self.store,
            self.connections,
            log=self.log,
            envelope=with_offset,
            fanout={
                "inline": None,
                "stream": StreamFanout(),
                "queue": StreamFanout(then=queue),
            }[tier],
        )
        self.stream_handler = StreamHandler(self.publisher)
        self.queue_handler = QueueHandler(self.publisher, queue)
        self.shard = ShardBatches(StreamSettings(batch_size=20, bisects=True))
        self.carried = 0

    def connect(self, connection_id: str, topic: str) -> None:
        self.connections.connect(connection_id)
        self.store.connect(Connection(id=connection_id, connected_at=1.0))
        self.store.subscribe(connection_id, topic)

    def publish(self, topic: str, text: str) -> None:
        """Publish as a client does that repeats what got no answer."""
        while True:
            try:
                self.publisher.publish(topic, text)
            except Killed:
                continue  # without a key, it may be in the log twice now
            return

    def carry_on(self) -> None:
        """Do what Lambda does with the stream and the queue, until they are empty."""
        self.shard.take(self.table.records[self.carried :])
        self.carried = len(self.table.records)
        while batch := self.shard.next_batch():
            event = {"Records": list(batch.records)}
            numbers = [sequence_number(record) for record in batch.records]
            try:
                result: Any = Returned(self.stream_handler(event))
            except Killed:
                result = Raised("Runtime.ExitError", "killed")
            assert self.shard.finish(BatchVerdict.of(result, numbers)) is None
        self.queue.work_off(self._queue_worker)

    def received(self) -> dict[tuple[str, str], list[int]]:
        """Return the offsets that came, by connection and topic."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for connection_id, data in self.connections.posted:
            topic, offset, _ = json.loads(data)
            found[connection_id, topic].append(offset)
        return found

    def _queue_worker(self, event: object) -> dict[str, Any] | None:
        try:
            return self.queue_handler(event)
        except Killed:
            return None


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(120)
@pytest.mark.parametrize("tier", ["inline", "stream", "queue"])
def test_whoever_stays_gets_everything(tier: str) -> None:
    world = World(Chaos(2026), tier)
    topics = [f"topic {number}" for number in range(TOPICS)]
    subscribed = {
        f"c{number:03}=": world.chaos.random.choice(topics)
        for number in range(SUBSCRIBERS)
    }
    for connection_id, topic in subscribed.items():
        world.connect(connection_id, topic)
    leaving = set(world.chaos.random.sample(sorted(subscribed), 50))

    world.chaos.is_on = True
    _publish_to_some(world, topics, PUBLISHES // 2)
    world.clock.advance(60)
    for connection_id in leaving:
        world.connections.disconnect(connection_id)  # without a word, as networks are
    _publish_to_some(world, topics, PUBLISHES // 2)
    world.chaos.is_on = False
    for topic in topics:
        world.publish(topic, "the last one")
    world.carry_on()

    logged = {topic: _in_log(world, topic) for topic in topics}
    received = world.received()
    staying = subscribed.keys() - leaving
    assert world.chaos.deaths > 50
    assert sum(map(len, logged.values())) >= PUBLISHES + TOPICS
    assert all(each == list(range(1, len(each) + 1)) for each in logged.values())
    for connection_id in staying:
        topic = subscribed[connection_id]
        seen = list(dict.fromkeys(received[connection_id, topic]))
        assert _complete(tier, seen, logged[topic]) == logged[topic]
    assert _connections_in(world.table) == staying


def _publish_to_some(world: World, topics: list[str], times: int) -> None:
    for number in range(times):
        world.publish(world.chaos.random.choice(topics), f"message {number}")
        if number % 100 == 99:
            world.carry_on()


def _complete(tier: str, seen: list[int], logged: list[int]) -> list[int]:
    """Return the offsets that a client has that drops doubles and minds gaps."""
    if tier == "stream":
        return seen  # in the order of the log, by itself
    if tier == "queue":
        return sorted(seen)  # segments are worked off side by side
    # What died with its publisher was not posted; the next message shows the gap, and
    # the client reads the log.
    assert set(seen) <= set(logged)
    assert seen[-1] == logged[-1]
    return logged


def _in_log(world: World, topic: str) -> list[int]:
    messages = world.log.read(topic, limit=10_000).messages
    return [message.position.offset for message in messages]


def _connections_in(table: SmallTable) -> set[str]:
    keys = table.keys()
    by_connection = {pk[2:] for pk, _ in keys if pk.startswith("C#")}
    by_topic = {sk for pk, sk in keys if pk.startswith("T#")}
    return by_connection | by_topic
