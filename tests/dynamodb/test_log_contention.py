"""Many writers of one topic: what an append costs, and that nobody starves."""

import random
from functools import partial
from typing import Any

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB, refusal
from tests.support.servers.small_table import SmallTable
from tests.support.side_by_side import SideBySide
from tests.support.virtual_time import Clock
from wspubsub import StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
LATENCY = 0.005
LARGE = b"x" * 1025
"""A message that is not offered to others, so that its writers take turns."""


class Distant:
    """A table that takes its time, and counts what is asked of it."""

    def __init__(self, time: SideBySide) -> None:
        self.table = SmallTable()
        self.puts = 0
        self.queries = 0
        self._time = time

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.puts += 1
        self._travel()
        try:
            return self.table.put_item(**request)
        finally:
            self._travel()

    def query(self, **request: Any) -> dict[str, Any]:
        self.queries += 1
        self._travel()
        answer = self.table.query(**request)
        self._travel()
        return answer

    def _travel(self) -> None:
        self._time.sleep(LATENCY / 2 * random.uniform(0.7, 1.6))


class Crowd:
    """Processes that append to one topic, each with a log of its own.

    Attributes:
        counts: How many messages each has appended.
        longest: How long the slowest append took.
    """

    def __init__(self, writers: int, data: bytes = b"x") -> None:
        self._data = data
        # The delays of all who wait are drawn from here too.
        random.seed(1)
        self.time = SideBySide()
        self.client: Any = Distant(self.time)
        self.counts = [0] * writers
        self.longest = 0.0

    def run(self, seconds: float, *, every: float = 0.0) -> None:
        self.time.run(
            [
                partial(self._write, number, seconds, every)
                for number in range(len(self.counts))
            ]
        )

    @property
    def count(self) -> int:
        return sum(self.counts)

    def _write(self, number: int, seconds: float, every: float) -> None:
        log = DynamoDBTopicLog(
            TABLE, client=self.client, now=self.time.now, sleep=self.time.sleep
        )
        while True:
            # At random moments, as publishes come.
            self.time.sleep(random.expovariate(1 / every) if every else 0.0)
            begin = self.time.passed
            if begin > seconds:
                return
            log.append("news", self._data)
            self.counts[number] += 1
            self.longest = max(self.longest, self.time.passed - begin)


def test_one_writer_writes_as_fast_as_the_table_answers_and_never_looks() -> None:
    crowd = Crowd(1)

    crowd.run(10)

    assert crowd.client.queries == 1
    assert crowd.client.puts == crowd.count + 1
    assert crowd.count > 10 / LATENCY * 0.7


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 5, 20, 50])
def test_of_many_that_take_turns_without_a_pause_nobody_starves(writers: int) -> None:
    crowd = Crowd(writers, LARGE)

    crowd.run(10)

    assert crowd.count > 10 * 80
    assert min(crowd.counts) > crowd.count / writers / 5
    assert max(crowd.counts) < crowd.count / writers * 4
    assert crowd.longest < 7


@pytest.mark.slow
@pytest.mark.parametrize(("writers", "per_second"), [(2, 90), (5, 170), (20, 600)])
def test_those_who_carry_each_others_messages_are_faster_the_more_they_are(
    writers: int, per_second: int
) -> None:
    crowd = Crowd(writers)

    crowd.run(5)

    assert crowd.count > 5 * per_second
    assert min(crowd.counts) > crowd.count / writers * 0.6
    assert max(crowd.counts) < crowd.count / writers * 1.6
    assert crowd.longest < 1
    # The offer, and a share of an entry.
    assert crowd.client.puts < 2 * crowd.count
    assert crowd.client.queries < 2 * crowd.count


def test_few_writes_are_in_vain_at_a_moderate_rate() -> None:
    crowd = Crowd(50)

    crowd.run(20, every=2.0)

    assert crowd.count > 400
    assert crowd.client.puts < 1.35 * crowd.count
    assert crowd.client.queries < 1.3 * crowd.count
    assert crowd.longest < 0.5


