"""The logs in memory and in DynamoDB in lockstep, each against a plain model.

DynamoDB's time to live deletes expired items in any order, or not at all, and the store
in memory forgets topics when it likes. So where a log goes on after all has expired
differs; what a reader is told does not.
"""

from itertools import cycle
from typing import NamedTuple

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from moto import mock_aws

from tests.support.faulty_dynamodb import boto3_client
from tests.support.virtual_time import Clock
from wspubsub import (
    Appended,
    History,
    LoggedMessage,
    MemoryTopicLog,
    Position,
    Replay,
    TopicLog,
)
from wspubsub.dynamodb import DynamoDBTopicLog, create_table

TABLE = "lockstep"
TOPIC = "a#b"
TTL = 60.0
MARGIN = 3600.0
SKEW = 900.0
UNKNOWN = Position("never drawn", 1)


class First(NamedTuple):
    message: LoggedMessage
    number: int
    is_sent: bool = False


class Model:
    """What a log must do, said in another way than the code does.

    Attributes:
        ever: Every message that was appended, in that order.
        visible: Those of them that are not deleted yet.
    """

    def __init__(self, log: TopicLog, clock: Clock, limit: int) -> None:
        self.log = log
        self.clock = clock
        self.limit = limit
        self.ever: list[LoggedMessage] = []
        self.visible: list[LoggedMessage] = []
        self.keys: dict[str, First] = {}

    def is_kept(self, message: LoggedMessage) -> bool:
        return message.published_at > self.clock.time - TTL

    def kept(self) -> list[LoggedMessage]:
        return [each for each in self.ever[-self.limit :] if self.is_kept(each)]

    def append(self, data: bytes, key: str | None) -> bool:
        appended = self.log.append(TOPIC, data, key=key)
        first = self.keys.get(key) if key else None
        if first and self.is_kept(first.message):
            self._check_repeated(appended, first, data)
            return False
        self._check_new(appended, data)
        if key:
            self.keys[key] = First(appended.message, len(self.ever))
        self.ever.append(appended.message)
        self.visible.append(appended.message)
        return True

    def _check_repeated(self, appended: Appended, first: First, data: bytes) -> None:
        assert not appended.is_new
        assert appended.is_sent == first.is_sent
        assert appended.message.position == first.message.position
        assert appended.message.id == first.message.id
        assert appended.message.published_at == first.message.published_at
        assert appended.message.data == data

    def mark(self, key: str) -> None:
        first = self.keys.get(key)
        if first is not None:
            self.log.mark_sent(first.message, key)
            self.keys[key] = first._replace(is_sent=True)

    def _check_new(self, appended: Appended, data: bytes) -> None:
        message = appended.message
        newest = self.visible[-1] if self.visible else None
        assert appended.is_new
        assert not appended.is_sent
        assert message.data == data
        assert message.position not in {each.position for each in self.ever}
        assert message.id not in {each.id for each in self.ever}
        if newest and newest.published_at > self.clock.time - TTL - SKEW:
            assert message.position.epoch == newest.position.epoch
            assert message.position.offset == newest.position.offset + 1
        else:
            epochs = {each.position.epoch for each in self.ever}
            assert message.position.epoch not in epochs
            self.check_restart(newest, message)
        floor = newest.published_at if newest else 0.0
        assert message.published_at == max(self.clock.time, floor)

    def check_restart(
        self, newest: LoggedMessage | None, message: LoggedMessage
    ) -> None:
        assert message.position.offset == (newest.position.offset + 1 if newest else 1)

    def expected(self, number: int | None, limit: int) -> list[LoggedMessage] | None:
        """Return what a reader of the message of that number gets; None if lost."""
        kept = self.kept()
        if number is None:
            return kept[-limit:]
        if not kept:
            return None
        since = self.ever[number]
        oldest = len(self.ever) - len(kept)
        is_same = since.position.epoch == kept[-1].position.epoch
        if not is_same or number + 1 < oldest:
            return None
        return self.ever[number + 1 :][:limit]

    def check_read(self, number: int | None, limit: int) -> Replay:
        since = None if number is None else self.ever[number].position
        expected = self.expected(number, limit)
        kept = self.kept()
        replay = self.log.read(TOPIC, since, limit)
        assert replay.recovered == (expected is not None)
        assert replay.messages == tuple(expected or ())
        newest = kept[-1].position if kept else None
        if replay.messages:
            assert replay.position == replay.messages[-1].position
        else:
            assert replay.position == newest
        assert replay.has_more == (replay.position != newest)
        return replay


