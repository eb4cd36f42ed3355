"""Many append to one topic at once, and carry each other's messages, whatever happens.

Answers are lost, requests arrive late and twice, clocks differ, writers stop halfway.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.faulty_dynamodb import lost_answer
from tests.support.servers.small_table import SmallTable
from tests.support.side_by_side import SideBySide
from wspubsub import LoggedMessage, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
WRITERS = 8
APPENDS = 12
LATEST_SECONDS = 30
"""No request is on its way for longer."""


class Stop(BaseException):
    """The environment of a writer is gone."""


class World:
    """A table under attack, and writers that go on without a pause.

    Attributes:
        returned: What appends have returned.
        unknown: Data of those that failed, or whose writers stopped.
    """

    def __init__(self, seed: int, skew: float, *, stops: bool) -> None:
        random.seed(seed)
        self.time = SideBySide()
        self.table = SmallTable()
        self.returned: list[LoggedMessage] = []
        self.unknown: set[bytes] = set()
        self._late: list[tuple[float, Callable[[], object]]] = []
        self._stops = 0.02 if stops else 0.0
        self._skew = skew
        programs = random.choice([2, WRITERS])
        self._logs = [self._make_log() for _ in range(programs)]

    def run(self) -> None:
        self.time.run([partial(self._write, number) for number in range(WRITERS)])

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._do(self.table.put_item, request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return self._do(self.table.transact_write_items, request)

    def query(self, **request: Any) -> dict[str, Any]:
        return self._do(self.table.query, request)

    def read_all(self) -> list[LoggedMessage]:
        client: Any = self.table
        log = DynamoDBTopicLog(TABLE, client=client, now=self.time.now)
        return list(log.read_history("news").messages)

    def _make_log(self) -> DynamoDBTopicLog:
        client: Any = self
        skew = random.uniform(-self._skew, self._skew)
        return DynamoDBTopicLog(
            TABLE,
            client=client,
            now=lambda: self.time.now() + skew,
            sleep=self.time.sleep,
        )

    def _write(self, number: int) -> None:
        log = self._logs[number % len(self._logs)]
        for count in range(APPENDS):
            data = f"{number}-{count}".encode() + random.choice(
                [b"", b"", b"", b"x" * 1500]
            )
            key = random.choice([None] * 7 + [f"{number}-{count}"])
            self.unknown.add(data)
            try:
                self.returned.append(log.append("news", data, key=key).message)
            except StoreError:
                continue
            except Stop:
                return
            self.unknown.remove(data)

    def _do(
        self, ask: Callable[..., dict[str, Any]], request: dict[str, Any]
    ) -> dict[str, Any]:
        self._travel()
        if self._late and random.random() < 0.2:
            self._arrive_late()
        if random.random() < 0.03:
            raise lost_answer()
        if random.random() < 0.1:
            self._late.append((self.time.passed, partial(ask, **request)))
        try:
            answer = ask(**request)
        finally:
            self._travel()
        if random.random() < 0.05:
            raise lost_answer()
        return answer

    def _arrive_late(self) -> None:
        sent_at, ask = self._late.pop(random.randrange(len(self._late)))
        try:
            if self.time.passed < sent_at + LATEST_SECONDS:
                ask()
        except ClientError:
            return

    def _travel(self) -> None:
        self.time.sleep(0.0025 * random.choice([0.7, 1, 1, 1, 1.3, 10]))
        if random.random() < self._stops:
            raise Stop


def carried(world: World) -> int:
    query = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "L#news"}},
        "Limit": 1000,
    }
    items = world.table.query(**query, ConsistentRead=True)["Items"]
    return sum(int(item.get("carries", {"N": "0"})["N"]) for item in items)


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize("skew", [0, 1, 450])
@pytest.mark.parametrize("seed", range(3))
def test_a_message_that_others_may_carry_is_in_the_log_once_whatever_happens(
    seed: int, skew: float, *, stops: bool
) -> None:
    world = World(seed, skew, stops=stops)

    world.run()

    found = world.read_all()
    assert [each.position.offset for each in found] == list(range(1, len(found) + 1))
    assert len({each.position.epoch for each in found}) == 1
    assert len({each.id for each in found}) == len(found)
    assert len({each.data for each in found}) == len(found)
    assert all(message in found for message in world.returned)
    lacking = {each.data for each in found} - {each.data for each in world.returned}
    assert lacking <= world.unknown
    if skew < 2 and not stops:
        assert carried(world) > 5
