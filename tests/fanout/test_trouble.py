"""What a durable message comes through: nothing is lost, and hardly anything repeated.

A simulated hour and a half, on a clock that only moves as posts and waits take their
time. The stream stands still for longer than anything but the mapping's own limit
allows, functions run out of time, some readers are slow and one never reads, posting is
forbidden for a while, and connections leave, with a word or without.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest

from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub import (
    AccessDeniedError,
    Connection,
    LoggedMessage,
    MemorySubscriptionStore,
    Publisher,
)
from wspubsub.connections import Outcome, PostOutcome
from wspubsub.deployment.template.storage import STREAM_AGE_SECONDS, STREAM_RETRIES
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.eventsources import QueueHandler, StreamHandler
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.gateway import Returned
from wspubsub.mappings.settings import StreamSettings
from wspubsub.mappings.shard_batches import (
    ShardBatches,
    sequence_number,
)
from wspubsub.mappings.verdicts import BatchVerdict
from wspubsub.testing import RecordingConnections

TOPICS, SUBSCRIBERS, ROUNDS = 6, 120, 60
POST_SECONDS, TRY_SECONDS = 0.01, 2.0
MAPPING = StreamSettings(
    batch_size=20,
    bisects=True,
    max_retries=STREAM_RETRIES,
    max_record_age_seconds=STREAM_AGE_SECONDS,
)


class Troubled(RecordingConnections):
    """Connections whose posts take time, and come to grief as their test says.

    Attributes:
        slow_until: Until when connections take no messages.
        denied_until: Until when nothing may be posted at all.
        left: Connections that nothing may be posted to any more.
        posted_in_vain: Those that something was posted to nevertheless.
        came_to_grief: How many posts did, and by what.
    """

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time
        self.slow_until: dict[str, float] = {}
        self.denied_until = 0.0
        self.left: set[str] = set()
        self.posted_in_vain: list[str] = []
        self.came_to_grief: Counter[str] = Counter()

    def post_many(
        self, connection_ids: Iterable[str], data: bytes, **options: Any
    ) -> Iterator[PostOutcome]:
        slow = []
        for connection_id in connection_ids:
            if self.time.passed >= options["deadline"]:
                yield PostOutcome(connection_id, Outcome.DEFERRED)
                continue
            self.time.passed += POST_SECONDS
            if self.time.passed < self.denied_until:
                self.came_to_grief["denied"] += 1
                raise AccessDeniedError("403", status=403, code="ForbiddenException")
            if self.time.passed < self.slow_until.get(connection_id, 0.0):
                self.came_to_grief["slow"] += 1
                slow.append(connection_id)
            else:
                yield self._posted(connection_id, data)
        if self.time.passed >= options["deadline"]:
            self.came_to_grief["out of time"] += 1
        if slow:
            self.time.passed = min(self.time.passed + TRY_SECONDS, options["deadline"])
        for connection_id in slow:
            yield PostOutcome(connection_id, Outcome.THROTTLED, "429")

    def _posted(self, connection_id: str, data: bytes) -> PostOutcome:
        if not self.is_connected(connection_id):
            return PostOutcome(connection_id, Outcome.GONE)
        if connection_id in self.left:
            self.posted_in_vain.append(connection_id)
        self.posted.append((connection_id, data))
        return PostOutcome(connection_id, Outcome.DELIVERED)


class TimedQueue:
    """A queue whose messages come when their delay is over."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self._numbers = count()
        self._waiting: list[tuple[float, int, str]] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        for entry in request["Entries"]:
            at = self.time.passed + entry["DelaySeconds"]
            heappush(self._waiting, (at, next(self._numbers), entry["MessageBody"]))
        return {}

    def next_record(self) -> dict[str, str] | None:
        """Return the next message, after the time until it is due has passed."""
        if not self._waiting:
            return None
        at, number, body = heappop(self._waiting)
        self.time.passed = max(self.time.passed, at)
        return {"eventSource": "aws:sqs", "messageId": str(number), "body": body}


def with_offset(message: LoggedMessage) -> object:
    return [message.topic, message.position.offset]


