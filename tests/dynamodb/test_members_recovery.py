"""A client that drops what comes before its reply misses nothing, in any order.

Publishers append, read the members and post; a subscriber writes, reads the log, sends
the reply, reads the log again and releases. All of it runs on the real store and the
real log: the steps are their requests to DynamoDB, and each post. A replica has seen no
write and answers every read that need not be consistent. A page holds two items.

The same runs with one fault find a loss, so they would notice.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.contracts.members import session
from tests.support.interleaving import Caller, find_wrongs
from tests.support.request_faults import (
    ONE_PAGE,
    Endpoint,
    Fault,
    Request,
    no_fault,
)
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import History, Position
from wspubsub.dynamodb import DynamoDBMemberStore, DynamoDBTopicLog

TOPIC = "news"
ID = "c="
ANN = session(ID)
CROWD = ("a=", "b=", "x=", "y=")
HISTORY = History(limit=50, ttl_seconds=60, position_ttl_seconds=60)


class Client:
    """An SDK: it drops publications until it has the reply, and what it has seen."""

    def __init__(self) -> None:
        self.is_subscribed = False
        self.start = -1
        self.known: list[int] = []

    def receive(self, offset: int) -> None:
        if self.is_subscribed:
            self.known.append(offset)

    def reply(self, start: int, offsets: Sequence[int]) -> None:
        self.is_subscribed = True
        self.start = start
        self.known += offsets


class World:
    """One run.

    Args:
        publishers: How many publish.
        before: How many messages there are before.
        since: Offset of the last message that the client has; None for a new one.
        lost: What is marked on the subscription that the connection had before.
        fails: Whether posts to the client fail, so that publishers mark it.
        fault: What is wrong with each request.
        is_held: Whether publishers wait for the reply.
        skips: Whether they leave out what the client was told.
        swapped: Who does things in the wrong order.
    """

    def __init__(
        self,
        *,
        publishers: int = 1,
        before: int = 2,
        since: int | None = None,
        lost: int | None = None,
        fails: bool = False,
        fault: Fault = no_fault,
        is_held: bool = True,
        skips: bool = True,
        swapped: str = "",
    ) -> None:
        self.publishers = publishers
        self.before = before
        self.since = since
        self.lost = lost
        self.fails = fails
        self.fault = fault
        self.is_held = is_held
        self.skips = skips
        self.swapped = swapped

    def __call__(self) -> tuple[Endpoint, Sequence[Caller]]:
        self.clock = Clock()
        self.table = SmallTable(self.clock)
        self.client = Client()
        store, log = self.store(self.table), self.log(self.table)
        for each in CROWD:
            store.subscribe(each, TOPIC)
        store.begin_session(ANN)
        for _ in range(self.before):
            log.append(TOPIC, b"old")
        if self.lost is not None:
            store.begin_subscription(ANN, TOPIC, command=1)
            store.mark_lost(TOPIC, ID, self.lost)
        callers = [self.publish] * self.publishers
        return Endpoint(self.table, self.fault), [*callers, self.subscribe]

    def store(self, client: Any) -> DynamoDBMemberStore:
        return DynamoDBMemberStore("t", client=client, now=self.clock)

    def log(self, client: Any) -> DynamoDBTopicLog:
        return DynamoDBTopicLog(
            "t",
            client=client,
            history=HISTORY,
            now=self.clock,
            sleep=lambda _seconds: None,
        )

    def publish(self, endpoint: Any) -> None:
        store, log = self.store(endpoint), self.log(endpoint)
        members = list(store.members(TOPIC)) if self.swapped == "publisher" else None
        offset = log.append(TOPIC, b"new").message.position.offset
        found = list(store.members(TOPIC)) if members is None else members
        for member in found:
            if member.connection_id != ID:
                continue
            now = store.trace(TOPIC, ID) if member.held_at is not None else member
            assert now is not None
            if now.held_at is not None or now.lost is not None:
                # It is handed it, or asked to subscribe again, which is not followed.
                continue
            if now.told is not None and self.skips and now.told[1] >= offset:
                continue
            if self.fails:
                store.mark_lost(TOPIC, ID, offset)
            else:
                endpoint.post(send=lambda: self.client.receive(offset))

    def subscribe(self, endpoint: Any) -> None:
        store, log = self.store(endpoint), self.log(endpoint)
        if self.swapped == "subscriber":
            start, offsets, position = self._replay(log, None)
            began = self._begin(store)
        else:
            began = self._begin(store)
            start, offsets, position = self._replay(log, began.lost)
        endpoint.post(send=lambda: self.client.reply(start, offsets))
        if not self.is_held:
            return
        traces: int | None = 0
        while traces is not None:
            newer = log.recover(TOPIC, position)
            assert newer.recovered
            for message in newer.messages:
                position = message.position
                offset = position.offset
                endpoint.post(send=lambda offset=offset: self.client.receive(offset))
            traces = store.release(
                ID, TOPIC, number=began.number, traces=traces, told=position
            )

    def _begin(self, store: DynamoDBMemberStore) -> Any:
        return store.begin_subscription(ANN, TOPIC, command=5, is_held=self.is_held)

    def _replay(
        self, log: DynamoDBTopicLog, lost: int | None
    ) -> tuple[int, list[int], Position]:
        position = log.ensure_position(TOPIC)
        assert position is not None
        if self.since is None:
            return position.offset, [], position
        offset = self.since if lost is None else min(self.since, lost - 1)
        replay = log.recover(TOPIC, Position(position.epoch, offset))
        assert replay.recovered
        assert replay.position is not None
        offsets = [each.position.offset for each in replay.messages]
        last = replay.messages[-1].position if replay.messages else replay.position
        return offset, offsets, last

    def wrongs(self) -> list[str]:
        """Return what the client misses and no publisher will remind it of."""
        messages = self.log(self.table).read_history(TOPIC).messages
        offsets = [each.position.offset for each in messages]
        must_know = [each for each in offsets if each > self.client.start]
        (member,) = (m for m in self.store(self.table).members(TOPIC) if m[0] == ID)
        if member.lost is not None:
            must_know = [each for each in must_know if each < member.lost]
        known = self.client.known
        wrong = [f"misses {each}" for each in must_know if each not in known]
        if self.is_held and member.held_at is not None:
            wrong.append("it is held for ever")
        if self.publishers == 1 and known != sorted(known):
            wrong.append(f"not in order: {known}")
        if len(known) > len(set(known)):
            wrong.append(f"twice: {known}")
        return wrong


SCENES: list[dict[str, Any]] = [
    {},
    {"before": 0},
    {"since": 1},
    {"since": 2},
    {"since": 2, "lost": 1},
    {"before": 6, "since": 1},
    {"publishers": 2},
    {"publishers": 2, "since": 1},
    {"publishers": 3, "before": 0},
    {"publishers": 2, "since": 1, "fails": True},
    {"publishers": 2, "since": 2, "lost": 1, "fails": True},
]


@pytest.mark.parametrize("scene", SCENES, ids=repr)
def test_nothing_is_missed(scene: dict[str, Any]) -> None:
    assert list(find_wrongs(World(**scene), 100)) == []


@pytest.mark.slow
@pytest.mark.parametrize("scene", [{}, {"since": 2}], ids=repr)
def test_nothing_is_missed_in_every_order(scene: dict[str, Any]) -> None:
    assert list(find_wrongs(World(**scene))) == []


def stale(operation: str, request: Request) -> Request:
    if operation == "query" and _partition(request).startswith("T#"):
        request.pop("ConsistentRead", None)
    return request


def first_page(operation: str, request: Request) -> Request:
    if operation == "query" and _partition(request).startswith("T#"):
        request[ONE_PAGE] = True
    return request


def release_at_once(operation: str, request: Request) -> Request:
    names = request.get("ExpressionAttributeNames", {}).values()
    if operation == "update_item" and "h" in names and "n" not in names:
        request.pop("ConditionExpression", None)
    return request


def _partition(request: Request) -> str:
    partition: str = request["ExpressionAttributeValues"][":pk"]["S"]
    return partition


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"fault": stale},
        {"fault": first_page},
        {"fault": release_at_once},
        {"swapped": "publisher"},
        {"swapped": "subscriber", "is_held": False},
        {"is_held": False},
    ],
    ids=["stale", "first page", "release", "publisher", "subscriber", "no hold"],
)
def test_the_same_runs_find_a_loss(change: dict[str, Any]) -> None:
    wrongs = find_wrongs(World(since=1, **change))

    assert any("misses" in wrong for wrong in wrongs)


@pytest.mark.parametrize("publishers", [1, 2])
def test_without_what_was_told_they_find_a_message_twice(publishers: int) -> None:
    world = World(since=1, publishers=publishers, skips=False)

    assert any("twice" in wrong for wrong in find_wrongs(world, 300))
