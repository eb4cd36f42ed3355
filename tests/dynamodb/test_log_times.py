"""How long the log in DynamoDB tries to append, and to mark what was sent."""

import threading
import time
from typing import Any

import pytest

from tests.support.faulty_dynamodb import (
    FaultyDynamoDB,
    lost_answer,
    refusal,
)
from tests.support.virtual_time import Clock
from wspubsub import Position, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
KEYS = [None, "k"]
WRITES = {None: "put_item", "k": "transact_write_items"}


@pytest.fixture
def log(client: FaultyDynamoDB, clock: Clock) -> DynamoDBTopicLog:
    """A log whose epoch has begun; tests/dynamodb/test_log_epochs.py is about that."""
    plain = DynamoDBTopicLog(TABLE, client=client.client, now=clock)
    plain.ensure_position("news")
    return DynamoDBTopicLog(TABLE, client=client, now=clock, sleep=clock.advance)


def test_throttling_without_end_is_an_error_in_the_end(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    client.fail("put_item", refusal("ThrottlingException"), times=1000)
    before = clock.time

    with pytest.raises(StoreError, match="with a key") as caught:
        log.append("news", b"x")

    assert caught.value.code == "ThrottlingException"
    assert caught.value.operation == "PutItem"
    assert 9 < clock.time - before < 10


def test_a_mark_is_retried_until_it_is_made(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    message = log.append("news", b"x", key="k").message
    client.fail("put_item", refusal("ThrottlingException"), times=3)
    client.lose_answer("put_item")

    log.mark_sent(message, "k")

    assert client.calls.count("put_item") == 5
    assert log.append("news", b"x", key="k").is_sent


def test_a_mark_keeps_to_its_time(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    message = log.append("news", b"x", key="k").message
    client.fail("put_item", refusal("ThrottlingException"), times=1000)
    before = clock.time

    with pytest.raises(StoreError, match="in time") as caught:
        log.mark_sent(message, "k", timeout_seconds=2)

    assert caught.value.code == "ThrottlingException"
    assert 1.4 < clock.time - before < 2


def test_a_mark_that_is_refused_is_an_error_at_once(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    message = log.append("news", b"x", key="k").message
    client.fail("put_item", refusal("AccessDeniedException"))

    with pytest.raises(StoreError, match="role does not allow"):
        log.mark_sent(message, "k")

    assert client.calls.count("put_item") == 1


@pytest.mark.parametrize("key", KEYS)
def test_an_append_keeps_to_the_time_that_the_caller_gives(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock, key: str | None
) -> None:
    client.fail(WRITES[key], refusal("ThrottlingException"), times=1000)
    before = clock.time

    with pytest.raises(StoreError, match="in time"):
        log.append("news", b"x", key=key, timeout_seconds=1)

    assert 0.4 < clock.time - before < 1


@pytest.mark.parametrize("operation", ["query", "put_item"])
def test_an_append_does_not_wait_for_a_table_that_is_silent(
    client: FaultyDynamoDB, operation: str
) -> None:
    log = DynamoDBTopicLog(TABLE, client=client)
    is_over = threading.Event()

    def say_nothing(**_request: Any) -> dict[str, Any]:
        is_over.wait(60)
        return {}

    client.plan(operation, [say_nothing])
    begin = time.monotonic()

    with pytest.raises(StoreError, match="no answer within") as caught:
        log.append("news", b"x", timeout_seconds=0.1)

    is_over.set()
    assert time.monotonic() - begin < 20
    assert "may have been appended" in str(caught.value)
    assert caught.value.code == "Timeout"


def test_beginning_an_epoch_keeps_to_the_time_that_the_caller_gives(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    client.fail("put_item", refusal("ThrottlingException"), times=1000)
    before = clock.time

    with pytest.raises(StoreError, match="safe to try again") as caught:
        log.ensure_position("sport", timeout_seconds=1)
    assert 0.4 < clock.time - before < 1
    assert caught.value.code == "ThrottlingException"

    with pytest.raises(StoreError, match="safe to try again"):
        log.recover("sport", Position("x", 1), timeout_seconds=1)
    assert clock.time - before < 2


def test_an_append_may_be_given_more_time(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    client.fail("put_item", refusal("ThrottlingException"), times=1000)
    before = clock.time

    with pytest.raises(StoreError, match="in time"):
        log.append("news", b"x", timeout_seconds=20)

    assert 19 < clock.time - before < 20


def test_without_time_an_append_is_tried_once(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    first = log.append("news", b"x", timeout_seconds=0)
    client.fail("put_item", refusal("ThrottlingException"))

    with pytest.raises(StoreError):
        log.append("news", b"y", timeout_seconds=0)

    assert log.read("news").messages == (first.message,)


def test_a_write_frozen_between_two_tries_is_given_up(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    log = DynamoDBTopicLog(
        TABLE, client=client, now=clock, sleep=lambda _seconds: clock.advance(7200)
    )
    client.fail("put_item", lost_answer())

    with pytest.raises(StoreError, match="may have been appended"):
        log.append("news", b"x")

    assert log.read("news").messages == ()