class World:
    """Subscribers of some topics, and what carries messages to them."""

    def __init__(self, tier: str) -> None:
        self.random = random.Random(2026)
        self.time = VirtualTime()
        self.table = SmallTable(self.time.now)
        client: Any = self.table
        self.connections = Troubled(self.time)
        self.queue = TimedQueue(self.time)
        # It reads in no time, on any clock.
        self.store = MemorySubscriptionStore(now=self.time.now)
        self.log = DynamoDBTopicLog("t", client=client, now=self.time.now)
        self.fanout = QueueFanout(
            "https://queue", inline_threshold=15, segment_size=7, client=self.queue
        )
        self.publisher = Publisher(
            self.store,
            self.connections,
            log=self.log,
            envelope=with_offset,
            fanout=StreamFanout(then=self.fanout if tier == "queue" else None),
            clock=self.time.clock,
        )
        self.start_environment()
        self.shard = ShardBatches(MAPPING)
        self.seen = 0

    def start_environment(self) -> None:
        """Let the stream's function run in a new environment."""
        self.stream_handler = StreamHandler(
            self.publisher,
            now=self.time.now,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )
        self.queue_handler = QueueHandler(self.publisher, self.fanout)

    def connect(self, connection_id: str, topic: str) -> None:
        self.connections.connect(connection_id)
        self.store.connect(Connection(id=connection_id, connected_at=1.0))
        self.store.subscribe(connection_id, topic)

    def leave(self, connection_id: str, topic: str) -> None:
        """Unsubscribe, or be gone with or without a word."""
        self.connections.left.add(connection_id)
        match self.random.choice(["unsubscribe", "disconnect", "vanish"]):
            case "unsubscribe":
                self.store.unsubscribe(connection_id, topic)
            case "disconnect":
                self.connections.disconnect(connection_id)
                self.store.disconnect(connection_id)
            case _:
                self.connections.disconnect(connection_id)

    def received(self) -> dict[tuple[str, str], list[int]]:
        """Return the offsets that came, by connection and topic."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for connection_id, data in self.connections.posted:
            topic, offset = json.loads(data)
            found[connection_id, topic].append(offset)
        return found

    def work_off(self) -> None:
        """Do what Lambda does with the stream and the queue, until they are empty."""
        self.shard.take(self.table.records[self.seen :])
        self.seen = len(self.table.records)
        while True:
            assert self.shard.expire(now=self.time.now()) is None
            batch = self.shard.next_batch()
            if batch is None:
                break
            context = self.time.context(self.random.choice([3.0, 4.0, 29.0]))
            answer = self.stream_handler({"Records": list(batch.records)}, context)
            numbers = [sequence_number(record) for record in batch.records]
            verdict = BatchVerdict.of(Returned(answer), numbers)
            assert self.shard.finish(verdict) is None
            self.time.passed += self.shard.delay_seconds
        while (record := self.queue.next_record()) is not None:
            context = self.time.context(self.random.choice([2.05, 29.0]))
            answer = self.queue_handler({"Records": [record]}, context)
            assert answer == {"batchItemFailures": []}


class Story:
    """What happens to a world, round by round."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.topics = [f"topic {number}" for number in range(TOPICS)]
        self.subscribed = {
            f"c{number:03}=": self.topics[number % TOPICS]
            for number in range(SUBSCRIBERS)
        }
        for connection_id, topic in self.subscribed.items():
            world.connect(connection_id, topic)
        world.time.passed += 120.0  # all handshakes are over
        ids = sorted(self.subscribed)
        self.leaving = world.random.sample(ids[:80], 20)
        self.slow = ids[80:]

    def happens(self, number: int) -> None:
        world = self.world
        for topic in self.topics:
            world.publisher.publish(topic, f"message {number}")
        if number % 3 == 0:
            connection_id = self.leaving[number // 3]
            world.leave(connection_id, self.subscribed[connection_id])
        if number % 4 == 0:
            late = world.random.choice(self.slow)
            world.connections.slow_until[late] = world.time.passed + 5.0
        if number % 15 == 14:
            world.connections.denied_until = world.time.passed + 20.0
        if number == ROUNDS // 2:
            world.time.passed += 5400.0  # the function could not be invoked
            world.start_environment()
        if number % 5 == 4:
            world.work_off()


@pytest.mark.integration
@pytest.mark.timeout(120)
@pytest.mark.parametrize("tier", ["stream", "queue"])
def test_nothing_is_lost_in_all_the_trouble(tier: str) -> None:
    world = World(tier)
    story = Story(world)

    for number in range(ROUNDS):
        story.happens(number)

    got = world.received()
    everything = list(range(1, ROUNDS + 1))
    for connection_id in story.subscribed.keys() - set(story.leaving):
        topic = story.subscribed[connection_id]
        offsets = got.pop((connection_id, topic))
        assert max(Counter(offsets).values()) <= 2
        once = list(dict.fromkeys(offsets))
        assert (once if tier == "stream" else sorted(once)) == everything
    assert {connection_id for connection_id, _ in got} <= set(story.leaving)
    assert world.connections.posted_in_vain == []
    assert world.connections.left == set(story.leaving)
    grief = world.connections.came_to_grief
    assert grief.keys() == {"slow", "denied", "out of time"}
    assert min(grief.values()) > 2


@pytest.mark.integration
@pytest.mark.timeout(120)
def test_whoever_never_reads_costs_the_others_nothing_and_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World("stream")
    ids = [f"c{number:03}=" for number in range(20)]
    for connection_id in ids:
        world.connect(connection_id, "news")
    world.connections.slow_until["c007="] = float("inf")

    for number in range(100):
        world.publisher.publish("news", f"message {number}")
        if number % 10 == 9:
            world.work_off()

    everything = list(range(1, 101))
    counts = Counter(connection_id for connection_id, _ in world.connections.posted)
    assert counts == dict.fromkeys(set(ids) - {"c007="}, 100)
    named: list[int] = []
    for each in caplog.records:
        if each.levelname == "ERROR":
            assert each.getMessage().startswith("connection c007= accepts no messages")
            named += [int(part.split()[-1]) for part in each.args[1].split(", ")]  # type: ignore[union-attr, index] # of the log line
    assert named == everything
    assert world.time.passed < 120
