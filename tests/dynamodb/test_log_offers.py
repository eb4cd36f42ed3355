"""Messages that others carry: where they are read, and what ends a wait for others."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.support.faulty_dynamodb import (
    FaultyDynamoDB,
    Stopped,
    StopsAfter,
    refusal,
)
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import History, LoggedMessage, Position, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
MINUTE = History(ttl_seconds=60, position_ttl_seconds=60)
BEATEN = refusal("ConditionalCheckFailedException", Item={"id": {"S": "other"}})
UP_TO_THE_OFFER = 6
"""Requests: look and write, twice; then look, and offer."""


class Street:
    """A topic at which writers come to be carried.

    Attributes:
        client: What the writer has that carries the others.
        carrier: That writer.
    """

    def __init__(
        self, client: FaultyDynamoDB, clock: Clock, history: History = MINUTE
    ) -> None:
        self.client = client
        self.clock = clock
        self.history = history
        self.other = self.make_log(client.client)
        self.carrier = self.make_log(client)
        self.other.ensure_position("news")

    def make_log(self, client: Any) -> DynamoDBTopicLog:
        return DynamoDBTopicLog(
            TABLE,
            client=client,
            history=self.history,
            now=self.clock,
            sleep=self.clock.advance,
        )

    def beat(self, client: FaultyDynamoDB) -> None:
        for _ in range(2):
            client.before("put_item", lambda: self.other.append("news", b"other"))

    def offer(self, data: bytes, **details: Any) -> None:
        """Have a writer offer a message, which stops before it sees who carries it."""
        faulty = FaultyDynamoDB(self.client.client)
        self.beat(faulty)
        stopped: Any = StopsAfter(faulty, UP_TO_THE_OFFER)
        with pytest.raises(Stopped):
            self.make_log(stopped).append("news", data, **details)

    def offer_all(self, *messages: bytes) -> None:
        for data in messages:
            self.offer(data)

    def carry(
        self, act: Callable[[], object], timeout_seconds: float | None = None
    ) -> LoggedMessage:
        """Append a message; something happens between its offer and the next look."""
        self.beat(self.client)
        self.client.plan("query", [self.client.client.query] * 3)
        self.client.before("query", act)
        return self.carrier.append(
            "news", b"own", timeout_seconds=timeout_seconds
        ).message


@pytest.fixture
def street(client: FaultyDynamoDB, clock: Clock) -> Street:
    return Street(client, clock)


def data_of(messages: tuple[LoggedMessage, ...]) -> list[bytes]:
    return [each.data for each in messages]


def test_who_is_first_carries_those_who_came_later_behind_its_own(
    street: Street,
) -> None:
    def offer_two() -> None:
        street.offer(b"a", exclude={"x", "y"}, info=b"i")
        street.offer(b"", exclude={"z"})

    own = street.carry(offer_two)

    *_, first, second, third = street.other.read("news").messages
    assert first == own
    offset = own.position.offset
    assert [each.position.offset for each in (second, third)] == [
        offset + 1,
        offset + 2,
    ]
    assert (second.data, second.exclude) == (b"a", frozenset({"x", "y"}))
    assert (second.info, third.info) == (b"i", None)
    assert (third.data, third.exclude) == (b"", frozenset({"z"}))
    assert {first.published_at} == {second.published_at, third.published_at}


def test_replays_are_whole_wherever_in_an_entry_they_begin_and_end(
    clock: Clock,
) -> None:
    street = Street(FaultyDynamoDB(SmallTable()), clock, History(limit=6))
    street.carry(partial(street.offer_all, b"a", b"b", b"c"))
    street.other.append("news", b"last")
    log = street.make_log(street.client.client)
    messages = log.read("news").messages
    everything = log.read_history("news").messages
    assert data_of(everything) == [b"other", b"own", b"a", b"b", b"c", b"last"]
    epoch, newest = messages[-1].position
    expected = {each.position.offset: each.data for each in everything}

    for offset in range(newest - 6, newest + 1):
        since = Position(epoch, offset)
        after = [expected[n] for n in range(offset + 1, newest + 1)]
        before = [expected[n] for n in range(offset - 1, newest - 6, -1)]
        for limit in range(1, 8):
            found = log.read("news", since, limit)
            assert data_of(found.messages) == after[:limit]
            assert found.has_more == (len(after) > limit)
            again = log.read_history("news", since, limit)
            assert data_of(again.messages) == after[:limit]
            reverse = log.read_history("news", since, limit, reverse=True)
            assert data_of(reverse.messages) == before[:limit]
            assert reverse.has_more == (len(before) > limit)
            recovered = log.recover("news", since, limit=limit)
            assert recovered.recovered == (len(after) <= limit)


def test_a_read_that_begins_within_an_entry_costs_one_query_more(
    street: Street, client: FaultyDynamoDB
) -> None:
    own = street.carry(partial(street.offer_all, b"a", b"b"))
    log = street.make_log(client)
    counts = []
    for offset in range(4):
        since = Position(own.position.epoch, own.position.offset + offset - 1)
        client.calls.clear()
        log.recover("news", since)
        counts.append(client.calls.count("query"))

    assert counts == [2, 3, 3, 1]


def test_what_was_offered_long_before_is_left_alone(street: Street) -> None:
    def offer_and_wait() -> None:
        street.offer(b"a")
        street.clock.advance(13)

    own = street.carry(offer_and_wait, timeout_seconds=60)

    assert street.other.read("news").messages[-1] == own


def test_nothing_is_carried_by_who_does_not_know_whether_it_is_in_the_log(
    street: Street,
) -> None:
    street.offer(b"a")

    own = street.carry(lambda: None)

    assert street.other.read("news").messages[-1] == own
    assert b"a" not in data_of(street.other.read("news").messages)


@pytest.mark.parametrize(
    ("operation", "details"),
    [
        ("transact_write_items", {"key": "k"}),
        ("put_item", {"info": b"x" * 1025}),
        ("put_item", {"exclude": {"x" * 1025}}),
        ("put_item", {"timeout_seconds": 0.9}),
    ],
)
def test_what_has_a_key_or_is_large_or_in_a_hurry_is_not_offered(
    street: Street, client: FaultyDynamoDB, operation: str, details: dict[str, Any]
) -> None:
    for _ in range(3):
        client.before(operation, lambda: street.other.append("news", b"other"))

    street.carrier.append("news", b"", **details)

    assert client.calls.count(operation) == 4
    items = [each.get("Item", {}) for each in client.requests]
    assert not any("offer" in item for item in items)


def test_where_the_position_expires_meanwhile_the_message_begins_an_epoch(
    street: Street,
) -> None:
    before = street.other.ensure_position("news")

    own = street.carry(partial(street.clock.advance, 961), timeout_seconds=5000)

    assert own.position.epoch != before.epoch
    assert street.other.read("news").messages == (own,)


def test_if_another_begins_the_epoch_the_message_follows_in_it(
    street: Street, client: FaultyDynamoDB
) -> None:
    client.before(
        "transact_write_items", lambda: street.other.append("news", b"begins")
    )

    street.carry(partial(street.clock.advance, 961), timeout_seconds=5000)

    assert data_of(street.other.read("news").messages) == [b"begins", b"own"]


def test_if_entries_are_missing_the_call_says_that_it_does_not_know(
    street: Street, client: FaultyDynamoDB
) -> None:
    def lose_an_entry() -> None:
        lost = street.other.append("news", b"x").message.position.offset
        street.other.append("news", b"x")
        key = {"pk": {"S": "L#news"}, "sk": {"S": f"{lost:016d}"}}
        client.client.delete_item(TableName=TABLE, Key=key)

    with pytest.raises(StoreError, match="may have been appended"):
        street.carry(lose_an_entry)


def test_who_never_comes_first_and_is_never_carried_fails_in_the_end(
    street: Street, client: FaultyDynamoDB
) -> None:
    street.beat(client)
    client.plan("put_item", [client.client.put_item])
    client.fail("put_item", BEATEN, times=1000)

    with pytest.raises(StoreError, match="other writers always came first"):
        street.carrier.append("news", b"own")

    assert b"own" not in data_of(street.other.read("news").messages)
