"""A table's stream, delivered in the test's own thread by Lambda's rules."""

from collections.abc import Mapping
from typing import Any

from wspubsub.gateway.inputs import InvocationResult
from wspubsub.mappings.clients import StreamsClient
from wspubsub.mappings.lineage import Lineage, Shard, list_shards
from wspubsub.mappings.payloads import Record
from wspubsub.mappings.settings import StreamSettings
from wspubsub.mappings.shard_batches import (
    Discarded,
    ShardBatches,
    sequence_number,
)
from wspubsub.mappings.stream_records import stream_records
from wspubsub.mappings.verdicts import BatchVerdict

_TRIM_HORIZON = "TRIM_HORIZON"
_MAX_PAGE = 1000


class _ShardPlace:
    """How far a shard was read, and what is not delivered yet."""

    def __init__(self, shard: Shard, iterator: str, settings: StreamSettings) -> None:
        self.shard = shard
        self.iterator: str | None = iterator
        self.batches = ShardBatches(settings)
        self.due_at = 0.0


class StreamSource:
    """The stream of a table, as an event source of an `InProcessGateway`.

    It is read from its beginning. Records of a shard come in order; a batch that fails
    holds up its shard and is redelivered after a quarter of a second, then after twice
    as long each time, up to 10 seconds of the gateway's time ("Process DynamoDB records
    with Lambda").

    Args:
        client: A `boto3.client("dynamodbstreams")`, such as moto's; a `MemoryTable` has
            a source of its own.
        stream_arn: ARN of the stream.
        settings: How it is delivered; without a limit of retries by default.

    Attributes:
        discarded: Records that are not retried any more, with the reason.
    """

    def __init__(
        self,
        client: StreamsClient,
        stream_arn: str,
        *,
        settings: StreamSettings | None = None,
    ) -> None:
        self.discarded: list[Discarded] = []
        self._client = client
        self._stream_arn = stream_arn
        self._settings = settings or StreamSettings()
        self._lineage = Lineage()
        self._places: list[_ShardPlace] = []
        self._delivering: tuple[_ShardPlace, tuple[Record, ...]]

    def next_batch(self, now: float, /) -> tuple[Record, ...] | None:
        """Return the records to invoke a function with, or None if nothing is due."""
        while self._find_shards():
            for place in list(self._places):
                self._read(place)
                self._keep(place.batches.expire(now=now))
                batch = place.batches.next_batch()
                if batch is not None and place.due_at <= now:
                    self._delivering = (place, batch.records)
                    return batch.records
            if not self._end_shards():
                break
        return None

    def finish(self, result: InvocationResult, now: float, /) -> None:
        """Process the result of the invocation with the last batch."""
        place, records = self._delivering
        items = [sequence_number(record) for record in records]
        self._keep(place.batches.finish(BatchVerdict.of(result, items)))
        place.due_at = now + place.batches.delay_seconds

    def due_at(self) -> float | None:
        """Return when something is redelivered, or None if nothing is pending."""
        waiting = [each for each in self._places if each.batches.next_batch()]
        return min((each.due_at for each in waiting), default=None)

    def _keep(self, discarded: Discarded | None) -> None:
        if discarded is not None:
            self.discarded.append(discarded)

    def _find_shards(self) -> bool:
        """Begin to read new shards; return whether there are any to read."""
        found = [Shard.of(each) for each in list_shards(self._client, self._stream_arn)]
        for shard in self._lineage.begin(found):
            answer = self._client.get_shard_iterator(
                StreamArn=self._stream_arn,
                ShardId=shard.shard_id,
                ShardIteratorType=_TRIM_HORIZON,
            )
            place = _ShardPlace(shard, answer["ShardIterator"], self._settings)
            self._places.append(place)
        return bool(self._places)

    def _end_shards(self) -> bool:
        """Forget shards that were handled completely; return whether there were any.

        Their children come after them.
        """
        ended = [
            each
            for each in self._places
            if each.iterator is None and each.batches.next_batch() is None
        ]
        for place in ended:
            self._lineage.end(place.shard)
            self._places.remove(place)
        return bool(ended)

    def _read(self, place: _ShardPlace) -> None:
        while place.iterator is not None:
            answer = self._client.get_records(
                ShardIterator=place.iterator, Limit=_MAX_PAGE
            )
            records: list[Mapping[str, Any]] = answer["Records"]
            place.batches.take(stream_records(records, stream_arn=self._stream_arn))
            place.iterator = answer.get("NextShardIterator")
            if not records:
                break
