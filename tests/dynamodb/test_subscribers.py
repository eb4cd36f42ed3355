"""Which reads of a topic's subscribers see a subscription that was just made.

The replica that answers a read which need not be consistent has seen no write yet.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB
from tests.support.late_reads import EVERYTHING, LateReads
from tests.support.servers.small_queue import SmallQueue
from tests.support.servers.small_table import SmallTable
from wspubsub import History, MemoryTopicLog, Publisher
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.eventsources import QueueHandler
from wspubsub.fanout import QueueFanout, StreamFanout
from wspubsub.outgoing import Fanout, InlineFanout
from wspubsub.testing import RecordingConnections

IDS = [f"c{number:02}=" for number in range(12)]


@pytest.fixture
def client() -> FaultyDynamoDB:
    return FaultyDynamoDB(LateReads(Uncounted(SmallTable()), EVERYTHING))


class Uncounted:
    """A table that does not say what a request consumes."""

    def __init__(self, table: SmallTable) -> None:
        self._table = table

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            request.pop("ReturnConsumedCapacity", None)
            return getattr(self._table, operation)(**request)

        return call


@pytest.fixture
def store(client: FaultyDynamoDB) -> DynamoDBSubscriptionStore:
    store = DynamoDBSubscriptionStore("chat", client=client, shards=2)
    for connection_id in IDS:
        store.subscribe(connection_id, "news")
    client.calls.clear()
    client.requests.clear()
    return store


def test_a_consistent_read_sees_every_subscription(
    store: DynamoDBSubscriptionStore,
) -> None:
    whole = store.whole("news")
    segments = list(store.segments("news", 3, whole, consistent=True))

    assert sorted(store.subscribers("news", consistent=True)) == IDS
    found = [
        connection_id
        for segment in segments
        for connection_id in store.segment("news", segment, consistent=True)
    ]
    assert sorted(found) == IDS


def test_other_reads_cost_half_and_may_be_late(
    store: DynamoDBSubscriptionStore, client: FaultyDynamoDB
) -> None:
    whole = store.whole("news")

    assert list(store.subscribers("news")) == []
    assert list(store.segments("news", 3, whole)) == []
    assert list(store.segment("news", whole[0])) == []
    assert not any("ConsistentRead" in each for each in client.requests)


class Service:
    """Publishes "news", which has a log, and "typing", which has none."""

    def __init__(self, store: DynamoDBSubscriptionStore, kind: str) -> None:
        self.queue = SmallQueue()
        threshold = 0 if "large" in kind else 100
        queue = QueueFanout(
            "https://queue/1/a",
            inline_threshold=threshold,
            segment_size=5,
            client=self.queue,
        )
        plain: Fanout = queue if "queue" in kind else InlineFanout()
        self.is_streamed = "stream" in kind
        self.connections = RecordingConnections(set(IDS))
        self.log = MemoryTopicLog(history={"news": History()})
        self.publisher = Publisher(
            store,
            self.connections,
            log=self.log,
            fanout=StreamFanout(then=plain) if self.is_streamed else plain,
        )
        self.handler = QueueHandler(self.publisher, queue)

    def publish(self, topic: str) -> None:
        self.publisher.publish(topic, "hello")
        if self.is_streamed and self.log.keeps(topic):
            [message] = self.log.read(topic).messages
            self.publisher.deliver_logged(message)
        self.queue.work_off(self.handler)

    def reached(self) -> list[str]:
        return sorted(connection_id for connection_id, _ in self.connections.posted)


KINDS = ["inline", "queue", "large queue", "stream", "stream, large queue"]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_carries_a_logged_message_sees_every_subscription(
    store: DynamoDBSubscriptionStore, kind: str
) -> None:
    service = Service(store, kind)

    service.publish("news")

    assert service.reached() == IDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_topic_without_a_log_is_read_cheaply(
    store: DynamoDBSubscriptionStore, client: FaultyDynamoDB, kind: str
) -> None:
    service = Service(store, kind)

    service.publish("typing")

    queries = [each for each in client.requests if "KeyConditionExpression" in each]
    assert queries
    assert not any("ConsistentRead" in each for each in queries)
