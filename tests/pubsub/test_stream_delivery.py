"""What the table's stream brings, through the real `StreamHandler`, to members."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.pubsub.broadcasts import HELLO, TOPIC, Service, unsubscribed
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import VirtualTime
from wspubsub import Connection, Publisher, StoreError
from wspubsub.connections import Outcome
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.errors import StoreTimeoutError
from wspubsub.eventsources import StreamHandler
from wspubsub.eventsources.joining import GIVE_UP_SECONDS
from wspubsub.fanout import StreamFanout
from wspubsub.pubsub.frames import ClientInfo, EncodedJson

OTHER = "room:2"


class Stream(Service):
    """A broadcaster whose messages a stream carries."""

    def __init__(self, **options: Any) -> None:
        time = VirtualTime()
        self.table = SmallTable(time.now)
        client: Any = self.table
        super().__init__(
            time=time,
            topic_log=DynamoDBTopicLog("chat", client=client, now=time.now),
            by_stream=True,
            **options,
        )
        self.seen = 0
        self.handler = self.new_environment()

    def new_environment(self, **options: Any) -> StreamHandler:
        return StreamHandler(
            self.broadcaster.publisher,
            joiner=self.broadcaster.joiner,
            now=self.time.now,
            clock=self.time.clock,
            sleep=self.time.sleep,
            **options,
        )

    def say(self, *numbers: int, topic: str = TOPIC, **options: Any) -> None:
        for number in numbers:
            self.broadcaster.publish(
                topic, EncodedJson(f"{number}"), logged=True, **options
            )

    def records(self) -> list[Any]:
        """Return the records that the stream has not brought yet."""
        found = self.table.records[self.seen :]
        self.seen = len(self.table.records)
        return list(found)

    def handle(
        self, records: Iterable[Any] | None = None, *, seconds: float = 29.0
    ) -> list[Any]:
        """Return the records that Lambda delivers again."""
        records = self.records() if records is None else list(records)
        context = self.time.context(seconds)
        answer = self.handler({"Records": records}, context)
        failures = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
        return records[numbers.index(failures[0]) :] if failures else []

    def said(self, connection_id: str, topic: str = TOPIC) -> list[int]:
        """Return what a connection got of a topic, in order."""
        return [
            push["pub"]["data"]
            for push in self.pushes(connection_id)
            if "pub" in push and push["channel"] == topic
        ]


@pytest.fixture
def stream() -> Stream:
    return Stream()


# What travels together.


def test_20_records_to_500_subscribers_are_500_posts(stream: Stream) -> None:
    members = [f"{number}=" for number in range(500)]
    stream.join(*members)
    stream.say(*range(20))

    assert stream.handle() == []

    assert Counter(id_ for id_, _ in stream.connections.posted) == Counter(members)
    assert all(stream.said(each) == list(range(20)) for each in members)
    assert all(stream.offsets(each) == list(range(1, 21)) for each in members)
    assert stream.members.reads == [True]


def test_a_topic_does_not_wait_for_another(stream: Stream) -> None:
    stream.join("a=")
    stream.join("a=", topic=OTHER)
    stream.say(1)
    stream.say(2, topic=OTHER)
    stream.say(3)
    stream.say(4, topic=OTHER)

    stream.handle()

    # In the order of the first record of each.
    assert [
        [json.loads(line)["push"]["pub"]["data"] for line in message.split(b"\n")]
        for message in stream.connections.messages("a=")
    ] == [[1, 3], [2, 4]]


def test_joined_messages_stay_below_what_is_metered_once(stream: Stream) -> None:
    stream.join("a=")
    for number in range(10):
        stream.publish(EncodedJson(json.dumps(f"{number}" * 10_000)))
    stream.publish(EncodedJson(json.dumps("x" * 100_000)))
    stream.say(1)

    stream.handle()

    sizes = [len(message) for message in stream.connections.messages("a=")]
    assert len(sizes) == 6
    assert all(size <= 32_768 for size in sizes[:4])
    assert stream.offsets("a=") == list(range(1, 13))


def test_exactly_32_kb_are_one_message(stream: Stream) -> None:
    stream.join("a=")
    stream.say(1)
    stream.handle()
    [alone] = stream.connections.messages("a=")
    # A text has two quotation marks, and a number one digit.
    room = 32_768 - 2 * len(alone) - len("\n") - 1
    for length in (room, room + 1):
        stream.say(1)
        stream.publish(EncodedJson(json.dumps("x" * length)))

    stream.handle()

    sizes = [len(message) for message in stream.connections.messages("a=")[1:]]
    assert sizes == [32_768, len(alone), len(alone) + 1 + room + 1]


def test_the_order_of_a_topic_is_kept_where_others_are_excluded(
    stream: Stream,
) -> None:
    stream.join("a=", "b=")
    stream.say(1, exclude={"a="})
    stream.say(2)
    stream.say(3, exclude={"a="})
    stream.say(4, 5, exclude={"b="})

    stream.handle()

    assert stream.said("a=") == [2, 4, 5]
    assert stream.said("b=") == [1, 2, 3]
    assert len(stream.connections.messages("a=")) == 2


def test_a_users_own_messages_are_never_joined(stream: Stream) -> None:
    client: Any = stream.table
    publisher = Publisher(
        stream.members,
        stream.connections,
        log=DynamoDBTopicLog("chat", client=client, now=stream.time.now),
        fanout=StreamFanout(),
        clock=stream.time.clock,
    )
    stream.join("a=", topic="plain")
    for text in ("one", "two"):
        publisher.publish("plain", text)

    StreamHandler(publisher)({"Records": stream.records()})

    assert stream.connections.messages("a=") == [b"one", b"two"]


def test_what_is_not_this_applications_is_left_alone() -> None:
    stream = Stream(owns=lambda topic: topic == TOPIC)
    stream.join("a=")
    stream.join("a=", topic=OTHER)
    stream.say(1, topic=OTHER)
    stream.say(2)

    assert stream.handle() == []

    assert (stream.said("a=", OTHER), stream.said("a=")) == ([], [2])


def test_without_a_joiner_nothing_is_delivered_twice(stream: Stream) -> None:
    stream.join("a=")
    stream.say(1)
    records = stream.records()

    # A publisher without a stream has posted its messages itself.
    answer = StreamHandler(stream.broadcaster.publisher)({"Records": records})

    assert answer == {"batchItemFailures": []}
    assert stream.connections.posted == []


def test_new_connections_are_greeted_in_between(stream: Stream) -> None:
    greeted: list[str] = []
    stream.handler = stream.new_environment(
        on_ready=lambda connection: greeted.append(connection.id)
    )
    stream.join("a=")
    stream.say(1)
    client: Any = stream.table
    DynamoDBSubscriptionStore("chat", client=client, now=stream.time.now).connect(
        Connection(id="a=", connected_at=stream.time.now())
    )
    stream.say(2)

    assert stream.handle() == []

    assert greeted == ["a="]
    assert [len(m.split(b"\n")) for m in stream.connections.messages("a=")] == [2]


# One that fails.


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.THROTTLED])
def test_one_that_fails_is_marked_and_the_record_is_done(
    stream: Stream, outcome: Outcome
) -> None:
    stream.join("a=", "deaf=")
    stream.say(1)
    stream.handle()
    stream.connections.deaf["deaf="] = outcome
    stream.say(2, 3)

    assert stream.handle() == []

    # The first of what was posted together.
    assert stream.lost() == {"deaf=": 2}
    assert stream.pushes("deaf=")[1:] == [unsubscribed()]
    assert stream.said("a=") == [1, 2, 3]


def test_it_gets_nothing_more_until_it_has_subscribed_again(stream: Stream) -> None:
    stream.join("a=", "deaf=")
    stream.connections.deaf["deaf="] = Outcome.FAILED
    stream.say(1)
    stream.handle()
    stream.connections.deaf.clear()
    stream.say(2)

    stream.handle()

    assert stream.said("deaf=") == []
    assert stream.pushes("deaf=") == [unsubscribed(), unsubscribed()]


def test_within_a_batch_it_is_marked_before_the_next_is_posted(
    stream: Stream,
) -> None:
    stream.join("a=", "deaf=")
    stream.connections.deaf["deaf="] = Outcome.FAILED
    stream.say(1, exclude={"a="})
    stream.say(2)

    stream.handle()

    assert stream.lost() == {"deaf=": 1}
    assert stream.said("a=") == [2]
    # Posted once, then asked twice.
    assert sum("deaf=" in run for run in stream.connections.runs) == 3


def test_a_slow_reader_holds_up_nobody_for_long(stream: Stream) -> None:
    stream.join("a=", "slow=")
    stream.connections.throttle("slow=", times=None)
    stream.say(1)
    stream.handle()
    first = stream.time.passed
    stream.say(2)
    stream.handle()

    assert first <= 0.5
    assert stream.time.passed - first <= 0.3
    assert stream.said("a=") == [1, 2]
    assert stream.lost() == {"slow=": 1}


def test_a_mark_that_cannot_be_written_is_not_done(stream: Stream) -> None:
    stream.join("a=", "deaf=")
    stream.connections.deaf["deaf="] = Outcome.FAILED
    stream.members.failing_marks = {"deaf="}
    stream.say(1)

    again = stream.handle()
    assert len(again) == 1
    stream.members.failing_marks = set()

    assert stream.handle(again) == []
    assert stream.lost() == {"deaf=": 1}
    # Who has it does not get it again.
    assert stream.said("a=") == [1]


def test_a_mark_that_cannot_be_lowered_is_not_done(stream: Stream) -> None:
    stream.join("late=")
    stream.members.mark_lost(TOPIC, "late=", 9)
    stream.members.failing_marks = {"late="}
    stream.say(1)

    assert len(stream.handle()) == 1


# Many that fail.


def test_many_that_fail_are_tried_again_for_a_while(stream: Stream) -> None:
    members = [f"{number}=" for number in range(10)]
    stream.join(*members)
    stream.connections.deaf = dict.fromkeys(members[:5], Outcome.THROTTLED)
    stream.say(1)

    again = stream.handle()

    assert len(again) == 1
    assert stream.lost() == {}
    stream.connections.deaf.clear()
    assert stream.handle(again) == []
    assert all(stream.said(each) == [1] for each in members)


def test_then_they_are_given_up_for_all_that_waits_behind(stream: Stream) -> None:
    members = [f"{number}=" for number in range(10)]
    stream.join(*members)
    stream.connections.deaf = dict.fromkeys(members, Outcome.FAILED)
    stream.say(1)
    again = stream.handle()
    stream.time.passed += GIVE_UP_SECONDS + 1

    assert stream.handle(again) == []

    assert stream.lost() == dict.fromkeys(members, 1)


def test_others_that_were_reached_tell_that_it_is_their_own_trouble(
    stream: Stream,
) -> None:
    stream.join(*(f"{number}=" for number in range(20)))
    stream.join("deaf=", "mute=", topic=OTHER)
    stream.connections.deaf = dict.fromkeys(("deaf=", "mute="), Outcome.THROTTLED)
    stream.say(1)
    stream.say(2, topic=OTHER)

    assert stream.handle() == []

    assert stream.lost(OTHER) == {"deaf=": 1, "mute=": 1}


# What is not done.


def test_the_lowest_record_that_is_not_done_comes_again(stream: Stream) -> None:
    stream.join("a=")
    stream.join("b=", topic=OTHER)
    stream.say(1)
    stream.say(2, topic=OTHER)
    stream.say(3)
    stream.say(4, topic=OTHER)
    stream.say(5, topic="room:3")
    stream.join("c=", topic="room:3")
    stream.connections.fail("b=", status=403)
    records = stream.records()

    again = stream.handle(records)

    # Two records begin an epoch each, and the first message is done.
    assert again == records[3:]
    assert stream.said("a=") == [1, 3]
    assert stream.said("c=", "room:3") == []
    assert stream.handle(again) == []
    assert stream.said("a=") == [1, 3]
    assert stream.said("b=", OTHER) == [2, 4]
    assert stream.said("c=", "room:3") == [5]


def test_another_environment_delivers_once_more_and_in_order(stream: Stream) -> None:
    stream.join("a=")
    stream.join("b=", topic=OTHER)
    stream.say(1)
    stream.say(2, topic=OTHER)
    stream.say(3)
    stream.connections.fail("b=", status=403)
    again = stream.handle()
    stream.handler = stream.new_environment()

    assert stream.handle(again) == []

    assert stream.said("a=") == [1, 3, 3]
    assert stream.said("b=", OTHER) == [2]


def test_what_comes_again_with_more_behind_it_is_told_apart(stream: Stream) -> None:
    stream.join("a=", "deaf=")
    stream.connections.deaf["deaf="] = Outcome.FAILED
    stream.members.failing_marks = {"deaf="}
    stream.say(1, 2)
    again = stream.handle()
    stream.members.failing_marks = set()
    stream.connections.deaf.clear()
    stream.say(3)

    assert stream.handle([*again, *stream.records()]) == []

    assert stream.said("a=") == [1, 2, 3]
    assert stream.said("deaf=") == [1, 2, 3]


def test_what_comes_again_in_part_is_told_apart_as_well(stream: Stream) -> None:
    stream.join("a=", "deaf=")
    stream.connections.deaf["deaf="] = Outcome.FAILED
    stream.members.failing_marks = {"deaf="}
    stream.say(1, 2)
    again = stream.handle()
    stream.members.failing_marks = set()
    stream.connections.deaf.clear()

    # Lambda may split a batch in two.
    assert stream.handle(again[:-1]) == []
    assert stream.handle(again[-1:]) == []

    assert stream.said("a=") == stream.said("deaf=") == [1, 2]


def test_without_time_nothing_is_begun(stream: Stream) -> None:
    stream.join("a=")
    stream.say(1)

    again = stream.handle(seconds=1.0)

    assert len(again) == 1
    assert stream.connections.posted == []


def test_members_that_the_time_left_untried_come_again(stream: Stream) -> None:
    stream.join("a=", "late=")
    stream.connections.deaf["late="] = Outcome.DEFERRED
    stream.say(1)

    assert len(stream.handle()) == 1
    assert stream.lost() == {}


@pytest.mark.parametrize(
    "error",
    [
        StoreTimeoutError("Query", 5.0),
        StoreError("throttled", operation="Query", code="ThrottlingException"),
        RuntimeError("a mistake"),
    ],
)
def test_members_that_cannot_be_read_come_again(
    stream: Stream, error: Exception
) -> None:
    stream.join("a=", "b=")
    stream.members.fails_after, stream.members.error = 1, error
    stream.say(1)

    again = stream.handle()
    stream.members.fails_after = None

    assert len(again) == 1
    assert stream.handle(again) == []
    assert stream.said("a=") == stream.said("b=") == [1]


def test_a_lost_answer_is_no_reason_to_wait(stream: Stream) -> None:
    stream.join("a=", "b=")
    stream.connections.silence("a=")
    stream.say(1)

    assert stream.handle() == []

    # It got through, or it is marked: nothing is left open.
    assert stream.said("a=") == [1] or stream.lost() == {"a=": 1}


# Who leaves.


def test_the_gone_are_done_and_the_others_told() -> None:
    stream = Stream(announces=True)
    stream.join("a=", "b=", has_presence=True)
    stream.grow_old()
    stream.connections.disconnect("b=")
    stream.connections.deaf["a="] = Outcome.DEFERRED
    stream.say(1)

    again = stream.handle()
    stream.connections.deaf.clear()

    # Though the message comes again: who is gone is found only once.
    assert [push["leave"]["info"]["client"] for push in stream.pushes("a=")] == ["b="]
    assert stream.handle(again) == []
    assert stream.said("a=") == [1]


def test_a_younger_connection_that_is_gone_is_done_too(stream: Stream) -> None:
    stream.join("a=")
    stream.connections.disconnect("a=")
    stream.say(1)

    assert stream.handle() == []
    assert stream.lost() == {}


def test_a_publication_says_who_published_it(stream: Stream) -> None:
    stream.join("a=")
    stream.publish(HELLO, info=ClientInfo("anna", "c="))

    stream.handle()

    [push] = stream.pushes("a=")
    assert push["pub"]["info"] == {"user": "anna", "client": "c="}


def test_a_function_without_a_limit_takes_its_default_time(stream: Stream) -> None:
    stream.join("a=")
    stream.say(1)

    assert stream.handler({"Records": stream.records()}) == {"batchItemFailures": []}
    assert stream.time.passed < math.inf
    assert stream.said("a=") == [1]
