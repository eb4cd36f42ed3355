"""The same publish for real: DynamoDB on this machine, posts to a sink."""

import os
import time
from collections import deque
from typing import Any, NamedTuple

from benchmarks.database import open_database
from benchmarks.metering import MeteredClient
from benchmarks.options import Options
from benchmarks.payload import connection_ids
from benchmarks.place import open_sink
from benchmarks.processes import CREDENTIALS
from benchmarks.subscribers import fill_topic
from wspubsub import Publisher
from wspubsub.aws.engine_connections import EngineConnections
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.eventsources import QueueHandler
from wspubsub.fanout import QueueFanout

TABLE = "subscriptions"


class RealRun(NamedTuple):
    """What came of it.

    Attributes:
        delivered: How many posts arrived, each for another connection.
        invocations: Calls of the handlers.
        read_units: That DynamoDB says it consumed; 0 if it does not say.
        seconds: How long all took, one after the other.
    """

    delivered: int
    invocations: int
    read_units: float
    seconds: float


class _List:
    """A queue client that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: deque[str] = deque()

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.bodies += [entry["MessageBody"] for entry in request["Entries"]]
        return {}


def real_run(topic: str, subscribers: int, data: bytes, options: Options) -> RealRun:
    """Publish to stored subscribers through a queue, and work the queue off."""
    os.environ.update(CREDENTIALS)  # nobody's; the engine reads them from there
    with (
        open_sink(options.sink) as place,
        open_database(options) as database,
    ):
        database.create_table(TABLE)
        fill_topic(database.client(), TABLE, topic, connection_ids(subscribers))
        client = MeteredClient(database.client())
        queue = _List()
        fanout = QueueFanout("https://queue", client=queue)
        publisher = Publisher(
            DynamoDBSubscriptionStore(TABLE, client=client),
            EngineConnections(place.plain, "us-east-1"),
            fanout=fanout,
        )
        handler = QueueHandler(publisher, fanout)
        began_at = time.perf_counter()
        publisher.publish(topic, data)
        invocations = 1
        while queue.bodies:
            record = {"eventSource": "aws:sqs", "messageId": "m"}
            handler({"Records": [{**record, "body": queue.bodies.popleft()}]})
            invocations += 1
        seconds = time.perf_counter() - began_at
        arrived = place.sink.arrived(subscribers)
    return RealRun(
        min(arrived.connections, arrived.requests),
        invocations,
        client.account.read_units,
        seconds,
    )