class MemoryModel(Model):
    def check_restart(
        self, newest: LoggedMessage | None, message: LoggedMessage
    ) -> None:
        # It drops a topic that nobody used for long, but says not when.
        assert message.position.offset in {
            1,
            newest.position.offset + 1 if newest else 1,
        }


class LogsInLockstep(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.aws = mock_aws()
        self.aws.start()
        self.clock = Clock()
        self.client = boto3_client()
        create_table(TABLE, client=self.client)
        self.number = 0

    def teardown(self) -> None:
        self.aws.stop()

    @initialize(limit=st.integers(1, 6))
    def begin(self, limit: int) -> None:
        self.history = History(limit=limit, ttl_seconds=TTL)
        memory = MemoryTopicLog(history=self.history, now=self.clock)
        self.memory = MemoryModel(memory, self.clock, limit)
        self.dynamodb = Model(self._writer(), self.clock, limit)
        # Another Lambda environment, which knows what it knew.
        self.idle = self._writer()

    def _writer(self) -> DynamoDBTopicLog:
        return DynamoDBTopicLog(
            TABLE,
            client=self.client,
            history=self.history,
            now=self.clock,
            sleep=lambda _seconds: None,
        )

    @rule(count=st.integers(1, 4))
    def append(self, count: int) -> None:
        for _ in range(count):
            self._append(None)

    @rule(key=st.sampled_from(["k", "l"]))
    def append_with_a_key(self, key: str) -> None:
        self._append(key)

    def _append(self, key: str | None) -> None:
        self.number += 1
        data = key.encode() if key else b"%d" % self.number
        assert self.memory.append(data, key) == self.dynamodb.append(data, key)

    @rule(key=st.sampled_from(["k", "l"]))
    def mark(self, key: str) -> None:
        self.memory.mark(key)
        self.dynamodb.mark(key)

    @rule()
    def another_environment_goes_on(self) -> None:
        assert isinstance(self.dynamodb.log, DynamoDBTopicLog)
        self.dynamodb.log, self.idle = self.idle, self.dynamodb.log

    @rule(seconds=st.sampled_from([1.0, 29.5, -2.0]))
    def a_moment_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([TTL, TTL + SKEW]))
    def all_expires(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(choices=st.lists(st.booleans(), min_size=1, max_size=8))
    def the_time_to_live_deletes_some(self, choices: list[bool]) -> None:
        self.clock.advance(TTL + MARGIN + 1)
        for message, is_deleted in zip(
            list(self.dynamodb.visible), cycle(choices), strict=False
        ):
            if is_deleted:
                self.dynamodb.visible.remove(message)
                self._delete(message)

    def _delete(self, message: LoggedMessage) -> None:
        offset = f"{message.position.offset:016}"
        self.client.delete_item(
            TableName=TABLE, Key={"pk": {"S": f"L#{TOPIC}"}, "sk": {"S": offset}}
        )

    @rule(data=st.data(), limit=st.integers(1, 8))
    def somebody_reads_on(self, data: st.DataObject, limit: int) -> None:
        known = range(len(self.memory.ever))
        number = data.draw(st.sampled_from([None, *known]))
        ours = self.memory.check_read(number, limit)
        theirs = self.dynamodb.check_read(number, limit)
        assert [each.data for each in ours.messages] == [
            each.data for each in theirs.messages
        ]

    @rule()
    def somebody_comes_from_the_future_or_from_nowhere(self) -> None:
        for model in (self.memory, self.dynamodb):
            newest = model.log.position(TOPIC) or UNKNOWN
            future = newest._replace(offset=newest.offset + 1)
            for since in (future, UNKNOWN):
                replay = model.log.read(TOPIC, since)
                assert (replay.recovered, replay.messages) == (False, ())

    @invariant()
    def the_newest_is_what_it_is(self) -> None:
        for model in (self.memory, self.dynamodb):
            kept = model.kept()
            assert model.log.position(TOPIC) == (kept[-1].position if kept else None)


TestLogsInLockstep = LogsInLockstep.TestCase
TestLogsInLockstep.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, derandomize=True
)
