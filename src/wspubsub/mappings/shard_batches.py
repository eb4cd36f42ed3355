"""What is delivered, and redelivered, from a stream's shard: the rules, without I/O.

"Using AWS Lambda with Amazon DynamoDB" and "Process DynamoDB records with Lambda":
a shard's records are delivered in order, and a batch that fails blocks its shard until
it succeeds, its retries are used up, or its records are too old.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wspubsub.mappings.payloads import Record, batches
from wspubsub.mappings.settings import FOREVER, StreamSettings
from wspubsub.mappings.verdicts import BatchVerdict

RETENTION_SECONDS = 86_400
"""How long a stream keeps a record: "Change data capture for DynamoDB Streams"."""

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.25, 10.0
"""Between attempts. AWS says that it backs off, but not for how long."""

RETRIES_USED_UP = "the retries are used up"
TOO_OLD = "they are older than the mapping allows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What to invoke the handler with.

    Attributes:
        records: The records, in order.
        retries: How often these have been tried in vain.
    """

    records: tuple[Record, ...]
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Discarded:
    """Records that are not retried; AWS reports them to its on-failure destination.

    Attributes:
        records: The records, in order.
        reason: Why.
    """

    records: tuple[Record, ...]
    reason: str


class ShardBatches:
    """The records of one shard that were read and are not processed yet.

    Args:
        settings: How they are delivered.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._pending: deque[Batch] = deque()
        self._has_failed = False

    @property
    def delay_seconds(self) -> float:
        """How long to wait before the next batch."""
        if not (self._has_failed and self._pending):
            return 0.0
        # A batch that has become smaller is as good as new.
        doublings = min(max(0, self._pending[0].retries - 1), 16)
        return min(FIRST_DELAY_SECONDS * 2.0**doublings, LONGEST_DELAY_SECONDS)

    def take(self, records: Iterable[Record]) -> None:
        """Add records that follow the last ones."""
        for batch in batches(records, size=self._settings.batch_size):
            self._pending.append(Batch(records=batch))

    def next_batch(self) -> Batch | None:
        """Return what to deliver now; it stays until `finish`."""
        return self._pending[0] if self._pending else None

    def expire(self, *, now: float) -> Discarded | None:
        """Discard what has become too old to be delivered."""
        oldest = now - self._max_age_seconds
        old: list[Record] = []
        while self._pending:
            batch = self._pending.popleft()
            young = [each for each in batch.records if creation_time(each) >= oldest]
            old += batch.records[: len(batch.records) - len(young)]
            if young:
                self._pending.appendleft(replace(batch, records=tuple(young)))
                break
        return Discarded(tuple(old), TOO_OLD) if old else None

    def finish(self, verdict: BatchVerdict) -> Discarded | None:
        """Note how the batch ended, and return what is not retried."""
        batch = self._pending.popleft()
        self._has_failed = bool(verdict.failed)
        if not verdict.failed:
            return None
        # Lambda starts again at the lowest sequence number that is listed.
        done = next(
            index
            for index, record in enumerate(batch.records)
            if sequence_number(record) in verdict.failed
        )
        if done:
            self._put_back(Batch(records=batch.records[done:]))
        elif self._settings.bisects and len(batch.records) > 1:
            # "Splitting a batch does not count towards the retry quota."
            half = len(batch.records) // 2
            self._put_back(replace(batch, records=batch.records[half:]))
            self._put_back(replace(batch, records=batch.records[:half]))
        elif self._settings.max_retries in range(batch.retries + 1):
            self._has_failed = False
            return Discarded(batch.records, RETRIES_USED_UP)
        else:
            self._put_back(replace(batch, retries=batch.retries + 1))
        return None

    def _put_back(self, batch: Batch) -> None:
        self._pending.appendleft(batch)

    @property
    def _max_age_seconds(self) -> int:
        seconds = self._settings.max_record_age_seconds
        return RETENTION_SECONDS if seconds == FOREVER else seconds


def sequence_number(record: Record) -> str:
    """Return a record's place in its shard."""
    return str(record["dynamodb"]["SequenceNumber"])


def creation_time(record: Record) -> float:
    """Return when a record was written, in seconds since the epoch."""
    return float(record["dynamodb"]["ApproximateCreationDateTime"])
