"""A topic with many subscribers, read in virtual time as DynamoDB gives its pages."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.simulation.aws import (
    BYTES_PER_READ_UNIT,
    PAGE_BYTES,
    PARTITION_READ_UNITS_PER_SECOND,
    SUBSCRIBER_BYTES,
    Times,
    Usage,
)
from benchmarks.simulation.clock import VirtualClock
from wspubsub import MemorySubscriptionStore, Segment
from wspubsub.dynamodb.segments import split

PER_PAGE = PAGE_BYTES // SUBSCRIBER_BYTES


class SimulatedStore(MemorySubscriptionStore):
    """The subscribers of one topic, by number; the real code splits them.

    Shards are read side by side, the pages of one after another, and no faster than
    a partition of DynamoDB allows.
    """

    def __init__(
        self,
        clock: VirtualClock,
        times: Times,
        usage: Usage,
        topic: str,
        *,
        subscribers: int,
        shards: int,
    ) -> None:
        super().__init__()
        self._topic = topic
        self._virtual = clock
        self._times = times
        self._usage = usage
        self._sizes = [
            subscribers // shards + (shard < subscribers % shards)
            for shard in range(shards)
        ]

    def topics(self, connection_id: str) -> frozenset[str]:
        """See `SubscriptionStore.topics`: nobody unsubscribes."""
        self._usage.read_units += 1
        return frozenset({self._topic})

    def whole(self, topic: str) -> tuple[Segment, ...]:
        """See `SegmentedStore.whole`."""
        return tuple(map(Segment, range(len(self._sizes))))

    def subscribers(
        self,
        topic: str,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """See `SubscriptionStore.subscribers`."""
        return (
            connection_id
            for _, ids in self._pages(self.whole(topic), consistent=consistent)
            for connection_id in ids
        )

    def segments(
        self,
        topic: str,
        size: int,
        within: Iterable[Segment],
        *,
        consistent: bool = False,
    ) -> Iterator[Segment]:
        """See `SegmentedStore.segments`."""
        parts = list(within)
        return split(parts, size, self._pages(parts, consistent=consistent))

    def segment(
        self,
        topic: str,
        segment: Segment,
        *,
        consistent: bool = False,
        timeout_seconds: float | None = None,
    ) -> Iterator[str]:
        """See `SegmentedStore.segment`."""
        pages = self._pages((segment,), consistent=consistent)
        return (each for _, ids in pages for each in ids)

    def _pages(
        self, segments: Sequence[Segment], *, consistent: bool
    ) -> Iterator[tuple[Segment, list[str]]]:
        per_byte = (2 if consistent else 1) / BYTES_PER_READ_UNIT
        left = {segment: self._range(segment) for segment in segments}
        while any(left.values()):
            pages = {segment: ids[:PER_PAGE] for segment, ids in left.items() if ids}
            units = [len(ids) * SUBSCRIBER_BYTES * per_byte for ids in pages.values()]
            self._usage.read_units += sum(units)
            slowest = max(units) / PARTITION_READ_UNITS_PER_SECOND
            self._virtual.sleep(max(self._times.page_seconds, slowest))
            for segment, ids in pages.items():
                left[segment] = left[segment][len(ids) :]
                yield segment, [_name(segment.shard, number) for number in ids]

    def _range(self, segment: Segment) -> range:
        after = -1 if segment.after is None else _number(segment.after)
        size = self._sizes[segment.shard]
        until = size - 1 if segment.until is None else _number(segment.until)
        return range(after + 1, until + 1)


def _name(shard: int, number: int) -> str:
    return f"{shard:04}{number:010}="


def _number(connection_id: str) -> int:
    return int(connection_id[4:-1])