class Sleeper:
    """Sleeps in no time, and says how long."""

    def __init__(self, clock: Clock) -> None:
        self.naps: list[float] = []
        self.clock = clock

    def __call__(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.clock.advance(seconds)


@pytest.fixture
def sleeper(clock: Clock) -> Sleeper:
    return Sleeper(clock)


@pytest.fixture
def log(client: FaultyDynamoDB, clock: Clock, sleeper: Sleeper) -> DynamoDBTopicLog:
    return DynamoDBTopicLog(TABLE, client=client, now=clock, sleep=sleeper)


@pytest.fixture
def other(client: FaultyDynamoDB, clock: Clock) -> DynamoDBTopicLog:
    return DynamoDBTopicLog(TABLE, client=client.client, now=clock, sleep=clock.advance)


def append(log: DynamoDBTopicLog, client: FaultyDynamoDB, clock: Clock) -> list[str]:
    """Append after a pause, and return which operations that took."""
    clock.advance(60)
    client.calls.clear()
    log.append("news", b"x")
    return client.calls


def test_after_a_lost_write_one_looks_before_the_next_ten(
    client: FaultyDynamoDB,
    log: DynamoDBTopicLog,
    other: DynamoDBTopicLog,
    clock: Clock,
) -> None:
    append(log, client, clock)
    other.append("news", b"y")
    lost = list(append(log, client, clock))

    taken = [list(append(log, client, clock)) for _ in range(12)]

    assert lost == ["put_item", "query", "put_item"]
    assert taken == [["query", "put_item"]] * 10 + [["put_item"]] * 2


def test_every_trace_of_another_writer_starts_the_ten_again(
    client: FaultyDynamoDB,
    log: DynamoDBTopicLog,
    other: DynamoDBTopicLog,
    clock: Clock,
) -> None:
    append(log, client, clock)
    other.append("news", b"y")
    for _ in range(6):
        append(log, client, clock)
    other.append("news", b"y")
    found = list(append(log, client, clock))

    taken = [list(append(log, client, clock)) for _ in range(11)]

    assert found == ["query", "put_item"]
    assert taken == [["query", "put_item"]] * 10 + [["put_item"]]


def test_other_topics_are_not_looked_at_because_of_one(
    client: FaultyDynamoDB,
    log: DynamoDBTopicLog,
    other: DynamoDBTopicLog,
    clock: Clock,
) -> None:
    log.append("sport", b"x")
    append(log, client, clock)
    other.append("news", b"y")
    append(log, client, clock)
    client.calls.clear()

    log.append("sport", b"x")

    assert client.calls == ["put_item"]


def test_who_appends_without_a_pause_makes_one_after_fifty(
    log: DynamoDBTopicLog, sleeper: Sleeper
) -> None:
    for _ in range(51):
        log.append("news", b"x")
    assert sleeper.naps == []

    for _ in range(50):
        log.append("news", b"x")

    (nap,) = sleeper.naps
    assert 0 < nap <= 0.06


class Endless:
    """A table that takes everything and keeps nothing."""

    def put_item(self, **_request: Any) -> dict[str, Any]:
        return {}

    def query(self, **_request: Any) -> dict[str, Any]:
        return {"Items": []}


def test_the_pauses_of_who_appends_rapidly_are_long_enough_for_others(
    sleeper: Sleeper,
) -> None:
    client: Any = Endless()
    log = DynamoDBTopicLog(TABLE, client=client, now=sleeper.clock, sleep=sleeper)

    for _ in range(50 * 200 + 2):
        sleeper.clock.advance(0.0199)
        log.append("news", b"x")

    naps = [nap + 0.0199 for nap in sleeper.naps]
    assert len(naps) > 50
    assert 0.055 < max(naps) <= 0.06


def test_who_appends_at_leisure_makes_no_pause(
    log: DynamoDBTopicLog, clock: Clock, sleeper: Sleeper
) -> None:
    for _ in range(120):
        log.append("news", b"x")
        clock.advance(0.0201)

    assert sleeper.naps == []


def taken(times: int, client: FaultyDynamoDB) -> None:
    error = refusal("ConditionalCheckFailedException", Item={"id": {"S": "other"}})
    client.fail("put_item", error, times=times)


@pytest.mark.parametrize(("losses", "longest"), [(1, 0.01), (3, 0.04), (9, 0.5)])
def test_the_winner_waits_as_long_as_it_may_have_waited_for_its_turn(
    client: FaultyDynamoDB,
    log: DynamoDBTopicLog,
    sleeper: Sleeper,
    losses: int,
    longest: float,
) -> None:
    naps = []
    for _ in range(12):
        taken(losses, client)
        log.append("news", LARGE)
        sleeper.naps.clear()
        log.append("news", LARGE)
        naps += sleeper.naps

    assert longest / 2 < max(naps) <= longest
    taken(losses, client)
    log.append("news", LARGE)
    sleeper.clock.advance(longest)
    sleeper.naps.clear()
    log.append("news", LARGE)
    assert sleeper.naps == []


def test_nobody_waits_for_others_longer_than_half_of_the_time(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, sleeper: Sleeper
) -> None:
    for _ in range(4):
        taken(9, client)
        log.append("news", LARGE)
        sleeper.naps.clear()

        log.append("news", LARGE, timeout_seconds=0.02)

        assert sum(sleeper.naps) <= 0.01
        taken(9, client)
        log.append("news", LARGE)
        sleeper.naps.clear()
        log.append("news", LARGE, timeout_seconds=0)
        assert sleeper.naps == []


def test_who_has_tried_for_long_tries_more_often(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, sleeper: Sleeper
) -> None:
    taken(1000, client)

    with pytest.raises(StoreError, match="other writers always came first"):
        log.append("news", LARGE)

    early, late = sleeper.naps[10:50], sleeper.naps[-40:]
    assert sum(late) < sum(early) * 0.7
    assert max(sleeper.naps) <= 0.5
    assert client.calls.count("put_item") == 100
