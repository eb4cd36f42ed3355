"""What each call of the log in DynamoDB asks of DynamoDB, and what that consumes.

moto counts read units as DynamoDB does, and a write of up to 1 KB as one; it says
nothing of transactions, of which each item takes two ("DynamoDB read and write
operations").
"""

from collections.abc import Callable

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB
from tests.support.virtual_time import Clock
from wspubsub import History, Position
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
SKEW = 900
MINUTE = History(ttl_seconds=60, position_ttl_seconds=60)
BEGIN = ["query", "put_item"]
BEGIN_AGAIN = ["query", "transact_write_items"]


Act = Callable[[DynamoDBTopicLog], object]
UNKNOWN = Position("x", 1)


NEW: dict[str, tuple[Act, list[str]]] = {
    "append": (lambda log: log.append("news", b"x"), [*BEGIN, "put_item"]),
    "append with a key": (
        lambda log: log.append("news", b"x", key="k"),
        [*BEGIN, "transact_write_items"],
    ),
    "ensure_position": (lambda log: log.ensure_position("news"), BEGIN),
    "recover": (lambda log: log.recover("news", UNKNOWN), BEGIN),
    "position": (lambda log: log.position("news"), ["query"]),
    "read": (lambda log: log.read("news", UNKNOWN), ["query"]),
    "read_history": (lambda log: log.read_history("news"), ["query"]),
    "keeps": (lambda log: log.keeps("news"), []),
}
EXPIRED: dict[str, tuple[Act, list[str]]] = {
    "append": (lambda log: log.append("news", b"x"), [*BEGIN_AGAIN, "put_item"]),
    "ensure_position": (lambda log: log.ensure_position("news"), BEGIN_AGAIN),
    "recover": (lambda log: log.recover("news", UNKNOWN), BEGIN_AGAIN),
    "position": (lambda log: log.position("news"), ["query"]),
    "read": (lambda log: log.read("news"), ["query"]),
    "read_history": (lambda log: log.read_history("news", reverse=True), ["query"]),
}


@pytest.mark.parametrize(("act", "calls"), NEW.values(), ids=NEW)
def test_a_new_topic_costs_one_write_more(
    client: FaultyDynamoDB, clock: Clock, act: Act, calls: list[str]
) -> None:
    act(DynamoDBTopicLog(TABLE, client=client, now=clock))

    assert client.calls == calls


@pytest.mark.parametrize(("act", "calls"), EXPIRED.values(), ids=EXPIRED)
def test_a_position_that_has_expired_costs_one_transaction_more(
    client: FaultyDynamoDB, clock: Clock, act: Act, calls: list[str]
) -> None:
    make = DynamoDBTopicLog
    make(TABLE, client=client.client, history=MINUTE, now=clock).append("news", b"x")
    clock.advance(60 + SKEW)

    act(make(TABLE, client=client, history=MINUTE, now=clock))

    assert client.calls == calls
    transactions = [each for each in client.requests if "TransactItems" in each]
    assert all(len(each["TransactItems"]) == 2 for each in transactions)


Read = Callable[[DynamoDBTopicLog, list[Position]], object]
READS: dict[str, tuple[Read, int]] = {
    "ensure_position": (lambda log, _: log.ensure_position("news"), 1),
    "position": (lambda log, _: log.position("news"), 1),
    "recover nothing": (lambda log, given: log.recover("news", given[-1]), 1),
    "recover all": (lambda log, given: log.recover("news", given[0]), 2),
    "recover too much": (lambda log, given: log.recover("news", given[0], limit=1), 1),
    "recover in vain": (lambda log, _: log.recover("news", UNKNOWN), 1),
    "read on": (lambda log, given: log.read("news", given[0]), 2),
    "read nothing": (lambda log, given: log.read("news", given[-1]), 1),
    "read the newest": (lambda log, _: log.read("news", limit=3), 2),
    "history": (lambda log, _: log.read_history("news"), 2),
    "the oldest": (lambda log, _: log.read_history("news", limit=1), 2),
    "reversed history": (lambda log, _: log.read_history("news", reverse=True), 2),
    "history since": (lambda log, given: log.read_history("news", given[1]), 2),
}


@pytest.mark.parametrize(("read", "units"), READS.values(), ids=READS)
def test_small_messages_are_read_for_one_unit_and_the_position_for_another(
    client: FaultyDynamoDB, clock: Clock, read: Read, units: int
) -> None:
    writer = DynamoDBTopicLog(TABLE, client=client.client, now=clock)
    positions = [writer.append("news", b"x").message.position for _ in range(10)]

    read(DynamoDBTopicLog(TABLE, client=client, now=clock), positions)

    assert client.calls == ["query"] * units
    assert client.units == units


@pytest.mark.parametrize("read", ["read", "read_history", "recover"])
def test_what_is_no_longer_served_is_not_read(
    client: FaultyDynamoDB, clock: Clock, read: str
) -> None:
    history = History(ttl_seconds=60)
    writer = DynamoDBTopicLog(TABLE, client=client.client, history=history, now=clock)
    positions = [writer.append("news", b"x").message.position for _ in range(3)]
    clock.advance(60)
    log = DynamoDBTopicLog(TABLE, client=client, history=history, now=clock)

    replay = getattr(log, read)("news", positions[0])

    assert not replay.recovered
    assert client.calls == ["query"]


def test_old_messages_are_not_read_to_find_the_oldest_that_is_served(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    history = History(ttl_seconds=60)
    writer = DynamoDBTopicLog(TABLE, client=client.client, history=history, now=clock)
    for _ in range(150):
        writer.append("news", b"x")
    clock.advance(60)
    newest = writer.append("news", b"x").message
    log = DynamoDBTopicLog(TABLE, client=client, history=history, now=clock)

    assert log.read_history("news").messages == (newest,)
    assert client.calls == ["query"] * 2
