"""Fan-out through a queue: nothing is lost, and nothing comes twice on our account."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from tests.support.queue_service import Service, record
from tests.support.servers.queues import QueueInMoto, queue_in_moto
from wspubsub import (
    CredentialsError,
    EventError,
    MemorySubscriptionStore,
    Publisher,
    PublishError,
    UsageError,
)
from wspubsub.eventsources import QueueHandler
from wspubsub.fanout import QueueFanout
from wspubsub.fanout.queue import MAX_BATCH_BYTES, QueueError
from wspubsub.testing import RecordingConnections


@pytest.fixture
def queue() -> Iterator[QueueInMoto]:
    with queue_in_moto() as running:
        yield running


def test_a_small_topic_is_served_at_once(queue: QueueInMoto) -> None:
    service = Service(queue, 10)

    report = service.publisher.publish("news", "hello")

    assert report.delivered == 10
    assert not report.queued
    assert queue.bodies() == []


def test_a_large_topic_costs_the_publisher_one_queue_message(
    queue: QueueInMoto,
) -> None:
    service = Service(queue, 11)

    report = service.publisher.publish("news", "hello")

    assert report.queued
    assert service.connections.posted == []
    assert queue.sender.requests == len(queue.bodies()) == 1


@pytest.mark.parametrize("subscribers", [11, 14, 100, 333])
def test_the_queues_function_reaches_everybody_once(
    queue: QueueInMoto, subscribers: int
) -> None:
    service = Service(queue, subscribers)

    service.publisher.publish("news", {"text": "Grüße"}, exclude={"c0003="})
    queue.work_off(service.handler)

    everybody = Counter(service.ids)
    del everybody["c0003="]
    assert service.delivered() == everybody
    assert service.connections.messages("c0001=") == ['{"text":"Grüße"}'.encode()]
    assert queue.dead == []


def test_segments_are_sent_in_few_requests(queue: QueueInMoto) -> None:
    service = Service(queue, 700)

    service.publisher.publish("news", "hello")
    [split] = queue.bodies()
    queue.sender.requests = 0
    service.fanout.queue.send((split,))
    queue.work_off(service.handler)

    assert queue.sender.requests == 1 + 700 / 7 / 10


def test_who_is_gone_is_pruned(queue: QueueInMoto) -> None:
    service = Service(queue, 30)
    for connection_id in service.ids[:5]:
        service.connections.disconnect(connection_id)
    service.clock.advance(60)

    service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    assert sorted(service.store.subscribers("news")) == service.ids[5:]
    assert service.delivered() == Counter(service.ids[5:])


def test_who_was_throttled_gets_it_later_and_nobody_twice(queue: QueueInMoto) -> None:
    service = Service(queue, 30)
    for connection_id in service.ids[::3]:
        service.connections.throttle(connection_id, times=8)

    service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert max(queue.sender.delays) >= 1
    assert queue.dead == []


def test_what_a_small_topic_left_over_goes_to_the_queue(queue: QueueInMoto) -> None:
    service = Service(queue, 8)
    service.connections.fail("c0001=", status=500, times=8)

    report = service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    assert report.delivered == 7
    assert report.queued
    assert report.is_complete
    assert service.delivered() == Counter(service.ids)


def test_who_can_never_be_reached_ends_in_the_dead_letter_queue(
    queue: QueueInMoto, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(queue, 12)
    service.connections.fail("c0001=", status=500, times=None)

    service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    [dead] = queue.dead
    body = json.loads(dead["body"])
    assert body["connections"] == ["c0001="]
    assert (body["topic"], body["text"]) == ("news", "hello")
    assert (
        "could not reach 1 connection(s) of topic 'news' in 6 attempts" in caplog.text
    )
    assert queue.sender.delays[-5:] == [2, 4, 8, 16, 32]
    assert service.delivered() == Counter(service.ids[:1] + service.ids[2:])


class Context:
    """A Lambda context whose time passes a little each time it is asked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        self.seconds -= 0.1
        return int(self.seconds * 1000)


def test_a_function_that_has_no_time_hands_the_rest_back(queue: QueueInMoto) -> None:
    service = Service(queue, 100)

    def handler(event: object, _: object) -> object:
        return service.handler(event, Context(2.5))

    service.publisher.publish("news", "hello")
    queue.work_off(handler)

    assert service.delivered() == Counter(service.ids)
    assert queue.dead == []
    assert queue.invocations >= 15 / 4


def test_a_function_whose_time_out_is_too_short_says_so(queue: QueueInMoto) -> None:
    service = Service(queue, 100)

    with pytest.raises(UsageError, match="increase this function"):
        service.handler({"Records": []}, Context(2.0))


@pytest.mark.slow
def test_splitting_goes_on_where_the_time_ended(queue: QueueInMoto) -> None:
    service = Service(queue, 400, segment_size=2)
    ticks = itertools.count(step=1.0)
    slow = Publisher(
        service.store,
        service.connections,
        fanout=service.fanout,
        timeout_seconds=8.0,
        clock=lambda: float(next(ticks)),
    )

    service.publisher.publish("news", "hello")
    [split] = queue.bodies()
    QueueHandler(slow, service.fanout)({"Records": [record(split)]})
    bodies = [json.loads(body) for body in queue.bodies()]
    service.fanout.queue.send(map(json.dumps, bodies))
    queue.work_off(service.handler)

    assert 1 < sum("segment" in body for body in bodies) < 200
    assert sum("split" in body for body in bodies) == 1
    assert service.delivered() == Counter(service.ids)


