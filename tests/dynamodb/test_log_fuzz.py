"""Random histories of a log in DynamoDB: positions are unique, and replays are whole.

Clocks differ, answers are lost, requests arrive late and twice, others act between any
two requests, and the time to live deletes what has expired in any order.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.faulty_dynamodb import lost_answer
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import History, Position, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
SKEW = 15 * 60
HISTORY = History(ttl_seconds=60, position_ttl_seconds=60)


PAUSES = (0.0, 0.1, 5, 20, 61, 200, 1000, 3661, 90_000)
LATEST_SECONDS = 30
"""No request is on its way for longer."""


class World:
    """Writers and readers whose clocks differ, in a random order at every request.

    Attributes:
        committed: Every message of the log, in order.
        returned: What appends have returned.
    """

    def __init__(self, seed: int, skew: float) -> None:
        self.random = random.Random(seed)
        self.clock = Clock()
        self.table = SmallTable()
        self.committed: list[tuple[Position, str]] = []
        self.begun: list[Position] = []
        self.returned: list[tuple[Position, str]] = []
        self.late: list[tuple[float, Callable[[], object]]] = []
        self.depth = 0
        self.logs = [self._writer(self.random.uniform(-skew, skew)) for _ in range(4)]

    def _writer(self, skew: float) -> DynamoDBTopicLog:
        return DynamoDBTopicLog(
            TABLE,
            client=Between(self),  # type: ignore[arg-type] # has all that is called
            history=HISTORY,
            now=lambda: self.clock.time + skew,
            sleep=lambda _seconds: None,
        )

    def append(self, log: DynamoDBTopicLog) -> None:
        data = b"x" * self.random.choice([0, 0, 0, 2000])
        try:
            message = log.append("news", data).message
        except StoreError:
            return
        assert message.data == data
        self.returned.append((message.position, message.id))

    def pause(self) -> None:
        self.clock.advance(self.random.choice(PAUSES))
        self.expire()

    def expire(self) -> None:
        for pk, sk in sorted(self.table.keys()):
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            item = self.table.get_item(Key=key, ConsistentRead=True)["Item"]
            is_expired = int(item["expires_at"]["N"]) < self.clock.time
            if is_expired and self.random.random() < 0.4:
                self.table.delete_item(Key=key)

    def between(self) -> None:
        if self.late and self.random.random() < 0.1:
            sent_at, write = self.late.pop(self.random.randrange(len(self.late)))
            if self.clock.time < sent_at + LATEST_SECONDS:
                write()
        if self.depth < 3 and self.random.random() < 0.3:
            self.depth += 1
            self.append(self.random.choice(self.logs))
            self.depth -= 1
        if self.random.random() < 0.2:
            self.clock.advance(self.random.choice([0.01, 1, 5, 30]))
            self.expire()

    def commit(self, item: dict[str, Any]) -> None:
        if "offer" in item:
            return
        epoch, offset = item["epoch"]["S"], int(item["sk"]["S"])
        if "genesis" in item:
            self.begun.append(Position(epoch, offset))
            return
        carried = [each["M"] for each in item.get("carried", {"L": []})["L"]]
        for number, content in enumerate([item, *carried], offset):
            self.committed.append((Position(epoch, number), content["id"]["S"]))

    def read(self, log: DynamoDBTopicLog) -> None:
        number = self.random.randrange(len(self.committed))
        before = len(self.committed)
        replay = log.read("news", self.committed[number][0], limit=100)
        if replay.recovered:
            found = [(each.position, each.id) for each in replay.messages]
            assert found == self.committed[number + 1 :][: len(found)]
            assert replay.has_more or len(found) >= before - number - 1


class Between:
    """The world's table; others act before each request, and answers may be lost."""

    def __init__(self, world: World) -> None:
        self._world = world

    def query(self, **request: Any) -> dict[str, Any]:
        self._world.between()
        return self._world.table.query(**request)

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._write(self._world.table.put_item, request, request["Item"])

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        item = request["TransactItems"][0]["Put"]["Item"]
        return self._write(self._world.table.transact_write_items, request, item)

    def _write(
        self, write: Callable[..., dict[str, Any]], request: Any, item: dict[str, Any]
    ) -> dict[str, Any]:
        self._world.between()
        if self._world.random.random() < 0.03:
            raise lost_answer()
        if self._world.random.random() < 0.1:
            write_late = partial(self._write_late, write, request, item)
            self._world.late.append((self._world.clock.time, write_late))
        answer = write(**request)
        self._world.commit(item)
        if self._world.random.random() < 0.1:
            raise lost_answer()
        return answer

    def _write_late(
        self, write: Callable[..., dict[str, Any]], request: Any, item: dict[str, Any]
    ) -> None:
        try:
            write(**request)
        except ClientError:
            return
        self._world.commit(item)


@pytest.mark.parametrize("skew", [0, 5, SKEW / 2, SKEW])
@pytest.mark.parametrize("seed", range(6))
def test_no_position_is_given_twice_and_replays_are_whole_whatever_happens(
    skew: float, seed: int
) -> None:
    for number in range(8):
        world = World(seed * 1000 + number, skew)
        run(world, 40)
        check(world)


def run(world: World, steps: int) -> None:
    for _ in range(steps):
        log = world.random.choice(world.logs)
        if not world.committed or world.random.random() < 0.7:
            world.append(log)
        else:
            world.read(log)
        world.pause()


def check(world: World) -> None:
    positions = [position for position, _ in world.committed] + world.begun
    assert len(set(positions)) == len(positions)
    assert len({id_ for _, id_ in world.committed}) == len(world.committed)
    assert set(world.returned) <= set(world.committed)
    assert len(set(world.returned)) == len(world.returned)
    assert {each.epoch for each in positions} == {each.epoch for each in world.begun}
    assert len({each.epoch for each in world.begun}) == len(world.begun)
