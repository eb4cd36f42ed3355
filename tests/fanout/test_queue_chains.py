"""Work that is handed on from one queue message to the next."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.support.queue_service import Service, record
from tests.support.servers.queues import QueueInMoto, queue_in_moto
from wspubsub import MemorySubscriptionStore, StoreError
from wspubsub.connections import Outcome, PostOutcome
from wspubsub.subscriptions.port import Segment
from wspubsub.testing import RecordingConnections


@pytest.fixture
def queue() -> Iterator[QueueInMoto]:
    with queue_in_moto() as running:
        yield running


class Stumbling(MemorySubscriptionStore):
    """A store that fails after so many segments, once."""

    fails_after: int | None = None

    def segments(
        self, topic: str, size: int, within: Iterable[Segment], **options: Any
    ) -> Iterator[Segment]:
        found = super().segments(topic, size, within, **options)
        for number, segment in enumerate(found):
            if number == self.fails_after:
                self.fails_after = None
                raise StoreError("throttled", operation="Query", code="Throttling")
            yield segment


@pytest.mark.parametrize("fails_after", [0, 9, 10, 25])
def test_a_split_that_fails_half_way_sends_nothing_twice(
    queue: QueueInMoto, fails_after: int
) -> None:
    service = Service(queue, 60, segment_size=2, store=Stumbling)
    assert isinstance(service.store, Stumbling)
    service.store.fails_after = fails_after

    service.publisher.publish("news", "hello")
    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert queue.dead == []


@pytest.mark.parametrize("failing", [0, 4, 12, 29])
def test_a_split_that_the_queue_refuses_half_way_sends_nothing_twice(
    queue: QueueInMoto, failing: int
) -> None:
    service = Service(queue, 60, segment_size=2)
    service.publisher.publish("news", "hello")
    queue.sender.failures = [None] * failing + ["InternalError"] * 5

    queue.work_off(service.handler)

    assert service.delivered() == Counter(service.ids)
    assert queue.dead == []


def test_whoever_has_unsubscribed_gets_nothing_that_was_left_over(
    queue: QueueInMoto,
) -> None:
    service = Service(queue, 20)
    for connection_id in service.ids[:5]:
        service.connections.throttle(connection_id, times=6)

    def handler(event: object, context: object) -> object:
        answer = service.handler(event, context)
        service.store.unsubscribe("c0000=", "news")
        service.store.disconnect("c0001=")
        return answer

    service.publisher.publish("news", "hello")
    queue.work_off(handler)

    assert service.delivered() == Counter(service.ids[2:])
    assert queue.dead == []


class Trickle(RecordingConnections):
    """Connections of which only a few take a message in each run."""

    def __init__(self, each_run: int) -> None:
        super().__init__()
        self.each_run = each_run

    def post_many(
        self, connection_ids: Iterable[str], data: bytes, **options: Any
    ) -> Iterator[PostOutcome]:
        ids = list(connection_ids)
        yield from super().post_many(ids[: self.each_run], data, **options)
        for connection_id in ids[self.each_run :]:
            yield PostOutcome(connection_id, Outcome.THROTTLED)


@pytest.mark.parametrize(("each_run", "deepest"), [(1, 14), (2, 14), (3, 11), (30, 2)])
def test_a_chain_of_queue_messages_ends_before_lambda_stops_it(
    queue: QueueInMoto, each_run: int, deepest: int
) -> None:
    connections = Trickle(each_run)
    service = Service(queue, 30, segment_size=30, connections=connections)
    hops: list[int] = []

    def handler(event: Any, context: object) -> object:
        hops.extend(json.loads(each["body"])["hops"] for each in event["Records"])
        return service.handler(event, context)

    service.publisher.publish("news", "hello")
    queue.work_off(handler)

    assert sorted(set(hops)) == list(range(1, deepest + 1))
    assert service.delivered() == Counter(service.ids)
    assert queue.dead == []


def test_a_split_at_the_end_of_the_chain_is_not_begun(
    queue: QueueInMoto, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(queue, 20)
    service.publisher.publish("news", "hello")
    [body] = queue.bodies()
    last = json.dumps({**json.loads(body), "hops": 14})

    answer = service.handler({"Records": [record(last)]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert queue.bodies() == []
    assert "not finished in 14 queue messages" in caplog.text


def test_a_connection_in_its_handshake_gets_it_when_it_is_up(
    queue: QueueInMoto,
) -> None:
    service = Service(queue, 20)
    service.connections.disconnect("c0003=")
    rounds = itertools.count()

    def handler(event: object, context: object) -> object:
        if next(rounds) == 4:
            service.connections.connect("c0003=")
        return service.handler(event, context)

    service.publisher.publish("news", "hello")
    queue.work_off(handler, batch_size=1)

    assert service.delivered() == Counter(service.ids)
    assert queue.dead == []


def test_a_connection_that_never_comes_up_is_pruned_at_last(
    queue: QueueInMoto,
) -> None:
    service = Service(queue, 8)
    service.connections.disconnect("c0003=")

    def handler(event: object, context: object) -> object:
        service.clock.time += queue.sender.delays[-1]
        return service.handler(event, context)

    report = service.publisher.publish("news", "hello")
    queue.work_off(handler)

    assert report.queued
    assert queue.sender.delays == [1, 2, 4, 8, 16, 32]
    assert queue.dead == []
    assert "c0003=" not in set(service.store.subscribers("news"))
