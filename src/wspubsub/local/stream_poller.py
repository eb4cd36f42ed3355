"""Reads a table's stream and hands its records to a function, shard by shard."""

import asyncio
import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.errors import UsageError
from wspubsub.local.invoker import Invoker
from wspubsub.local.stream_records import lambda_record
from wspubsub.local.stream_shard import Record, StreamSettings, StreamShard
from wspubsub.local.tasks import Tasks

POLL_SECONDS = 0.25
"""Lambda looks 4 times a second."""

LOOK_FOR_SHARDS_SECONDS = 5.0
RETRY_SECONDS = 0.5
_MAX_RETRY_SECONDS = 10.0


class StreamPoller:
    """The event source mapping of a table's stream.

    Args:
        client: A `boto3.client("dynamodbstreams")`.
        stream_arn: The stream.
        invoker: Hands batches to the function.
        settings: What the mapping is set to.
        from_start: Whether what is in the stream already is handed over as well.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 ships no types
        stream_arn: str,
        invoker: Invoker,
        settings: StreamSettings,
        *,
        from_start: bool,
    ) -> None:
        self._client = client
        self._stream_arn = stream_arn
        self._region = stream_arn.split(":")[3]
        self._invoker = invoker
        self._settings = settings
        self._position = "TRIM_HORIZON" if from_start else "LATEST"
        self._tasks = Tasks()
        self._ended: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Begin; what is written from now on is handed over.

        Raises:
            UsageError: The endpoint does not give the stream's records.
        """
        try:
            await self._look_for_shards()
        except (BotoCoreError, ClientError) as error:
            raise UsageError(
                f"the records of {self._stream_arn} cannot be read ({error}); use "
                "another DynamoDB endpoint, or do without --streams"
            ) from None
        self._tasks.spawn(self._keep_looking())

    async def close(self) -> None:
        """End; what was not handed over is lost here, where AWS would keep it."""
        await self._tasks.close()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_FOR_SHARDS_SECONDS)
            try:
                await self._look_for_shards()
            except (BotoCoreError, ClientError):
                continue  # those that read the shards have told of it

    async def _look_for_shards(self) -> None:
        request: dict[str, Any] = {"StreamArn": self._stream_arn}
        while True:
            answer = await asyncio.to_thread(self._client.describe_stream, **request)
            description = answer["StreamDescription"]
            for shard in description["Shards"]:
                await self._begin(shard)
            last = description.get("LastEvaluatedShardId")
            if last is None:
                # What comes up later is read from its beginning.
                self._position = "TRIM_HORIZON"
                return
            request["ExclusiveStartShardId"] = last

    async def _begin(self, shard: dict[str, Any]) -> None:
        shard_id = shard["ShardId"]
        if shard_id in self._ended:
            return
        self._ended[shard_id] = asyncio.Event()
        # Asked for at once: what is written a moment later must be behind it.
        answer = await asyncio.to_thread(
            self._client.get_shard_iterator,
            StreamArn=self._stream_arn,
            ShardId=shard_id,
            ShardIteratorType=self._position,
        )
        parent = self._ended.get(shard.get("ParentShardId", ""))
        self._tasks.spawn(self._work_off(shard_id, answer["ShardIterator"], parent))

    async def _work_off(
        self, shard_id: str, iterator: str | None, parent: asyncio.Event | None
    ) -> None:
        if parent is not None:
            await parent.wait()
        shard = StreamShard(self._settings)
        delay = RETRY_SECONDS
        while iterator is not None:
            try:
                answer = await asyncio.to_thread(
                    self._client.get_records, ShardIterator=iterator, Limit=1000
                )
            except (BotoCoreError, ClientError) as error:
                if delay == RETRY_SECONDS:
                    self._invoker.journal.warn(f"the stream cannot be read: {error}")
                await asyncio.sleep(delay)
                delay = min(delay * 2, _MAX_RETRY_SECONDS)
                continue
            delay = RETRY_SECONDS
            iterator = answer.get("NextShardIterator")
            shard.add(self._lambda_record(record) for record in answer["Records"])
            await self._hand_over(shard)
            if not answer["Records"]:
                await asyncio.sleep(POLL_SECONDS)
        self._ended[shard_id].set()

    async def _hand_over(self, shard: StreamShard) -> None:
        while True:
            batch, late = shard.next_batch(time.time())
            self._leave_behind(late, "they are too old")
            if batch:
                numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
                result = await self._invoker.invoke("stream", batch, numbers)
                self._leave_behind(shard.finished(result), "they failed too often")
            elif not late:
                return

    def _leave_behind(self, records: list[Record], reason: str) -> None:
        if records:
            self._invoker.journal.warn(
                f"{len(records)} stream records are left behind, since {reason}; AWS "
                f"would tell the on-failure destination: {json.dumps(records)[:2000]}"
            )

    def _lambda_record(self, record: dict[str, Any]) -> Record:
        found: Record = lambda_record(
            record, stream_arn=self._stream_arn, region=self._region
        )
        return found
