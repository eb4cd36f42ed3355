"""How an epoch of a log in DynamoDB begins, and that no two of them grow side by side.

A topic wakes up after its history has expired, and several writers see it at once,
while DynamoDB's time to live deletes what has expired in any order.
"""

from typing import Any

import pytest

from tests.support.faulty_dynamodb import (
    FaultyDynamoDB,
    cancelled,
    lost_answer,
    refusal,
)
from tests.support.servers.small_table import SmallTable
from tests.support.turns import Actor, Step, Stepwise, orders
from tests.support.virtual_time import Clock
from wspubsub import History, Position, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
TTL = 60.0
SKEW = 15 * 60
MARGIN = 60 * 60
WEEK = 7 * 24 * MARGIN
LONG_AGO = TTL + MARGIN + SKEW
HISTORY = History(ttl_seconds=TTL, position_ttl_seconds=TTL)


def make_log(
    client: Any, clock: Clock, history: History = HISTORY, *, skew: float = 0.0
) -> DynamoDBTopicLog:
    return DynamoDBTopicLog(
        TABLE,
        client=client,
        history=history,
        now=lambda: clock.time + skew,
        sleep=lambda _seconds: None,
    )


def place(offset: int) -> dict[str, Any]:
    return {"pk": {"S": "L#news"}, "sk": {"S": f"{offset:016}"}}


def delete(client: Any, *offsets: int) -> None:
    for offset in offsets:
        client.delete_item(TableName=TABLE, Key=place(offset))


def entry(client: FaultyDynamoDB, offset: int) -> Any:
    return client.client.get_item(
        TableName=TABLE, Key=place(offset), ConsistentRead=True
    )["Item"]


def expired_log(client: Any, clock: Clock, count: int = 3) -> None:
    log = make_log(client, clock)
    for _ in range(count):
        log.append("news", b"old")
    clock.advance(LONG_AGO)