def test_one_bad_message_does_not_bring_the_others_again(
    queue: QueueInMoto, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(queue, 20)
    bad = ["x", "[]", "{}", '{"wspubsub":2}', '{"wspubsub":1,"topic":"t"}', "[" * 9000]

    service.fanout.queue.send(bad)
    service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert sorted(each["body"] for each in queue.dead) == sorted(bad)
    assert "unknown version 2" in caplog.text


def test_a_missing_permission_loses_nothing(queue: QueueInMoto) -> None:
    service = Service(queue, 20)
    for connection_id in service.ids:
        service.connections.fail(connection_id, status=403, times=1)

    service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert queue.dead == []


def test_entries_that_sqs_left_over_are_sent_again(queue: QueueInMoto) -> None:
    service = Service(queue, 70)
    service.publisher.publish("news", "hello")
    queue.sender.failures = ["InternalError", None, "InternalError"] + [None] * 7

    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert len(service.waits) == 1


@pytest.mark.parametrize("is_sender_fault", [True, False])
def test_a_queue_that_takes_nothing_is_an_error(
    queue: QueueInMoto,
    is_sender_fault: bool,
) -> None:
    service = Service(queue, 70)
    queue.sender.failures = ["OverLimit"] * 100
    queue.sender.is_sender_fault = is_sender_fault

    with pytest.raises(QueueError, match="OverLimit") as caught:
        service.publisher.publish("news", "hello")

    assert caught.value.code == "OverLimit"
    assert queue.sender.requests == (1 if is_sender_fault else 5)


def test_an_error_of_sqs_is_told(queue: QueueInMoto) -> None:
    service = Service(queue, 70)
    errors = [
        ClientError(
            {"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessageBatch"
        ),
        EndpointConnectionError(endpoint_url=queue.url),
    ]

    for error, code in zip(
        errors, ("AccessDenied", "EndpointConnectionError"), strict=True
    ):
        queue.sender.error = error
        with pytest.raises(QueueError) as caught:
            service.publisher.publish("news", "hello")
        assert caught.value.code == code
        assert queue.url in str(caught.value)


def test_an_error_of_the_program_is_not_disguised(queue: QueueInMoto) -> None:
    service = Service(queue, 70)
    queue.sender.error = ZeroDivisionError("bug")

    with pytest.raises(ZeroDivisionError):
        service.publisher.publish("news", "hello")


def test_a_publish_whose_leftovers_the_queue_refuses_says_who_was_reached(
    queue: QueueInMoto,
) -> None:
    service = Service(queue, 8)
    service.connections.fail("c0001=", status=500, times=200)
    queue.sender.failures = ["OverLimit"] * 100

    with pytest.raises(PublishError) as caught:
        service.publisher.publish("news", "hello")

    assert caught.value.report.delivered == 7
    assert caught.value.report.failed.keys() == {"c0001="}


def test_a_message_that_no_queue_carries_is_refused(queue: QueueInMoto) -> None:
    service = Service(queue, 70)
    excluded = {f"{number:0100}" for number in range(MAX_BATCH_BYTES // 100)}

    with pytest.raises(QueueError, match="exclude fewer"):
        service.publisher.publish("news", "hello", exclude=excluded)


def test_large_messages_fill_several_requests(queue: QueueInMoto) -> None:
    service = Service(queue, 100)
    data = "ü" * 60_000  # 120,000 bytes, 160,000 in base64

    service.publisher.publish("news", data)
    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert service.connections.messages("c0000=") == [data.encode()]


def test_text_of_quotation_marks_is_no_longer_than_in_base64(
    queue: QueueInMoto,
) -> None:
    service = Service(queue, 70)

    service.publisher.publish("news", '"' * 131_072)
    [body] = queue.bodies()

    assert len(body) < 180_000
    assert body.isascii()


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("", {}, "URL"),
        ("https://sqs/1/a.fifo", {}, "FIFO"),
        ("https://sqs/1/a", {"segment_size": 0}, "segment_size"),
        ("https://sqs/1/a", {"inline_threshold": -1}, "inline_threshold"),
    ],
)
def test_what_cannot_work_is_refused(
    url: str, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        QueueFanout(url, **options)


def test_a_store_that_cannot_be_read_in_parts_is_refused(queue: QueueInMoto) -> None:
    class Plain:
        """A store as users may have written it before."""

        prune = MemorySubscriptionStore.prune

    publisher = Publisher(Plain(), RecordingConnections())  # type: ignore[arg-type] # what the test is about
    fanout = QueueFanout(queue.url, client=queue.sender)

    with pytest.raises(UsageError, match="Plain cannot be read in segments"):
        QueueHandler(publisher, fanout)


@pytest.mark.parametrize(
    "event", [None, {}, {"Records": [1]}, {"Records": [{"eventSource": "aws:s3"}]}]
)
def test_another_event_is_refused(queue: QueueInMoto, event: object) -> None:
    service = Service(queue, 1)

    with pytest.raises(EventError, match="aws:sqs"):
        service.handler(event)


def test_what_to_do_about_a_refusal_of_sqs_is_said(queue: QueueInMoto) -> None:
    service = Service(queue, 70)
    queue.sender.error = ClientError(
        {"Error": {"Code": "ExpiredTokenException", "Message": "old"}},
        "SendMessageBatch",
    )

    with pytest.raises(QueueError, match=r"have expired.*\(ExpiredTokenException old"):
        service.publisher.publish("news", "hello")


def test_missing_credentials_are_not_the_queue_s_error(queue: QueueInMoto) -> None:
    service = Service(queue, 70)
    queue.sender.error = NoCredentialsError()

    with pytest.raises(CredentialsError):
        service.publisher.publish("news", "hello")
