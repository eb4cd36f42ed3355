"""What Lambda does with a batch, as rules without I/O."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from wspubsub import UsageError
from wspubsub.gateway import Raised, Returned
from wspubsub.mappings.lineage import Lineage, Shard
from wspubsub.mappings.payloads import Record, batches
from wspubsub.mappings.settings import QueueSettings, StreamSettings
from wspubsub.mappings.shard_batches import (
    LONGEST_DELAY_SECONDS,
    RETRIES_USED_UP,
    TOO_OLD,
    ShardBatches,
    sequence_number,
)
from wspubsub.mappings.verdicts import MALFORMED, PARTLY_FAILED, BatchVerdict

NOW = 1_800_000_000.0
ITEMS = ["1", "2", "3"]


def record(number: int, *, age: float = 0.0) -> Record:
    change = {
        "SequenceNumber": str(number),
        "ApproximateCreationDateTime": NOW - age,
    }
    return {"dynamodb": change}


def numbers(records: tuple[Record, ...]) -> list[int]:
    return [int(sequence_number(each)) for each in records]


def failing(*items: int) -> BatchVerdict:
    return BatchVerdict(failed=frozenset(map(str, items)))


def shard_of(*records: Record, **settings: Any) -> ShardBatches:
    shard = ShardBatches(StreamSettings(**settings))
    shard.take(records)
    return shard


def next_numbers(shard: ShardBatches) -> list[int]:
    batch = shard.next_batch()
    return numbers(batch.records) if batch else []


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"batchItemFailures": []},
        {"batchItemFailures": None},
        {"statusCode": 200},
    ],
)
def test_an_empty_batch_response_is_a_success(value: object) -> None:
    verdict = BatchVerdict.of(Returned(value), ITEMS)

    assert verdict == BatchVerdict(failed=frozenset())


def test_the_items_that_are_listed_have_failed() -> None:
    failures = [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]

    verdict = BatchVerdict.of(Returned({"batchItemFailures": failures}), ITEMS)

    assert verdict == BatchVerdict(failed=frozenset({"2", "3"}), outcome=PARTLY_FAILED)


@pytest.mark.parametrize(
    "value",
    [
        "ok",
        [],
        {"batchItemFailures": "2"},
        {"batchItemFailures": ["2"]},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": 2}]},
        {"batchItemFailures": [{"identifier": "2"}]},
        {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "4"}]},
    ],
)
def test_a_malformed_batch_response_fails_all_of_the_batch(value: object) -> None:
    verdict = BatchVerdict.of(Returned(value), ITEMS)

    assert verdict.failed == set(ITEMS)
    assert verdict.outcome == MALFORMED
    assert verdict.error


def test_an_error_fails_all_of_the_batch() -> None:
    verdict = BatchVerdict.of(Raised("MyError", "no"), ITEMS)

    assert verdict == BatchVerdict(
        failed=frozenset(ITEMS), outcome="MyError", error="no"
    )


@given(
    st.lists(st.text(max_size=30)),
    st.integers(1, 4),
    st.integers(40, 200),
)
def test_batches_keep_all_records_in_order_and_within_bounds(
    texts: list[str], size: int, max_bytes: int
) -> None:
    records = [{"text": text} for text in texts]

    made = list(batches(records, size=size, max_bytes=max_bytes))

    assert [each for batch in made for each in batch] == records
    for batch in made:
        payload = json.dumps({"Records": list(batch)})
        assert len(batch) <= size
        assert len(payload) <= max_bytes or len(batch) == 1


def test_a_failing_batch_blocks_its_shard() -> None:
    shard = shard_of(record(1), record(2), record(3), batch_size=2)

    for _ in range(20):
        assert shard.finish(failing(1, 2)) is None

    assert next_numbers(shard) == [1, 2]
    assert shard.delay_seconds == LONGEST_DELAY_SECONDS


def test_lambda_starts_again_at_the_lowest_number_that_is_listed() -> None:
    shard = shard_of(*map(record, range(1, 6)))

    assert shard.finish(failing(5, 3)) is None

    assert next_numbers(shard) == [3, 4, 5]
    assert shard.finish(BatchVerdict(failed=frozenset())) is None
    assert shard.next_batch() is None
    assert shard.delay_seconds == 0


def test_a_batch_that_fails_is_split_in_two_on_request() -> None:
    shard = shard_of(*map(record, range(1, 6)), bisects=True)

    assert shard.finish(failing(*range(1, 6))) is None

    assert next_numbers(shard) == [1, 2]
    assert shard.finish(BatchVerdict(failed=frozenset())) is None
    assert next_numbers(shard) == [3, 4, 5]


def test_a_batch_whose_retries_are_used_up_is_given_up() -> None:
    shard = shard_of(*map(record, range(1, 5)), batch_size=2, max_retries=2)

    ends = [shard.finish(failing(1, 2)) for _ in range(3)]

    assert ends[:2] == [None, None]
    assert ends[2] is not None
    assert numbers(ends[2].records) == [1, 2]
    assert ends[2].reason == RETRIES_USED_UP
    assert next_numbers(shard) == [3, 4]
    assert shard.delay_seconds == 0


@pytest.mark.parametrize(("limit", "oldest"), [(-1, 86_400), (60, 60)])
def test_records_that_are_too_old_are_given_up(limit: int, oldest: int) -> None:
    shard = shard_of(
        *(record(n, age=oldest + 3 - n) for n in range(1, 6)),
        batch_size=2,
        max_record_age_seconds=limit,
    )

    discarded = shard.expire(now=NOW)

    assert discarded is not None
    assert numbers(discarded.records) == [1, 2]
    assert discarded.reason == TOO_OLD
    assert next_numbers(shard) == [3, 4]
    assert shard.expire(now=NOW) is None


class Run:
    """What becomes of a shard whose handler cannot handle some records."""

    def __init__(self, shard: ShardBatches, poison: set[int]) -> None:
        self.shard = shard
        self.poison = poison
        self.over: list[int] = []
        self.given_up: set[int] = set()
        self.invocations = 0

    def deliver(self, *, reports: bool) -> bool:
        """Deliver a batch, and return whether there was one."""
        batch = self.shard.next_batch()
        if batch is None:
            return False
        self.invocations += 1
        tried = numbers(batch.records)
        assert tried[0] == len(self.over) + 1
        bad = [number for number in tried if number in self.poison]
        failed = bad if reports else bad and tried
        discarded = self.shard.finish(failing(*failed))
        done = tried[: tried.index(failed[0])] if failed else tried
        if discarded is not None:
            done = numbers(discarded.records)
            self.given_up.update(done)
        self.over += done
        return True


@given(
    poison=st.sets(st.integers(1, 30)),
    count=st.integers(0, 30),
    settings=st.builds(
        StreamSettings,
        batch_size=st.integers(1, 10),
        max_retries=st.integers(0, 3),
        bisects=st.booleans(),
    ),
    reports=st.booleans(),
)
def test_no_record_is_lost_and_the_order_is_kept(
    *, poison: set[int], count: int, settings: StreamSettings, reports: bool
) -> None:
    shard = ShardBatches(settings)
    shard.take(map(record, range(1, count + 1)))
    run = Run(shard, poison)

    while run.deliver(reports=reports):
        pass

    assert run.over == list(range(1, count + 1))
    assert run.invocations <= count * (settings.max_retries + 3)
    assert poison & set(run.over) <= run.given_up
    if settings.bisects:
        assert run.given_up <= poison


def test_a_shard_is_read_when_its_parent_has_been() -> None:
    shards = [
        Shard(shard_id="b", parent_id="a"),
        Shard(shard_id="a", parent_id="long gone", is_closed=True),
        Shard(shard_id="c", parent_id="b"),
    ]
    lineage = Lineage()

    first, nothing = lineage.begin(shards), lineage.begin(shards)
    lineage.end(first[0])
    second = lineage.begin(shards)

    assert [each.shard_id for each in first] == ["a"]
    assert nothing == []
    assert [each.shard_id for each in second] == ["b"]


def test_the_description_of_a_shard_is_understood() -> None:
    description = {
        "ShardId": "b",
        "ParentShardId": "a",
        "SequenceNumberRange": {
            "StartingSequenceNumber": "1",
            "EndingSequenceNumber": "2",
        },
    }

    assert Shard.of(description) == Shard(shard_id="b", parent_id="a", is_closed=True)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"batch_size": 0}, "batch size of a stream must be from 1 to 10000, not 0"),
        ({"batch_size": 10_001}, "batch size"),
        ({"max_retries": -2}, "number of retries must be from -1"),
        ({"max_record_age_seconds": 59}, "maximum age .* from 60"),
    ],
)
def test_stream_settings_that_aws_refuses_are_refused(
    settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        StreamSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"name": "mine.fifo"}, "standard queues only"),
        ({"name": "mine!"}, "not a queue name"),
        ({"batch_size": 11}, "batch size of a queue must be from 1 to 10, not 11"),
        ({"visibility_timeout_seconds": 43_201}, "visibility timeout"),
        ({"max_receive_count": 0}, "maximum receive count"),
    ],
)
def test_queue_settings_that_aws_refuses_are_refused(
    settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        QueueSettings(**settings)


def test_a_function_may_not_run_longer_than_its_messages_are_hidden() -> None:
    settings = QueueSettings(visibility_timeout_seconds=10)

    settings.check_timeout(10)

    with pytest.raises(UsageError, match=r"timeout \(10.5 s\) must not exceed"):
        settings.check_timeout(10.5)