class Unchecked:
    """A table that does not look whether the entry before an epoch still stands."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._table, operation)

    def transact_write_items(self, **request: Any) -> Any:
        puts = [each for each in request["TransactItems"] if "Put" in each]
        return self._table.transact_write_items(**{**request, "TransactItems": puts})


class Waking:
    """Some who wake a topic up while the time to live deletes from it."""

    def __init__(self, deleted: tuple[int, ...], *, is_checked: bool = True) -> None:
        self.clock = Clock()
        self.table = SmallTable()
        self.endpoint = self.table if is_checked else Unchecked(self.table)
        expired_log(self.table, self.clock)
        self.deleted = deleted
        self.appended: list[tuple[Position, bytes]] = []
        self.begun: list[Position] = []

    def writer(self, name: bytes) -> Actor:
        def write(step: Step) -> None:
            log = make_log(Stepwise(self.endpoint, step), self.clock)
            position = log.append("news", name).message.position
            self.appended.append((position, name))

        return write

    def subscriber(self, step: Step) -> None:
        log = make_log(Stepwise(self.endpoint, step), self.clock)
        self.begun.append(log.ensure_position("news"))

    def time_to_live(self, step: Step) -> None:
        step()
        delete(self.table, *self.deleted)

    def is_one_epoch(self) -> bool:
        """Whether all know the same epoch, from which everything is replayed."""
        for name in (b"a", b"b", b"a"):
            log = make_log(self.table, self.clock)
            self.appended.append((log.append("news", name).message.position, name))
        self.appended.sort()
        log = make_log(self.table, self.clock)
        known = [*self.begun, *(position for position, _ in self.appended)]
        return all(
            replay.recovered
            and [(each.position, each.data) for each in replay.messages]
            == [each for each in self.appended if each[0] > since]
            for since in known
            for replay in [log.read("news", since)]
        )


@pytest.mark.slow
@pytest.mark.parametrize("deleted", [(), (3,), (2, 3), (1, 2, 3)])
def test_in_every_order_of_a_writer_and_a_subscriber_one_epoch_begins(
    deleted: tuple[int, ...],
) -> None:
    made: list[Waking] = []

    def make_actors() -> list[Actor]:
        made.append(Waking(deleted))
        return [made[-1].writer(b"a"), made[-1].subscriber, made[-1].time_to_live]

    for _order in orders(make_actors):
        assert made.pop().is_one_epoch()


def test_without_a_look_at_the_entry_before_it_two_epochs_would_begin() -> None:
    made: list[Waking] = []

    def make_actors() -> list[Actor]:
        made.append(Waking((3,), is_checked=False))
        return [made[-1].writer(b"a"), made[-1].subscriber, made[-1].time_to_live]

    assert not all(made.pop().is_one_epoch() for _order in orders(make_actors))


@pytest.mark.slow
@pytest.mark.parametrize("deleted", [(), (3,), (2, 3), (2,), (1, 2, 3)])
def test_in_every_order_of_two_writers_one_epoch_begins(
    deleted: tuple[int, ...],
) -> None:
    made: list[Waking] = []

    def make_actors() -> list[Actor]:
        made.append(Waking(deleted))
        waking = made[-1]
        return [waking.writer(b"a"), waking.writer(b"b"), waking.time_to_live]

    count = 0
    for _order in orders(make_actors):
        assert made.pop().is_one_epoch()
        count += 1

    assert count > 20


def test_an_epoch_begins_in_one_transaction_and_goes_on_with_single_writes(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    expired_log(client, clock)
    log = make_log(client, clock)
    client.calls.clear()

    begun = log.ensure_position("news")
    assert client.calls == ["query", "transact_write_items"]
    first = log.append("news", b"x" * 500).message.position
    second = log.append("news", b"y").message.position

    assert client.calls[2:] == ["query", "put_item", "put_item"]
    assert [each.offset for each in (begun, first, second)] == [4, 5, 6]
    assert {each.epoch for each in (begun, first, second)} == {begun.epoch}


def test_a_new_topic_begins_with_a_single_write(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    make_log(client, clock).ensure_position("news")

    assert client.calls == ["query", "put_item"]


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("has_old_items", [True, False])
@pytest.mark.parametrize("fault", ["lose_answer", "carry_out_twice"])
def test_an_epoch_whose_beginning_is_not_answered_begins_once(
    client: FaultyDynamoDB,
    clock: Clock,
    fault: str,
    key: str | None,
    *,
    has_old_items: bool,
) -> None:
    expired_log(client, clock)
    client.has_old_items = has_old_items
    log = make_log(client, clock)
    getattr(client, fault)("transact_write_items")

    appended = log.append("news", b"x", key=key)

    assert appended.is_new
    assert log.read("news").messages == (appended.message,)
    assert appended.message.position.offset == 5


@pytest.mark.parametrize("has_old_items", [True, False])
@pytest.mark.parametrize("fault", ["lose_answer", "carry_out_twice"])
def test_a_new_topic_whose_beginning_is_not_answered_begins_once(
    client: FaultyDynamoDB, clock: Clock, fault: str, *, has_old_items: bool
) -> None:
    client.has_old_items = has_old_items
    getattr(client, fault)("put_item")
    log = make_log(client, clock)

    position = log.ensure_position("news")

    assert position == Position(position.epoch, 0)
    assert log.position("news") == position
    assert client.calls.count("query") == 2


def test_who_begins_a_new_topic_second_takes_the_first_s_epoch(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    other = make_log(client.client, clock)
    client.before("put_item", lambda: other.append("news", b"first"))

    position = make_log(client, clock).ensure_position("news")

    assert position == other.position("news")
    assert position.offset == 1


def test_losing_without_end_while_an_epoch_is_begun_is_an_error_in_the_end(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    taken = refusal("ConditionalCheckFailedException", Item={"epoch": {"S": "other"}})
    client.fail("put_item", taken, times=1000)

    with pytest.raises(
        StoreError, match="was not begun in time: other writers"
    ) as caught:
        make_log(client, clock).ensure_position("news")

    assert caught.value.code == "ConditionalCheckFailedException"
    assert client.calls.count("put_item") == 100


@pytest.mark.parametrize("key", [None, "k"])
def test_who_begins_second_follows_the_first(
    client: FaultyDynamoDB, clock: Clock, key: str | None
) -> None:
    expired_log(client, clock)
    other = make_log(client.client, clock)
    client.before("transact_write_items", lambda: other.append("news", b"first"))

    second = make_log(client, clock).append("news", b"second", key=key)

    assert second.is_new
    first, last = make_log(client, clock).read("news").messages
    assert (first.data, last) == (b"first", second.message)
    assert first.position.offset == 5
    assert last.position == Position(first.position.epoch, 6)


@pytest.mark.parametrize(
    "reasons", [("TransactionConflict", "None"), ("None", "ThrottlingError")]
)
def test_a_beginning_that_is_cancelled_is_tried_again(
    client: FaultyDynamoDB, clock: Clock, reasons: tuple[str, str]
) -> None:
    expired_log(client, clock)
    log = make_log(client, clock)
    client.fail("transact_write_items", cancelled(*reasons), times=2)

    appended = log.append("news", b"x")

    assert log.read("news").messages == (appended.message,)
    assert client.calls.count("transact_write_items") == 3


def test_a_beginning_that_was_not_carried_out_is_lost_to_who_came_first(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    expired_log(client, clock)
    other = make_log(client.client, clock)
    client.has_old_items = False
    client.fail("transact_write_items", lost_answer())
    client.before("transact_write_items", lambda: other.append("news", b"other"))

    ours = make_log(client, clock).append("news", b"ours")

    assert [each.data for each in other.read("news").messages] == [b"other", b"ours"]
    assert ours.message.position.offset == 6


def test_a_fast_clock_does_not_end_an_epoch_that_is_read(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    right = make_log(client, clock)
    fast = make_log(client, clock, skew=SKEW - 1)
    first = right.append("news", b"1").message
    clock.advance(TTL - 1)

    second = fast.append("news", b"2").message
    third = right.append("news", b"3").message

    assert right.read("news", first.position).messages == (second, third)


def test_a_wrong_clock_ends_an_epoch_but_not_the_log(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    right = make_log(client, clock)
    wrong = make_log(client, clock, skew=20 * 52 * WEEK)
    right.append("news", b"1")
    wrong.append("news", b"from 20 years ahead", key="wrong")

    right.append("news", b"2", key="k")

    assert [each.data for each in right.read("news").messages] == [b"2"]
    newest = entry(client, 5)
    assert float(newest["published_at"]["N"]) == clock.time
    assert int(newest["expires_at"]["N"]) == clock.time + TTL + MARGIN
    clock.advance(TTL)
    assert right.read("news").messages == ()
    assert right.append("news", b"3", key="k").is_new
    assert right.append("news", b"4", key="wrong").is_new


@pytest.mark.parametrize(("longer", "is_followed"), [(WEEK, True), (WEEK + 1, False)])
def test_a_history_that_is_much_longer_is_not_handed_on(
    client: FaultyDynamoDB, clock: Clock, longer: float, *, is_followed: bool
) -> None:
    lasts = TTL + longer
    mistaken = make_log(
        client, clock, History(ttl_seconds=TTL, position_ttl_seconds=lasts)
    )
    first = mistaken.append("news", b"1").message.position
    expiry = int(entry(client, 1)["expires_at"]["N"])

    second = make_log(client, clock).append("news", b"2").message.position

    assert second.offset == (2 if is_followed else 3)
    assert (second.epoch == first.epoch) is is_followed
    assert int(entry(client, second.offset)["expires_at"]["N"]) == (
        expiry if is_followed else clock.time + TTL + MARGIN
    )
