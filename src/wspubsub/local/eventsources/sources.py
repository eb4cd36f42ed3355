"""The event sources of a gateway: opened before it serves, started afterwards."""

import time
from collections.abc import Callable

from wspubsub.local.dynamodb.senders import Sender
from wspubsub.local.eventsources.clients import ServiceEndpoint
from wspubsub.local.eventsources.deliveries import Deliveries
from wspubsub.local.eventsources.queues.poller import READ_SECONDS, QueuePoller
from wspubsub.local.eventsources.queues.queue import LocalQueue, make_queue
from wspubsub.local.eventsources.streams.table import TableStream
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal
from wspubsub.local.threads import in_thread
from wspubsub.mappings.settings import QueueSettings, StreamSettings


class EventSourceMappings:
    """The sources of the handler's events besides the WebSocket API.

    Args:
        journal: Hears what happens.
        recorder: Hears what happens, and why.
        now: The clock of embedded services, in seconds since the epoch.
    """

    def __init__(
        self,
        journal: Journal,
        recorder: Recorder,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._journal = journal
        self._recorder = recorder
        self._stream: TableStream | None = None
        self._queue: QueuePoller | None = None

    async def open_queue(
        self, settings: QueueSettings, endpoint: ServiceEndpoint
    ) -> LocalQueue:
        """Create a queue."""
        client = endpoint.client(
            "sqs", read_seconds=READ_SECONDS, sender=Sender.EVENT_SOURCE
        )
        queue = await in_thread(lambda: make_queue(client, settings))
        self._queue = QueuePoller(client, queue, settings, self._journal)
        return queue

    async def open_stream(
        self, settings: StreamSettings, endpoint: ServiceEndpoint, table: str
    ) -> str:
        """Decide from where to read the stream of a table, and return its ARN.

        An embedded table is read from its beginning, any other from now on.

        Raises:
            UsageError: The table has no stream, or it cannot be read.
        """
        now = self._now if endpoint.is_embedded else time.time
        self._stream = TableStream(endpoint, table, settings, self._journal, now)
        return await self._stream.open()

    def start(self, fleet: Fleet) -> None:
        """Begin to deliver."""
        deliver = Deliveries(fleet, self._journal, self._recorder).deliver
        if self._stream is not None:
            self._stream.start(deliver)
        if self._queue is not None:
            self._queue.start(deliver, max_concurrency=fleet.max_batches)

    async def close(self) -> None:
        """Stop delivering."""
        for poller in (self._stream, self._queue):
            if poller is not None:
                await poller.close()
