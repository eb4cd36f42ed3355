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

from tests.contracts.tables import boto3_client
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
POSITION_TTL = 600.0
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
        visible: Positions of all entries that are not deleted yet, and when each was
            written; those without a message are among them.
    """

    def __init__(self, log: TopicLog, clock: Clock, limit: int) -> None:
        self.log = log
        self.clock = clock
        self.limit = limit
        self.ever: list[LoggedMessage] = []
        self.epochs: set[str] = set()
        self.visible: list[tuple[Position, float]] = []
        self.keys: dict[str, First] = {}

    def is_kept(self, message: LoggedMessage) -> bool:
        return message.published_at > self.clock.time - TTL

    @property
    def top(self) -> Position | None:
        if not self.visible:
            return None
        position, written_at = self.visible[-1]
        is_live = written_at > self.clock.time - POSITION_TTL - SKEW
        return position if is_live else None

    def kept(self) -> list[LoggedMessage]:
        top = self.top
        if top is None:
            return []
        return [
            each
            for each in self.ever
            if each.position.epoch == top.epoch
            and each.position.offset > top.offset - self.limit
            and self.is_kept(each)
        ]

    def append(self, data: bytes, key: str | None) -> bool:
        before = self.top
        appended = self.log.append(TOPIC, data, key=key)
        first = self.keys.get(key) if key else None
        if first and self.is_kept(first.message):
            self._check_repeated(appended, first, data)
            return False
        if before is None:
            epoch, offset = appended.message.position
            self._begin(Position(epoch, offset - 1))
        self._check_new(appended, data)
        if key:
            self.keys[key] = First(appended.message, len(self.ever))
        self.ever.append(appended.message)
        self.visible.append((appended.message.position, appended.message.published_at))
        return True

    def ensure_position(self) -> None:
        before = self.top
        position = self.log.ensure_position(TOPIC)
        if before is None:
            self._begin(position)
        assert position == self.top

    def _begin(self, position: Position) -> None:
        assert position.epoch not in self.epochs
        newest = self.visible[-1][0] if self.visible else None
        self.check_restart(newest, position)
        self.epochs.add(position.epoch)
        self.visible.append((position, max(self.clock.time, self._floor())))

    def _floor(self) -> float:
        return self.visible[-1][1] if self.visible else 0.0

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
        assert appended.is_new
        assert not appended.is_sent
        assert message.data == data
        assert message.position not in {each.position for each in self.ever}
        assert message.id not in {each.id for each in self.ever}
        newest = self.visible[-1][0]
        assert message.position == Position(newest.epoch, newest.offset + 1)
        assert message.published_at == max(self.clock.time, self._floor())

    def check_restart(self, newest: Position | None, position: Position) -> None:
        assert position.offset == (newest.offset + 1 if newest else 0)

    def expected(self, since: Position, limit: int) -> list[LoggedMessage] | None:
        """Return what a reader of a position gets; None if it is lost."""
        top = self.top
        if top is None or since.epoch != top.epoch:
            return None
        if not top.offset - self.limit <= since.offset <= top.offset:
            return None
        after = [
            each
            for each in self.ever
            if each.position.epoch == since.epoch and each.position > since
        ][:limit]
        return after if all(map(self.is_kept, after)) else None

    def check_read(self, since: Position | None, limit: int) -> Replay:
        kept = self.kept()
        expected = kept[-limit:] if since is None else self.expected(since, limit)
        replay = self.log.read(TOPIC, since, limit)
        assert replay.recovered == (expected is not None)
        assert replay.messages == tuple(expected or ())
        assert replay.newest == self.top
        if replay.messages:
            assert replay.position == replay.messages[-1].position
        else:
            assert replay.position == self.top
        assert replay.has_more == (replay.position != self.top)
        return replay

    def check_recovery(self, since: Position, limit: int) -> None:
        self.ensure_position()
        expected = self.expected(since, len(self.ever))
        is_whole = expected is not None and len(expected) <= limit
        replay = self.log.recover(TOPIC, since, limit=limit)
        assert replay.recovered == is_whole
        assert replay.messages == (tuple(expected or ()) if is_whole else ())
        assert replay.newest == self.top
        assert not replay.has_more

    def check_history(
        self, since: Position | None, limit: int | None, *, reverse: bool
    ) -> None:
        replay = self.log.read_history(TOPIC, since, limit, reverse=reverse)
        expected = self.expected_history(since, reverse=reverse)
        most = len(self.ever) if limit is None else limit
        assert replay.recovered == (expected is not None)
        assert replay.messages == tuple((expected or [])[:most])
        assert replay.newest == self.top
        assert replay.has_more == (len(expected or ()) > most)

    def expected_history(
        self, since: Position | None, *, reverse: bool
    ) -> list[LoggedMessage] | None:
        kept = self.kept()
        if since is None:
            return kept[::-1] if reverse else kept
        if not reverse:
            return self.expected(since, len(self.ever))
        top = self.top
        if top is None or since.epoch != top.epoch or since.offset > top.offset:
            return None
        return [each for each in kept if each.position < since][::-1]


class MemoryModel(Model):
    def check_restart(self, newest: Position | None, position: Position) -> None:
        # It drops a topic that nobody used for long, but says not when.
        assert position.offset in {0, newest.offset + 1 if newest else 0}


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
        self.history = History(
            limit=limit, ttl_seconds=TTL, position_ttl_seconds=POSITION_TTL
        )
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

    @rule()
    def somebody_subscribes(self) -> None:
        self.memory.ensure_position()
        self.dynamodb.ensure_position()

    @rule(seconds=st.sampled_from([TTL, POSITION_TTL, POSITION_TTL + SKEW]))
    def all_expires(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(choices=st.lists(st.booleans(), min_size=1, max_size=8))
    def the_time_to_live_deletes_some(self, choices: list[bool]) -> None:
        self.clock.advance(POSITION_TTL + MARGIN + 1)
        for entry, is_deleted in zip(
            list(self.dynamodb.visible), cycle(choices), strict=False
        ):
            if is_deleted:
                self.dynamodb.visible.remove(entry)
                self._delete(entry[0])

    def _delete(self, position: Position) -> None:
        offset = f"{position.offset:016}"
        self.client.delete_item(
            TableName=TABLE, Key={"pk": {"S": f"L#{TOPIC}"}, "sk": {"S": offset}}
        )

    def _draw(self, data: st.DataObject) -> list[tuple[Model, Position | None]]:
        """Return a position that each log once gave to somebody, the same in both."""
        known = [None, *range(len(self.memory.ever))]
        number = data.draw(st.sampled_from(known))
        return [
            (model, None if number is None else model.ever[number].position)
            for model in (self.memory, self.dynamodb)
        ]

    @rule(data=st.data(), limit=st.integers(1, 8))
    def somebody_reads_on(self, data: st.DataObject, limit: int) -> None:
        ours, theirs = (
            model.check_read(since, limit) for model, since in self._draw(data)
        )
        assert [each.data for each in ours.messages] == [
            each.data for each in theirs.messages
        ]

    @rule(data=st.data(), limit=st.integers(1, 8))
    def somebody_comes_back(self, data: st.DataObject, limit: int) -> None:
        for model, since in self._draw(data):
            if since is not None:
                model.check_recovery(since, limit)

    @rule(data=st.data(), limit=st.none() | st.integers(1, 8), is_reverse=st.booleans())
    def somebody_browses(
        self, data: st.DataObject, limit: int | None, *, is_reverse: bool
    ) -> None:
        for model, since in self._draw(data):
            model.check_history(since, limit, reverse=is_reverse)

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
            assert model.log.position(TOPIC) == model.top


TestLogsInLockstep = LogsInLockstep.TestCase
TestLogsInLockstep.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, derandomize=True
)
