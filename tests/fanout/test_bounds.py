"""Sizes, counts and times at which fan-out does something else."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.support.queue_service import record
from tests.support.virtual_time import Clock, VirtualTime
from wspubsub import MemorySubscriptionStore, Position, Publisher, PublishReport
from wspubsub.connections import Outcome, PostOutcome
from wspubsub.errors import UsageError
from wspubsub.eventsources import QueueHandler
from wspubsub.eventsources.invocations import seconds_left
from wspubsub.eventsources.progress import ProgressMemory, RecordProgress
from wspubsub.eventsources.standing import select_subscribed
from wspubsub.fanout import QueueFanout
from wspubsub.fanout.queue import MAX_BATCH_BYTES, Queue, QueueError
from wspubsub.fanout.work import Work, read_work
from wspubsub.outgoing import Outgoing
from wspubsub.subscriptions.port import Segment
from wspubsub.testing import RecordingConnections

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/fanout"


class Sqs:
    """An SQS client that takes everything, or refuses everything."""

    def __init__(self, code: str | None = None) -> None:
        self.code = code
        self.requests: list[list[dict[str, Any]]] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request["Entries"])
        if self.code is None:
            return {}
        failed = [{"Id": each["Id"], "Code": self.code} for each in request["Entries"]]
        return {"Failed": failed}

    def bodies(self) -> list[str]:
        return [each["MessageBody"] for batch in self.requests for each in batch]


class Topic:
    """Subscribers of the topic "news", and a fan-out with the defaults."""

    def __init__(self, subscribers: int, **options: Any) -> None:
        self.clock = Clock()
        self.store = MemorySubscriptionStore(now=self.clock)
        self.connections = RecordingConnections()
        for number in range(subscribers):
            self.connections.connect(f"c{number}")
            self.store.subscribe(f"c{number}", "news")
        self.sqs = Sqs()
        self.fanout = QueueFanout(URL, client=self.sqs, **options)
        self.publisher = Publisher(self.store, self.connections, fanout=self.fanout)
        self.handler = QueueHandler(self.publisher, self.fanout)

    def script(self, outcomes: list[Outcome]) -> None:
        """Let posts to the first subscribers end so, after their handshakes."""
        self.clock.time += 60.0
        connections = Scripted(
            {f"c{number}": outcome for number, outcome in enumerate(outcomes)}
        )
        publisher = Publisher(self.store, connections, fanout=self.fanout)
        self.handler = QueueHandler(publisher, self.fanout)

    def works(self) -> list[Work]:
        return [read_work(body) for body in self.sqs.bodies()]


def test_a_report_says_of_itself_that_nothing_was_queued_or_repeated() -> None:
    report = PublishReport()

    assert report.queued is False
    assert report.repeated is False
    assert report.unread is False
    assert report.is_complete is True


@pytest.mark.parametrize(("subscribers", "is_queued"), [(2_000, False), (2_001, True)])
def test_a_topic_is_large_with_more_than_two_thousand_subscribers(
    subscribers: int,
    is_queued: bool,
) -> None:
    topic = Topic(subscribers)

    report = topic.publisher.publish("news", "hello")

    assert report.queued is is_queued
    assert report.delivered == (0 if is_queued else subscribers)
    assert len(topic.sqs.bodies()) == is_queued


@pytest.mark.parametrize(("subscribers", "is_queued"), [(0, False), (1, True)])
def test_with_a_threshold_of_zero_every_topic_with_subscribers_is_large(
    subscribers: int,
    is_queued: bool,
) -> None:
    topic = Topic(subscribers, inline_threshold=0)

    assert topic.publisher.publish("news", "hello").queued is is_queued


@pytest.mark.parametrize(("subscribers", "segments"), [(5_000, 1), (5_001, 2)])
def test_a_segment_has_five_thousand_subscribers_at_most(
    subscribers: int, segments: int
) -> None:
    topic = Topic(subscribers)
    topic.publisher.publish("news", "hello")
    [split] = topic.sqs.bodies()
    topic.sqs.requests.clear()

    topic.handler({"Records": [record(split)]})

    assert [work.segment is not None for work in topic.works()] == [True] * segments
    assert {work.hops for work in topic.works()} == {2}


def test_a_segment_may_have_a_single_subscriber() -> None:
    topic = Topic(12, inline_threshold=0, segment_size=1)
    topic.publisher.publish("news", "hello")
    [split] = topic.sqs.bodies()
    topic.sqs.requests.clear()

    topic.handler({"Records": [record(split)]})

    assert len(topic.works()) == 12
    assert [len(batch) for batch in topic.sqs.requests] == [10, 2]


@pytest.mark.parametrize(
    "options", [{"inline_threshold": -1}, {"segment_size": 0}, {"segment_size": -1}]
)
def test_what_is_out_of_range_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="or more"):
        QueueFanout(URL, **options)


@pytest.mark.parametrize(("left", "sizes"), [(1_000, [1_000]), (1_001, [1_000, 1])])
def test_a_queue_message_names_a_thousand_connections_at_most(
    left: int, sizes: list[int]
) -> None:
    topic = Topic(0)
    work = Work(message=Outgoing(topic="news", data=b"x"))

    topic.fanout.send_again(work, map(str, range(left)), delay_seconds=7)

    assert [len(each.connections) for each in topic.works()] == sizes
    assert {each["DelaySeconds"] for each in topic.sqs.requests[0]} == {7}


class Scripted(RecordingConnections):
    """Connections whose posts end as their test says."""

    def __init__(self, outcomes: dict[str, Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        **options: Any,
    ) -> Iterator[PostOutcome]:
        for connection_id in connection_ids:
            yield PostOutcome(connection_id, self.outcomes[connection_id])


DELIVERED, DEFERRED, THROTTLED, GONE = (
    Outcome.DELIVERED,
    Outcome.DEFERRED,
    Outcome.THROTTLED,
    Outcome.GONE,
)


@pytest.mark.parametrize(
    ("outcomes", "attempt", "left", "next_attempt", "delay"),
    [
        # There was no time for some, but for others: on with them at once.
        ([DELIVERED, DEFERRED], 3, ["c1"], 3, 0),
        ([GONE, DEFERRED], 3, ["c1"], 3, 0),
        # Somebody was tried in vain: a little later.
        ([DELIVERED, THROTTLED], 0, ["c1"], 0, 1),
        ([DELIVERED, DEFERRED, THROTTLED], 2, ["c1", "c2"], 2, 4),
        # All were: later and later.
        ([THROTTLED, DEFERRED], 0, ["c0", "c1"], 1, 2),
        ([THROTTLED, THROTTLED], 4, ["c0", "c1"], 5, 32),
        ([DEFERRED, DEFERRED], 0, ["c0", "c1"], 1, 2),
    ],
)
def test_how_long_those_who_are_left_over_are_left_alone(
    outcomes: list[Outcome],
    attempt: int,
    left: list[str],
    next_attempt: int,
    delay: int,
) -> None:
    topic = Topic(3)
    topic.script(outcomes)
    ids = tuple(f"c{number}" for number in range(len(outcomes)))
    work = Work(
        message=Outgoing(topic="news", data=b"x"), connections=ids, attempt=attempt
    )

    answer = topic.handler({"Records": [record(work.body())]})

    assert answer == {"batchItemFailures": []}
    [again] = topic.works()
    assert list(again.connections) == left
    assert (again.attempt, again.hops) == (next_attempt, 2)
    assert topic.sqs.requests[0][0]["DelaySeconds"] == delay


@pytest.mark.parametrize(
    ("outcome", "attempt", "hops", "is_failed"),
    [
        (THROTTLED, 4, 1, False),
        (THROTTLED, 5, 1, True),
        (THROTTLED, 0, 13, False),
        (THROTTLED, 0, 14, True),
        (DELIVERED, 5, 14, False),
    ],
)
def test_when_those_who_are_left_over_are_given_to_the_redrive_policy(
    outcome: Outcome,
    attempt: int,
    hops: int,
    is_failed: bool,
) -> None:
    topic = Topic(1)
    topic.script([outcome])
    message = Outgoing(topic="news", data=b"x")
    work = Work(message=message, connections=("c0",), attempt=attempt, hops=hops)

    answer = topic.handler({"Records": [record(work.body())]})

    assert bool(answer["batchItemFailures"]) == is_failed
    assert len(topic.works()) == (outcome is THROTTLED and not is_failed)


@pytest.mark.parametrize(
    ("left", "hops", "messages"),
    [(100, 13, 100), (101, 13, 1), (100, 12, 1), (2, 13, 2)],
)
def test_at_the_end_of_a_chain_each_of_a_few_has_a_message_of_its_own(
    left: int, hops: int, messages: int
) -> None:
    topic = Topic(left + 1)
    topic.script([DELIVERED, *[THROTTLED] * left])
    ids = tuple(f"c{number}" for number in range(left + 1))
    message = Outgoing(topic="news", data=b"x")
    work = Work(message=message, connections=ids, hops=hops)

    topic.handler({"Records": [record(work.body())]})

    assert len(topic.works()) == messages


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([1] * 10, [10]),
        ([1] * 11, [10, 1]),
        ([MAX_BATCH_BYTES], [1]),
        ([MAX_BATCH_BYTES - 1, 1], [2]),
        ([MAX_BATCH_BYTES - 1, 2], [1, 1]),
        ([2, MAX_BATCH_BYTES - 1, 2], [1, 1, 1]),
        ([2, MAX_BATCH_BYTES - 1, 1], [1, 2]),
        ([1, MAX_BATCH_BYTES], [1, 1]),
        ([MAX_BATCH_BYTES // 2] * 3, [2, 1]),
        ([], []),
    ],
)
def test_a_request_has_ten_messages_and_a_mebibyte_at_most(
    sizes: list[int], batches: list[int]
) -> None:
    sqs = Sqs()

    Queue(URL, client=sqs).send("x" * size for size in sizes)

    assert [len(each) for each in sqs.requests] == batches


@pytest.mark.parametrize("seconds", [10.0, 0.0], ids=["young", "no time"])
def test_what_the_queue_has_taken_is_left_over_no_more(seconds: float) -> None:
    store = MemorySubscriptionStore()
    store.subscribe("a=", "news")
    sqs = Sqs()
    fanout = QueueFanout(URL, client=sqs)
    publisher = Publisher(store, RecordingConnections(), fanout=fanout)

    report = publisher.publish("news", "hello", timeout_seconds=seconds)

    assert report == PublishReport(queued=True)
    assert [json.loads(body)["connections"] for body in sqs.bodies()] == [["a="]]


def test_a_message_of_more_than_a_mebibyte_is_refused() -> None:
    sqs = Sqs()

    with pytest.raises(QueueError, match="exclude fewer"):
        Queue(URL, client=sqs).send(["x" * (MAX_BATCH_BYTES + 1)])

    assert sqs.requests == []


@pytest.mark.parametrize(
    ("asked", "sent"), [(0, 0), (899, 899), (900, 900), (901, 900)]
)
def test_a_message_is_delayed_for_fifteen_minutes_at_most(
    asked: int, sent: int
) -> None:
    sqs = Sqs()

    Queue(URL, client=sqs).send(["x"], delay_seconds=asked)

    assert sqs.requests[0][0]["DelaySeconds"] == sent


def test_a_message_is_sent_five_times_at_most() -> None:
    sqs, waits = Sqs(code="InternalError"), list[float]()

    with pytest.raises(QueueError, match="InternalError") as caught:
        Queue(URL, client=sqs, sleep=waits.append).send(["x"])

    assert caught.value.code == "InternalError"
    assert len(sqs.requests) == 5
    assert len(waits) == 4


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [(0, 0), (1_999, 0), (2_000, 0), (2_500, 0.5)]
)
def test_two_seconds_are_kept_back(milliseconds: int, seconds: float) -> None:
    class Context:
        """A Lambda context."""

        def get_remaining_time_in_millis(self) -> int:
            return milliseconds

    assert seconds_left(Context()) == seconds


@pytest.mark.parametrize("context", [None, object()])
def test_without_a_context_there_is_no_end(context: object) -> None:
    assert seconds_left(context) == math.inf


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "text"),
        (b"hello", "text"),
        (b'{"a":1}', "text"),
        (b"\x00" * 9, "base64"),
        ("ü".encode(), "base64"),
        (b"\xff", "base64"),
        (b'"' * 3, "text"),
        (b'"' * 4, "base64"),
    ],
)
def test_data_stands_in_a_queue_message_as_what_is_shorter(
    data: bytes, field: str
) -> None:
    work = Work(message=Outgoing(topic="news", data=data, exclude=frozenset({"a"})))

    body = work.body()

    assert field in json.loads(body)
    assert read_work(body) == work


@pytest.mark.parametrize(
    "target",
    [
        {"split": (Segment(0), Segment(7, "a", "b"))},
        {"segment": Segment(1, None, "b"), "hops": 2},
        {"connections": ("a", "b"), "attempt": 3, "hops": 9},
    ],
)
def test_work_is_read_as_it_was_written(target: dict[str, Any]) -> None:
    position = Position("8d7f3a12c0b94e65", 5)
    logged = Outgoing(topic="ü", data=b"x", position=position)
    work = Work(message=Outgoing(topic="ü", data=b"x"), **target)

    assert read_work(work.body()) == work
    assert read_work(Work(message=logged, **target).body()).message == logged
    onward = work.continue_with(**work.target())
    assert onward == work.__replace__(hops=work.hops + 1)


def test_work_that_says_nothing_of_its_chain_is_the_first_of_it() -> None:
    work = read_work('{"wspubsub":1,"topic":"t","text":"x","connections":["a"]}')

    assert (work.hops, work.attempt) == (1, 0)


def test_only_so_many_records_are_remembered() -> None:
    memory = ProgressMemory()
    known = [memory.of(str(number)) for number in range(10_000)]

    assert memory.of("0") is known[0]  # and it is the latest again
    memory.of("one more")
    assert [memory.of(each) for each in ("0", "2", "9999")] == [
        known[0],
        known[2],
        known[9999],
    ]
    assert memory.of("1") is not known[1]
    memory.forget("2")
    memory.forget("2")
    assert memory.of("2") is not known[2]


@pytest.mark.parametrize(("seconds", "is_known"), [(899.9, True), (900.0, False)])
def test_records_are_remembered_for_fifteen_minutes(
    seconds: float,
    is_known: bool,
) -> None:
    time = VirtualTime()
    memory = ProgressMemory(time.clock)
    first, second = memory.of("1"), memory.of("2")

    time.passed += 500.0
    memory.of("2")
    time.passed += seconds - 500.0

    assert (memory.of("1") is first) == is_known
    assert memory.of("2") is second


def test_progress_is_new_until_it_is_settled() -> None:
    progress = RecordProgress()

    assert (progress.is_tried, progress.others_reached) == (False, False)
    assert (progress.left, progress.reached) == (set(), set())


def test_whoever_is_still_subscribed_is_subscribed_to_that_topic() -> None:
    store = MemorySubscriptionStore()
    store.subscribe("a", "news")
    store.subscribe("b", "sports")

    assert select_subscribed(store, "news", ("a", "b", "c")) == {"a"}
    assert select_subscribed(store, "news", ()) == set()
