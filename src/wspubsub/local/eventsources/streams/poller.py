"""Polls a table's stream and delivers it, each shard in order.

"Process DynamoDB records with Lambda": each shard is polled four times a second, and
one batch of it is delivered at a time (a parallelization factor of 1).
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from wspubsub.gateway.times import iso_8601
from wspubsub.local.eventsources.clients import ServiceCaller
from wspubsub.local.eventsources.deliveries import BatchDelivery, Deliver
from wspubsub.local.eventsources.streams.shard_reader import ShardReader
from wspubsub.local.journal import Journal
from wspubsub.local.tasks import Tasks
from wspubsub.mappings.clients import StreamsClient
from wspubsub.mappings.lineage import Lineage, Shard, list_shards
from wspubsub.mappings.settings import StreamSettings
from wspubsub.mappings.shard_batches import (
    Discarded,
    ShardBatches,
    creation_time,
    sequence_number,
)
from wspubsub.mappings.stream_records import SOURCE, stream_records

POLL_SECONDS = 0.25
SHARD_SECONDS = 10.0
"""How often to look for new shards, besides whenever one has ended."""

TRIM_HORIZON, LATEST = "TRIM_HORIZON", "LATEST"


class StreamPoller:
    """One stream.

    Args:
        client: A `boto3.client("dynamodbstreams")`.
        stream_arn: The stream.
        settings: How it is delivered.
        journal: Hears what cannot be delivered.
        now: The clock by which records are dated, in seconds since the epoch.
    """

    def __init__(
        self,
        client: StreamsClient,
        stream_arn: str,
        settings: StreamSettings,
        journal: Journal,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._client = client
        self._caller = ServiceCaller("the stream of the table", journal)
        self._stream_arn = stream_arn
        self._settings = settings
        self._journal = journal
        self._lineage = Lineage()
        self._readers: list[tuple[Shard, ShardReader]] = []
        self._shard_ended = asyncio.Event()
        self._tasks = Tasks()

    async def open(self, descriptions: Sequence[dict[str, Any]], *, start: str) -> None:
        """Decide from where to read the stream.

        Args:
            descriptions: Its shards, as DescribeStream lists them.
            start: `TRIM_HORIZON`, or `LATEST` for what is written from now on.
        """
        shards = [Shard.of(each) for each in descriptions]
        if start == LATEST:
            self._lineage.skip(shard for shard in shards if shard.is_closed)
        for shard in self._lineage.begin(shards):
            reader = self._reader(shard, start)
            await reader.open()
            self._readers.append((shard, reader))

    def start(self, deliver: Deliver) -> None:
        """Begin to deliver."""
        for shard, reader in self._readers:
            self._tasks.spawn(self._follow(shard, reader, deliver))
        self._tasks.spawn(self._find_shards(deliver))

    async def close(self) -> None:
        """Stop; what has not been delivered is not delivered any more."""
        await self._tasks.close()

    def _reader(self, shard: Shard, start: str) -> ShardReader:
        return ShardReader(
            self._client,
            self._caller,
            stream_arn=self._stream_arn,
            shard_id=shard.shard_id,
            start=start,
        )

    async def _find_shards(self, deliver: Deliver) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._shard_ended.wait(), SHARD_SECONDS)
            self._shard_ended.clear()
            found = await self._caller.insist(
                lambda: list_shards(self._client, self._stream_arn)
            )
            for shard in self._lineage.begin(Shard.of(each) for each in found):
                reader = self._reader(shard, TRIM_HORIZON)
                self._tasks.spawn(self._follow(shard, reader, deliver))

    async def _follow(
        self, shard: Shard, reader: ShardReader, deliver: Deliver
    ) -> None:
        batches = ShardBatches(self._settings)
        while not reader.is_over:
            records = await reader.read(self._settings.batch_size)
            batches.take(stream_records(records, stream_arn=self._stream_arn))
            await self._deliver(shard, batches, deliver)
            if not records:
                await asyncio.sleep(POLL_SECONDS)
        self._lineage.end(shard)
        self._shard_ended.set()

    async def _deliver(
        self, shard: Shard, batches: ShardBatches, deliver: Deliver
    ) -> None:
        while True:
            self._tell(shard, batches.expire(now=self._now()))
            batch = batches.next_batch()
            if batch is None:
                return
            verdict = await deliver(
                BatchDelivery(
                    source=SOURCE,
                    records=batch.records,
                    items=[sequence_number(record) for record in batch.records],
                    retries=batch.retries,
                )
            )
            self._tell(shard, batches.finish(verdict))
            await asyncio.sleep(batches.delay_seconds)

    def _tell(self, shard: Shard, discarded: Discarded | None) -> None:
        if discarded is None:
            return
        count = len(discarded.records)
        details = {
            "DDBStreamBatchInfo": {
                "shardId": shard.shard_id,
                "startSequenceNumber": sequence_number(discarded.records[0]),
                "endSequenceNumber": sequence_number(discarded.records[-1]),
                "approximateArrivalOfFirstRecord": iso_8601(
                    creation_time(discarded.records[0])
                ),
                "approximateArrivalOfLastRecord": iso_8601(
                    creation_time(discarded.records[-1])
                ),
                "batchSize": count,
                "streamArn": self._stream_arn,
            }
        }
        self._journal.warn(
            f"{count} record(s) of the stream are not delivered because "
            f"{discarded.reason}; on AWS an on-failure destination would get "
            f"{json.dumps(details)}"
        )
