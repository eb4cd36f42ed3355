"""How the log in DynamoDB bears other writers, lost answers and refusals."""

from typing import Any

import pytest

from tests.support.faulty_dynamodb import (
    FaultyDynamoDB,
    cancelled,
    lost_answer,
    refusal,
)
from tests.support.virtual_time import Clock
from wspubsub import History, StoreError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
KEYS = [None, "k"]
WRITES = {None: "put_item", "k": "transact_write_items"}


@pytest.fixture
def log(client: FaultyDynamoDB, clock: Clock) -> DynamoDBTopicLog:
    """A log whose epoch has begun; tests/dynamodb/test_log_epochs.py is about that."""
    make_log(client.client, clock).ensure_position("news")
    return make_log(client, clock)


def make_log(client: Any, clock: Clock, **options: Any) -> DynamoDBTopicLog:
    return DynamoDBTopicLog(
        TABLE, client=client, now=clock, sleep=clock.advance, **options
    )


def offsets(log: DynamoDBTopicLog) -> list[int]:
    return [message.position.offset for message in log.read("news").messages]


def test_who_comes_second_takes_the_next_offset(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    other = make_log(client.client, clock)
    client.before("put_item", lambda: other.append("news", b"first"))

    appended = log.append("news", b"second")

    assert appended.message.position.offset == 2
    assert [each.data for each in log.read("news").messages] == [b"first", b"second"]


def test_of_two_first_messages_the_second_follows_the_first(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    other = make_log(client.client, clock)
    client.before("transact_write_items", lambda: other.append("news", b"first"))

    appended = log.append("news", b"second", key="k")

    assert appended.is_new
    assert {each.position.epoch for each in log.read("news").messages} == {
        appended.message.position.epoch
    }


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("has_old_items", [True, False])
@pytest.mark.parametrize("fault", ["lose_answer", "carry_out_twice"])
def test_a_write_whose_answer_is_lost_is_in_the_log_once(
    client: FaultyDynamoDB,
    log: DynamoDBTopicLog,
    key: str | None,
    fault: str,
    *,
    has_old_items: bool,
) -> None:
    client.has_old_items = has_old_items
    log.append("news", b"before")
    getattr(client, fault)(WRITES[key])

    appended = log.append("news", b"x", key=key)
    after = log.append("news", b"after")

    assert appended.is_new
    assert log.read("news").messages[1] == appended.message
    assert [appended.message.position.offset, after.message.position.offset] == [2, 3]
    assert offsets(log) == [1, 2, 3]
    gets = [each for each in client.requests if "Key" in each]
    assert all(each["ConsistentRead"] for each in gets)
    if not (key or has_old_items):
        assert gets


@pytest.mark.parametrize("key", KEYS)
def test_an_answer_lost_while_others_write_is_not_confused_with_theirs(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock, key: str | None
) -> None:
    other = make_log(client.client, clock)
    client.lose_answer(WRITES[key])
    client.before(WRITES[key], lambda: other.append("news", b"other"))

    appended = log.append("news", b"ours", key=key)

    assert appended.is_new
    assert appended.message.position.offset == 1
    assert [each.data for each in log.read("news").messages] == [b"ours", b"other"]


@pytest.mark.parametrize("key", KEYS)
def test_a_refused_write_whose_offset_is_taken_meanwhile_goes_to_the_next(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock, key: str | None
) -> None:
    other = make_log(client.client, clock)
    client.has_old_items = False
    client.fail(WRITES[key], lost_answer())
    client.before(WRITES[key], lambda: other.append("news", b"other"))

    appended = log.append("news", b"ours", key=key)

    assert appended.message.position.offset == 2
    assert [each.data for each in log.read("news").messages] == [b"other", b"ours"]


def test_a_repeated_transaction_is_the_same_to_the_letter(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    client.fail("transact_write_items", refusal("TransactionInProgressException"))

    log.append("news", b"x", key="k")

    first, second = [each for each in client.requests if "TransactItems" in each]
    assert first == second
    assert len(first["ClientRequestToken"]) <= 36


@pytest.mark.parametrize(
    "reasons",
    [
        ("TransactionConflict", "None"),
        ("None", "TransactionConflict"),
        ("ThrottlingError", "None"),
        ("None", "ProvisionedThroughputExceeded"),
        ("ConditionalCheckFailed", "TransactionConflict"),
    ],
)
def test_a_cancelled_transaction_is_tried_again_under_another_token(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, reasons: tuple[str, str]
) -> None:
    client.fail("transact_write_items", cancelled(*reasons), times=3)

    appended = log.append("news", b"x", key="k")

    assert appended.is_new
    assert offsets(log) == [1]
    tokens = [
        each["ClientRequestToken"]
        for each in client.requests
        if "TransactItems" in each
    ]
    assert len(set(tokens)) == 4


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "TransactionConflictException",
    ],
)
def test_what_passes_is_waited_for(
    client: FaultyDynamoDB,
    log: DynamoDBTopicLog,
    clock: Clock,
    key: str | None,
    code: str,
) -> None:
    client.fail(WRITES[key], refusal(code), times=3)
    client.fail("query", refusal(code))
    before = clock.time

    log.append("news", b"x", key=key)

    assert offsets(log) == [1]
    assert clock.time > before


def test_losing_without_end_is_an_error_in_the_end(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    make_log(client.client, clock).ensure_position("news")
    impatient = DynamoDBTopicLog(
        TABLE, client=client, now=clock, sleep=lambda _seconds: None
    )
    taken = refusal("ConditionalCheckFailedException", Item={"id": {"S": "other"}})
    client.fail("put_item", taken, times=1000)

    with pytest.raises(StoreError, match="other writers always came first") as caught:
        impatient.append("news", b"x" * 1025)  # too large to be carried by others

    assert caught.value.code == "ConditionalCheckFailedException"
    assert client.calls.count("put_item") == 100


@pytest.mark.parametrize("key", KEYS)
def test_what_does_not_pass_is_an_error_at_once(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, key: str | None
) -> None:
    client.fail(WRITES[key], refusal("AccessDeniedException"))

    with pytest.raises(StoreError, match="role does not allow") as caught:
        log.append("news", b"x", key=key)

    assert caught.value.code == "AccessDeniedException"
    assert ("dynamodb:ConditionCheckItem" in str(caught.value)) is bool(key)
    assert "dynamodb:PutItem" in str(caught.value)
    assert client.calls.count(WRITES[key]) == 1


def test_a_transaction_that_can_never_succeed_is_an_error_at_once(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    client.fail("transact_write_items", cancelled("None", "ValidationError"))

    with pytest.raises(StoreError) as caught:
        log.append("news", b"x", key="k")

    assert caught.value.code == "TransactionCanceledException"
    assert client.calls.count("transact_write_items") == 1


def test_an_endpoint_without_transactions_says_what_to_do(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    client.fail("transact_write_items", refusal("UnknownOperationException"))

    with pytest.raises(StoreError, match="needs TransactWriteItems for keys"):
        log.append("news", b"x", key="k")


def test_a_failure_while_reading_is_an_error(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    client.fail("query", refusal("ResourceNotFoundException"))

    with pytest.raises(StoreError, match="create-table log"):
        log.read("news")


def test_a_key_that_expires_while_it_is_looked_at_is_free(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    log = make_log(client, clock, history=History(ttl_seconds=60))
    log.append("news", b"1", key="k")
    clock.advance(59.999)
    client.has_old_items = False
    client.before("get_item", lambda: clock.advance(1))

    appended = log.append("news", b"2", key="k")

    assert appended.is_new
    assert appended.message.position.offset == 2


def test_a_key_deleted_while_it_is_looked_at_is_free(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    log.append("news", b"1", key="k")
    key = {"pk": {"S": "K#4#news#k"}, "sk": {"S": "#"}}
    client.has_old_items = False
    client.before(
        "get_item", lambda: client.client.delete_item(TableName=TABLE, Key=key)
    )

    assert log.append("news", b"2", key="k").is_new


def test_an_answer_that_boto3_could_not_read_is_waited_for(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    client.plan("query", [lambda **_request: {}])

    appended = log.append("news", b"x")

    assert appended.message.position.offset == 1


def test_the_first_waits_are_short(client: FaultyDynamoDB, clock: Clock) -> None:
    waits: list[float] = []
    log = DynamoDBTopicLog(TABLE, client=client, now=clock, sleep=waits.append)

    for _ in range(30):
        client.fail("put_item", refusal("ThrottlingException"))
        log.append("news", b"x")

    assert len(waits) == 30
    assert max(waits) <= 0.01
