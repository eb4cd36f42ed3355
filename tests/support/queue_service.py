"""A store, connections and a queue, with a fan-out over them."""

from collections import Counter

from tests.support.servers.queues import QueueInMoto
from tests.support.virtual_time import Clock
from wspubsub import MemorySubscriptionStore, Publisher
from wspubsub.eventsources import QueueHandler
from wspubsub.fanout import QueueFanout
from wspubsub.testing import RecordingConnections


class Service:
    """Subscribers of the topic "news", and what carries messages to them."""

    def __init__(
        self,
        queue: QueueInMoto,
        subscribers: int,
        *,
        inline_threshold: int = 10,
        segment_size: int = 7,
        store: type[MemorySubscriptionStore] = MemorySubscriptionStore,
        connections: RecordingConnections | None = None,
    ) -> None:
        self.queue = queue
        self.ids = [f"c{number:04}=" for number in range(subscribers)]
        self.clock = Clock()
        self.store = store(now=self.clock)
        self.connections = connections or RecordingConnections()
        for connection_id in self.ids:
            self.connections.connect(connection_id)
            self.store.subscribe(connection_id, "news")
        self.waits: list[float] = []
        self.fanout = QueueFanout(
            queue.url,
            inline_threshold=inline_threshold,
            segment_size=segment_size,
            client=queue.sender,
            sleep=self.waits.append,
        )
        self.publisher = Publisher(self.store, self.connections, fanout=self.fanout)
        self.handler = QueueHandler(self.publisher, self.fanout)

    def delivered(self) -> Counter[str]:
        return Counter(connection_id for connection_id, _ in self.connections.posted)


def record(body: str) -> dict[str, str]:
    """Return a record of a queue message."""
    return {"eventSource": "aws:sqs", "messageId": "1", "body": body}
