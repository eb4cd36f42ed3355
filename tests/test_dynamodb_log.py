"""What the log in DynamoDB asks of DynamoDB, and how it bears DynamoDB's failures."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts.tables import CREDENTIALS, Clock
from tests.faulty_dynamodb import (
    FaultyDynamoDB,
    cancelled,
    lost_answer,
    refusal,
)
from wspubsub import History, Position, StoreError, UsageError
from wspubsub.dynamodb import DynamoDBTopicLog, create_table

TABLE = "log"
MARGIN = 3600
KEYS = [None, "k"]
WRITES = {None: "put_item", "k": "transact_write_items"}


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb", **CREDENTIALS)


@pytest.fixture
def client(moto: Any) -> Iterator[FaultyDynamoDB]:
    create_table(TABLE, client=moto)
    yield FaultyDynamoDB(moto)
    moto.delete_table(TableName=TABLE)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(client: FaultyDynamoDB, clock: Clock) -> DynamoDBTopicLog:
    return make_log(client, clock)


class Forgetful:
    """An endpoint where every topic is new; quick enough for a thousand of them."""

    def put_item(self, **_request: Any) -> dict[str, Any]:
        return {}

    def query(self, **_request: Any) -> dict[str, Any]:
        return {"Items": []}


def make_log(client: Any, clock: Clock, **options: Any) -> DynamoDBTopicLog:
    return DynamoDBTopicLog(
        TABLE, client=client, now=clock, sleep=clock.advance, **options
    )


def offsets(log: DynamoDBTopicLog) -> list[int]:
    return [message.position.offset for message in log.read("news").messages]


def all_items(client: FaultyDynamoDB) -> dict[tuple[str, str], dict[str, Any]]:
    items = client.client.scan(TableName=TABLE)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}


def delete(client: FaultyDynamoDB, topic: str, offset: int) -> None:
    key = {"pk": {"S": f"L#{topic}"}, "sk": {"S": f"{offset:016}"}}
    client.client.delete_item(TableName=TABLE, Key=key)


def test_the_table_holds_what_the_documentation_says(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    clock.time = 1000.25
    log = make_log(client, clock, history=History(ttl_seconds=60))

    message = log.append("né#s", b"\xff", key="k#1", exclude=["b=", "a="]).message

    expires_at = {"N": str(1061 + MARGIN)}
    common = {
        "epoch": {"S": message.position.epoch},
        "id": {"S": message.id},
        "published_at": {"N": "1000.25"},
        "expires_at": expires_at,
    }
    assert all_items(client) == {
        ("L#né#s", "0000000000000001"): {
            "pk": {"S": "L#né#s"},
            "sk": {"S": "0000000000000001"},
            "data": {"B": b"\xff"},
            "exclude": {"SS": ["a=", "b="]},
            **common,
        },
        ("K#4#né#s#k#1", "#"): {
            "pk": {"S": "K#4#né#s#k#1"},
            "sk": {"S": "#"},
            "offset": {"N": "1"},
            **common,
        },
    }


def test_an_append_costs_one_write_once_the_end_of_the_log_is_known(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    log.append("news", b"x" * 500)
    assert client.calls == ["query", "put_item"]
    client.calls.clear()
    client.units = 0

    log.append("news", b"x" * 500)
    log.append("news", b"x" * 500)

    assert client.calls == ["put_item", "put_item"]
    assert client.units == 2


def test_a_key_costs_one_transaction(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    log.append("news", b"1")
    client.calls.clear()

    log.append("news", b"2", key="k")
    log.append("news", b"3", key="k")

    assert client.calls == ["transact_write_items"] * 2
    assert offsets(log) == [1, 2]


def test_reading_takes_one_request_when_nothing_was_missed(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    first = log.append("news", b"1").message.position
    second = log.append("news", b"2").message.position
    client.calls.clear()

    assert log.read("news", second).recovered
    assert client.calls == ["query"]

    assert log.read("news", first).recovered
    assert client.calls == ["query"] * 3
    assert all(each["ConsistentRead"] for each in client.requests if "Limit" in each)


def test_writers_that_do_not_know_of_each_other_take_turns(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    other = make_log(client, clock)
    for writer in (log, other, other, log, log, other):
        writer.append("news", b"x")

    assert offsets(log) == [1, 2, 3, 4, 5, 6]


def test_who_comes_second_takes_the_next_offset(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    other = make_log(client.client, clock)
    client.before("put_item", lambda: other.append("news", b"first"))

    appended = log.append("news", b"second")

    assert appended.message.position.offset == 2
    assert [each.data for each in log.read("news").messages] == [b"first", b"second"]


def test_two_that_begin_a_log_agree_on_its_epoch(
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


def test_throttling_without_end_is_an_error_in_the_end(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    client.fail("put_item", refusal("ThrottlingException"), times=1000)
    before = clock.time

    with pytest.raises(StoreError, match="with a key") as caught:
        log.append("news", b"x")

    assert caught.value.code == "ThrottlingException"
    assert caught.value.operation == "PutItem"
    assert 9 < clock.time - before < 12


def test_losing_without_end_is_an_error_in_the_end(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    impatient = DynamoDBTopicLog(
        TABLE, client=client, now=clock, sleep=lambda _seconds: None
    )
    taken = refusal("ConditionalCheckFailedException", Item={"id": {"S": "other"}})
    client.fail("put_item", taken, times=1000)

    with pytest.raises(StoreError, match="others always wrote first") as caught:
        impatient.append("news", b"x")

    assert caught.value.code == "ConditionalCheckFailedException"
    assert client.calls.count("put_item") == 100


@pytest.mark.parametrize("key", KEYS)
def test_what_does_not_pass_is_an_error_at_once(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, key: str | None
) -> None:
    client.fail(WRITES[key], refusal("AccessDeniedException"))

    with pytest.raises(StoreError, match="role lacks") as caught:
        log.append("news", b"x", key=key)

    assert caught.value.code == "AccessDeniedException"
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

    with pytest.raises(StoreError, match="append without a key"):
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


def test_a_hole_is_not_skipped(client: FaultyDynamoDB, log: DynamoDBTopicLog) -> None:
    messages = [log.append("news", b"x").message for _ in range(5)]
    delete(client, "news", 3)

    assert log.read("news").messages == tuple(messages[3:])
    for message in messages[:2]:
        replay = log.read("news", message.position)
        assert not replay.recovered
        assert replay.messages == ()
        assert replay.position == messages[-1].position
    assert log.read("news", messages[2].position).messages == tuple(messages[3:])


def test_the_newest_message_deleted_while_reading_is_not_made_up(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    first = log.append("news", b"1").message
    second = log.append("news", b"2").message
    client.plan("query", [client.client.query])
    client.before("query", lambda: delete(client, "news", 2))

    replay = log.read("news")

    assert replay.messages == ()
    assert replay.position == second.position
    assert log.read("news").messages == (first,)


def test_an_epoch_is_not_used_again_when_its_newest_offset_may_be_deleted(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    history = History(ttl_seconds=60)
    old = [
        make_log(client, clock, history=history).append("news", b"x").message.position
        for _ in range(3)
    ]
    clock.advance(60 + MARGIN)
    delete(client, "news", 3)
    delete(client, "news", 1)

    new = make_log(client, clock, history=history).append("news", b"x").message.position

    assert new.offset == 3
    assert new.epoch != old[0].epoch
    log = make_log(client, clock, history=history)
    assert not any(log.read("news", position).recovered for position in old)


def test_a_thawed_environment_does_not_trust_what_it_knew(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    history = History(ttl_seconds=60)
    frozen = make_log(client, clock, history=history)
    other = make_log(client, clock, history=history)
    before = frozen.append("news", b"1").message.position
    other.append("news", b"2")
    clock.advance(60 + MARGIN)
    delete(client, "news", 2)

    after = frozen.append("news", b"3").message.position

    assert after == Position(after.epoch, 2)
    assert after.epoch != before.epoch


def test_a_thawed_environment_takes_no_offset_before_the_newest(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    history = History(ttl_seconds=60)
    frozen = make_log(client, clock, history=history)
    other = make_log(client, clock, history=history)
    frozen.append("news", b"1")
    other.append("news", b"2")
    clock.advance(60 + MARGIN)
    other.append("news", b"3")
    delete(client, "news", 2)

    assert frozen.append("news", b"4").message.position.offset == 4
    assert offsets(frozen) == [3, 4]


def test_of_two_appends_at_once_the_later_one_is_remembered(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    def write_and_be_overtaken(**request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.client.put_item(**request)
        log.append("news", b"2")
        return answer

    client.plan("put_item", [write_and_be_overtaken])
    log.append("news", b"1")
    client.calls.clear()

    log.append("news", b"3")

    assert client.calls == ["put_item"]
    assert offsets(log) == [1, 2, 3]


def test_a_write_frozen_between_two_tries_is_given_up(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    log = DynamoDBTopicLog(
        TABLE, client=client, now=clock, sleep=lambda _seconds: clock.advance(7200)
    )
    client.fail("put_item", lost_answer())

    with pytest.raises(StoreError, match="may have taken it nevertheless"):
        log.append("news", b"x")

    assert offsets(log) == []


def test_a_shorter_history_is_never_deleted_before_what_it_follows(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    # Or else the newest entry would be gone while an older one passes for the newest.
    patient = make_log(client, clock, history=History(ttl_seconds=10_000))
    hasty = make_log(client, clock, history=History(ttl_seconds=60))
    first = patient.append("news", b"1").message.position

    second = hasty.append("news", b"2").message.position

    assert second.epoch == first.epoch
    expiries = [int(item["expires_at"]["N"]) for item in all_items(client).values()]
    assert len(set(expiries)) == 1
    clock.advance(60)
    assert hasty.position("news") is None
    assert patient.position("news") == second


def test_a_longer_history_does_not_trust_what_may_be_deleted(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    hasty = make_log(client, clock, history=History(ttl_seconds=60))
    patient = make_log(client, clock, history=History(ttl_seconds=10_000))
    first = hasty.append("news", b"1").message.position

    clock.advance(61)

    assert patient.position("news") is None
    assert patient.append("news", b"2").message.position.epoch != first.epoch


def test_what_is_known_of_topics_does_not_pile_up(clock: Clock) -> None:
    client = FaultyDynamoDB(Forgetful())
    log = make_log(client, clock)
    for number in range(1001):
        log.append(f"topic {number}", b"")
    client.calls.clear()

    log.append("topic 1", b"")
    assert client.calls == ["put_item"]
    log.append("topic 0", b"")

    assert client.calls == ["put_item", "query", "put_item"]


def test_a_log_needs_a_table() -> None:
    with pytest.raises(UsageError, match="table"):
        DynamoDBTopicLog("")


def test_by_default_the_client_is_boto3_s_and_the_clock_the_system_s(
    client: FaultyDynamoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    log = DynamoDBTopicLog(TABLE)

    message = log.append("news", b"x").message

    assert ("L#news", "0000000000000001") in all_items(client)
    assert message.published_at > 1_700_000_000
