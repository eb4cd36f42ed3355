"""What the log in DynamoDB asks of DynamoDB, and how it bears DynamoDB's failures."""

from hashlib import sha256
from typing import Any

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB
from tests.support.virtual_time import Clock
from wspubsub import History, Position, UsageError
from wspubsub.dynamodb import DynamoDBTopicLog

TABLE = "log"
MARGIN = 3600
SKEW = 900
MINUTE = History(ttl_seconds=60, position_ttl_seconds=60)
HOURS = History(ttl_seconds=10_000, position_ttl_seconds=10_000)


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
    history = History(ttl_seconds=60, position_ttl_seconds=120)
    log = make_log(client, clock, history=history)

    message = log.append(
        "né#s", b"\xff", key="k#1", exclude=["b=", "a="], info=b"ann"
    ).message

    common = {
        "epoch": {"S": message.position.epoch},
        "published_at": {"N": "1000.25"},
        "expires_at": {"N": str(1121 + MARGIN)},
    }
    before = all_items(client)
    assert before == {
        ("L#né#s", "0000000000000000"): {
            "pk": {"S": "L#né#s"},
            "sk": {"S": "0000000000000000"},
            "genesis": {"BOOL": True},
            **common,
        },
        ("L#né#s", "0000000000000001"): {
            "pk": {"S": "L#né#s"},
            "sk": {"S": "0000000000000001"},
            "id": {"S": message.id},
            "data": {"B": b"\xff"},
            "exclude": {"SS": ["a=", "b="]},
            "info": {"B": b"ann"},
            **common,
        },
        ("K#4#né#s#k#1", "#"): {
            "pk": {"S": "K#4#né#s#k#1"},
            "sk": {"S": "#"},
            "offset": {"N": "1"},
            "id": {"S": message.id},
            "digest": {"S": sha256(b"\xff").hexdigest()},
            **common,
            "expires_at": {"N": str(1061 + MARGIN)},
        },
    }

    log.mark_sent(message, "k#1")

    key = all_items(client)["K#4#né#s#k#1", "#"]
    assert key.pop("is_sent") == {"BOOL": True}
    assert key == before["K#4#né#s#k#1", "#"]


def test_an_append_costs_one_write_once_the_end_of_the_log_is_known(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    log.append("news", b"x" * 500)
    # The entry that begins the epoch comes first, once for each topic.
    assert client.calls == ["query", "put_item", "put_item"]
    assert client.units == 3
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
    log.append("news", b"2", key="k")

    assert client.calls == ["transact_write_items"] * 2
    assert offsets(log) == [1, 2]


def test_a_mark_costs_one_write_unit_for_the_longest_names(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    topic, key = "é" * 128, "ü" * 128
    message = log.append(topic, b"x" * 131_072, key=key).message
    client.calls.clear()
    client.units = 0

    log.mark_sent(message, key)

    assert client.calls == ["put_item"]
    assert client.units == 1
    key_item = all_items(client)[f"K#128#{topic}#{key}", "#"]
    assert sum(len(name) + len(str(value)) for name, value in key_item.items()) < 1024


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
    queries = [each for each in client.requests if "KeyConditionExpression" in each]
    assert all(each["ConsistentRead"] for each in queries)


def test_writers_that_do_not_know_of_each_other_take_turns(
    client: FaultyDynamoDB, log: DynamoDBTopicLog, clock: Clock
) -> None:
    other = make_log(client, clock)
    for writer in (log, other, other, log, log, other):
        writer.append("news", b"x")

    assert offsets(log) == [1, 2, 3, 4, 5, 6]


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
    history = MINUTE
    old = [
        make_log(client, clock, history=history).append("news", b"x").message.position
        for _ in range(3)
    ]
    clock.advance(60 + MARGIN)
    delete(client, "news", 3)
    delete(client, "news", 1)

    new = make_log(client, clock, history=history).append("news", b"x").message.position

    assert new.offset == 4
    assert new.epoch != old[0].epoch
    log = make_log(client, clock, history=history)
    assert not any(log.read("news", position).recovered for position in old)


def test_a_thawed_environment_does_not_trust_what_it_knew(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    history = MINUTE
    frozen = make_log(client, clock, history=history)
    other = make_log(client, clock, history=history)
    before = frozen.append("news", b"1").message.position
    other.append("news", b"2")
    clock.advance(60 + MARGIN)
    delete(client, "news", 2)

    after = frozen.append("news", b"3").message.position

    assert after == Position(after.epoch, 3)
    assert after.epoch != before.epoch


def test_a_thawed_environment_takes_no_offset_before_the_newest(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    history = MINUTE
    frozen = make_log(client, clock, history=history)
    other = make_log(client, clock, history=history)
    frozen.append("news", b"1")
    other.append("news", b"2")
    clock.advance(60 + MARGIN)
    other.append("news", b"3")
    delete(client, "news", 2)

    assert frozen.append("news", b"4").message.position.offset == 5
    assert offsets(frozen) == [4, 5]


def test_of_two_appends_at_once_the_later_one_is_remembered(
    client: FaultyDynamoDB, log: DynamoDBTopicLog
) -> None:
    def write_and_be_overtaken(**request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.client.put_item(**request)
        log.append("news", b"2")
        return answer

    log.ensure_position("news")
    client.plan("put_item", [write_and_be_overtaken])
    log.append("news", b"1")
    client.calls.clear()

    log.append("news", b"3")

    assert client.calls == ["put_item"]
    assert offsets(log) == [1, 2, 3]


def test_a_shorter_history_is_never_deleted_before_what_it_follows(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    # Or else the newest entry would be gone while an older one passes for the newest.
    patient = make_log(client, clock, history=HOURS)
    hasty = make_log(client, clock, history=MINUTE)
    first = patient.append("news", b"1").message.position

    second = hasty.append("news", b"2").message.position

    assert second.epoch == first.epoch
    expiries = [int(item["expires_at"]["N"]) for item in all_items(client).values()]
    assert len(set(expiries)) == 1
    clock.advance(60 + SKEW)
    assert hasty.position("news") is None
    assert patient.position("news") == second


def test_a_longer_history_does_not_trust_what_may_be_deleted(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    hasty = make_log(client, clock, history=MINUTE)
    patient = make_log(client, clock, history=HOURS)
    first = hasty.append("news", b"1").message.position

    clock.advance(61 + SKEW)

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

    assert client.calls == ["put_item", "query", "put_item", "put_item"]


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
