"""Who was pruned is reported, whichever function found them gone."""

from typing import Any

import pytest

from tests.support.servers.small_queue import SmallQueue
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import Publisher
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.eventsources import QueueHandler, StreamHandler
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.testing import RecordingConnections


class Service:
    """A publisher, and the functions that carry its messages on."""

    def __init__(self, *, stream: bool, queue: bool) -> None:
        self.clock = Clock()
        self.table: Any = SmallTable()
        self.store = DynamoDBSubscriptionStore(
            "t", client=self.table, now=self.clock, shards=3
        )
        self.connections = RecordingConnections()
        self.queue = SmallQueue()
        self.told: list[tuple[str, frozenset[str]]] = []
        large = QueueFanout(
            "https://queue", inline_threshold=0, segment_size=1, client=self.queue
        )
        inner = large if queue else None
        self.publisher = Publisher(
            self.store,
            self.connections,
            log=DynamoDBTopicLog("t", client=self.table),
            fanout=StreamFanout(then=inner) if stream else inner,
            on_gone=lambda *pruned: self.told.append(pruned),
        )
        self.stream_handler = StreamHandler(self.publisher)
        self.queue_handler = QueueHandler(self.publisher, large)

    def carry_on(self) -> None:
        self.stream_handler({"Records": self.table.records})
        self.queue.work_off(self.queue_handler)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("queue", [True, False])
def test_who_was_pruned_is_reported_once(*, stream: bool, queue: bool) -> None:
    service = Service(stream=stream, queue=queue)
    service.connections.connect("a=")
    service.store.subscribe("a=", "news")
    service.store.subscribe("b=", "news", "sport")
    service.clock.advance(60)
    service.store.subscribe("new=", "news")
    service.connections.connect("new=")

    service.publisher.publish("news", "hello")
    service.carry_on()

    assert service.told == [("b=", frozenset({"news", "sport"}))]
    assert service.connections.messages("a=") == [b"hello"]
    assert service.store.disconnect("b=") == frozenset()
    assert set(service.store.subscribers("news")) == {"a=", "new="}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("queue", [True, False])
def test_half_a_subscription_is_found_gone_once(*, stream: bool, queue: bool) -> None:
    service = Service(stream=stream, queue=queue)
    service.store.subscribe("a=", "news")
    key = {"pk": {"S": "C#a="}, "sk": {"S": "T#news"}}
    service.table.delete_item(Key=key)

    for _ in range(2):
        service.publisher.publish("news", "hello")
        service.carry_on()
        service.table.records.clear()

    assert service.connections.attempts("a=") == 1
    assert list(service.store.subscribers("news")) == []
