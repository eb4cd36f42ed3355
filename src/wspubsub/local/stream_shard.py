"""A shard of a stream as Lambda's event source mapping works it off: no I/O here.

"Process DynamoDB records with Lambda" and "Error handling in stream event source
mappings": records come in order, a batch that fails holds up what is behind it, it is
tried again, halved where the function fails as a whole, and left behind at last.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wspubsub.gateway import InvocationResult
from wspubsub.local.partial_batches import failed_records

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What the event source mapping is set to.

    Attributes:
        batch_size: How many records an invocation gets at most (AWS: up to 10,000).
        max_retries: How often a batch is tried again.
        max_age_seconds: From what age on records are left behind.
    """

    batch_size: int = 100
    max_retries: int = 5
    max_age_seconds: float = 600.0


@dataclass(slots=True)
class _Batch:
    records: list[Record]
    attempts: int = 0


class StreamShard:
    """One shard.

    Args:
        settings: What the mapping is set to.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._unread: deque[Record] = deque()
        # Parts of batches that have failed, in order.
        self._again: deque[_Batch] = deque()
        self._current: _Batch | None = None

    def add(self, records: Iterable[Record]) -> None:
        """Take records that follow on those before."""
        self._unread.extend(records)

    def next_batch(self, now: float) -> tuple[list[Record], list[Record]]:
        """Return what to invoke the function with, and what is left behind for age.

        Both are empty if there is nothing to do.
        """
        batch = self._again.popleft() if self._again else self._new_batch()
        is_late = [self._is_late(record, now) for record in batch.records]
        late = [
            record for record, is_ in zip(batch.records, is_late, strict=True) if is_
        ]
        fresh = [
            record
            for record, is_ in zip(batch.records, is_late, strict=True)
            if not is_
        ]
        self._current = _Batch(fresh, batch.attempts) if fresh else None
        return fresh, late

    def finished(self, result: InvocationResult) -> list[Record]:
        """Take the function's answer; return the records that are left behind."""
        batch, self._current = self._current, None
        if batch is None:
            return []
        numbers = [_number(record) for record in batch.records]
        failed = failed_records(result, numbers)
        if not failed:
            return []
        # From the lowest on, everything comes again, even what was not named.
        first = min(map(numbers.index, failed))
        rest = batch.records[first:]
        if first > 0:
            self._again.appendleft(_Batch(rest, attempts=1))
            return []
        is_whole = len(failed) == len(numbers)
        if is_whole and len(rest) > 1:
            middle = len(rest) // 2
            self._again.appendleft(_Batch(rest[middle:], batch.attempts))
            self._again.appendleft(_Batch(rest[:middle], batch.attempts))
            return []
        if batch.attempts >= self._settings.max_retries:
            # One that was named alone must not take the others with it.
            if len(rest) > 1:
                self._again.appendleft(_Batch(rest[1:]))
            return rest[:1]
        self._again.appendleft(_Batch(rest, batch.attempts + 1))
        return []

    def _new_batch(self) -> _Batch:
        size = min(self._settings.batch_size, len(self._unread))
        return _Batch([self._unread.popleft() for _ in range(size)])

    def _is_late(self, record: Record, now: float) -> bool:
        created_at: float = record["dynamodb"]["ApproximateCreationDateTime"]
        return now - created_at > self._settings.max_age_seconds


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
