"""The stream of a table, and of the table that takes its place.

A table that is deleted and created again has another stream. On AWS its event source
mapping would have to be created again too; here whoever resets a table while the
gateway runs goes on working.
"""

import asyncio
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.errors import UsageError
from wspubsub.local.dynamodb.senders import Sender
from wspubsub.local.eventsources.clients import ServiceEndpoint
from wspubsub.local.eventsources.deliveries import Deliver
from wspubsub.local.eventsources.streams.poller import (
    LATEST,
    TRIM_HORIZON,
    StreamPoller,
)
from wspubsub.local.journal import Journal
from wspubsub.local.tasks import Tasks
from wspubsub.local.threads import in_thread
from wspubsub.mappings.clients import StreamsClient
from wspubsub.mappings.lineage import list_shards
from wspubsub.mappings.settings import StreamSettings

READ_SECONDS = 10
TABLE_SECONDS = 3.0
"""How often to look whether the table has another stream."""


class TableStream:
    """A table whose stream is delivered.

    Args:
        endpoint: Where the table is.
        table: Its name.
        settings: How its stream is delivered.
        journal: Hears what happens.
        now: The clock by which records are dated, in seconds since the epoch.
    """

    def __init__(
        self,
        endpoint: ServiceEndpoint,
        table: str,
        settings: StreamSettings,
        journal: Journal,
        now: Callable[[], float],
    ) -> None:
        self._now = now
        self._endpoint = endpoint
        self._table = table
        self._settings = settings
        self._journal = journal
        self._tasks = Tasks()
        self._streams: StreamsClient
        self._find_stream: Callable[[], str]
        self._arn: str
        self._poller: StreamPoller

    async def open(self) -> str:
        """Decide from where to read the stream, and return its ARN.

        An embedded table is read from its beginning, any other from now on.

        Raises:
            UsageError: The table has no stream, or it cannot be read.
        """
        endpoint = self._endpoint
        try:
            self._find_stream = _make_finder(endpoint, self._table)
            self._streams = endpoint.of_streams().client(
                "dynamodbstreams",
                read_seconds=READ_SECONDS,
                sender=Sender.EVENT_SOURCE,
            )
            self._arn = await in_thread(self._find_stream)
            start = TRIM_HORIZON if endpoint.is_embedded else LATEST
            self._poller = await self._open_poller(self._arn, start)
        except (BotoCoreError, ClientError) as error:
            raise UsageError(
                f"cannot read the stream of table {self._table!r} at {endpoint.url}: "
                f"{error}"
            ) from None
        return self._arn

    def start(self, deliver: Deliver) -> None:
        """Begin to deliver."""
        self._poller.start(deliver)
        self._tasks.spawn(self._follow_table(deliver))

    async def close(self) -> None:
        """Stop delivering."""
        await self._tasks.close()
        await self._poller.close()

    async def _open_poller(self, arn: str, start: str) -> StreamPoller:
        shards = await in_thread(lambda: list_shards(self._streams, arn))
        poller = StreamPoller(
            self._streams, arn, self._settings, self._journal, self._now
        )
        await poller.open(shards, start=start)
        return poller

    async def _follow_table(self, deliver: Deliver) -> None:
        while True:
            await asyncio.sleep(TABLE_SECONDS)
            try:
                arn = await in_thread(self._find_stream)
                if arn == self._arn:
                    continue
                poller = await self._open_poller(arn, TRIM_HORIZON)
            except (BotoCoreError, ClientError, UsageError):
                continue  # the poller reports what is wrong
            await self._poller.close()
            self._arn, self._poller = arn, poller
            self._journal.note(
                f"table {self._table} was created again: its new stream is read from "
                "the beginning"
            )
            poller.start(deliver)


def _make_finder(endpoint: ServiceEndpoint, table: str) -> Callable[[], str]:
    client = endpoint.client(
        "dynamodb", read_seconds=READ_SECONDS, sender=Sender.EVENT_SOURCE
    )

    def find_stream() -> str:
        description = client.describe_table(TableName=table)["Table"]
        enabled = description.get("StreamSpecification", {}).get("StreamEnabled", False)
        arn = description.get("LatestStreamArn")
        if not enabled or not arn:
            raise UsageError(
                f"table {table!r} at {endpoint.url} has no stream; enable it with: "
                f"wspubsub create-table {table} --stream --endpoint {endpoint.url} "
                f"--region {endpoint.region} (not every DynamoDB emulator has "
                "streams: dynalite has none), or leave it out with --no-streams"
            )
        return str(arn)

    return find_stream
