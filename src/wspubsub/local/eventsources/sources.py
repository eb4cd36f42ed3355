"""The event sources of a gateway: opened before it serves, started afterwards."""

from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.errors import UsageError
from wspubsub.local.eventsources.clients import ServiceEndpoint
from wspubsub.local.eventsources.deliveries import Deliveries
from wspubsub.local.eventsources.queues.poller import READ_SECONDS, QueuePoller
from wspubsub.local.eventsources.queues.queue import LocalQueue, make_queue
from wspubsub.local.eventsources.streams.poller import (
    LATEST,
    TRIM_HORIZON,
    StreamPoller,
)
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.journal import Journal
from wspubsub.local.threads import in_thread
from wspubsub.mappings.lineage import list_shards
from wspubsub.mappings.settings import QueueSettings, StreamSettings

STREAM_READ_SECONDS = 10


class EventSourceMappings:
    """The sources of the handler's events besides the WebSocket API.

    Args:
        journal: Hears what happens.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stream: StreamPoller | None = None
        self._queue: QueuePoller | None = None

    async def open_queue(
        self, settings: QueueSettings, endpoint: ServiceEndpoint
    ) -> LocalQueue:
        """Create a queue."""
        client = endpoint.client("sqs", read_seconds=READ_SECONDS)
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
        try:
            arn = await in_thread(lambda: _stream_arn(endpoint, table))
            streams = endpoint.of_streams().client(
                "dynamodbstreams", read_seconds=STREAM_READ_SECONDS
            )
            shards = await in_thread(lambda: list_shards(streams, arn))
            self._stream = StreamPoller(streams, arn, settings, self._journal)
            start = TRIM_HORIZON if endpoint.is_embedded else LATEST
            await self._stream.open(shards, start=start)
        except (BotoCoreError, ClientError) as error:
            raise UsageError(
                f"cannot read the stream of table {table!r} at {endpoint.url}: {error}"
            ) from None
        return arn

    def start(self, fleet: Fleet, *, max_concurrency: int) -> None:
        """Begin to deliver."""
        deliver = Deliveries(fleet, self._journal).deliver
        if self._stream is not None:
            self._stream.start(deliver)
        if self._queue is not None:
            self._queue.start(deliver, max_concurrency=max_concurrency)

    async def close(self) -> None:
        """Stop delivering."""
        for poller in (self._stream, self._queue):
            if poller is not None:
                await poller.close()


def _stream_arn(endpoint: ServiceEndpoint, table: str) -> str:
    client = endpoint.client("dynamodb", read_seconds=STREAM_READ_SECONDS)
    description = client.describe_table(TableName=table)["Table"]
    enabled = description.get("StreamSpecification", {}).get("StreamEnabled", False)
    arn = description.get("LatestStreamArn")
    if not enabled or not arn:
        raise UsageError(
            f"table {table!r} at {endpoint.url} has no stream; enable it with: "
            f"wspubsub create-table {table} --stream --endpoint {endpoint.url} "
            f"--region {endpoint.region} (not every DynamoDB emulator has streams: "
            "dynalite has none), or leave it out with --no-streams"
        )
    return str(arn)
