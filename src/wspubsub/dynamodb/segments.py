"""Splitting a topic's subscribers into segments while they are read."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wspubsub.subscriptions.port import Segment


def sort_key_range(
    after: str | None, until: str | None
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the condition on the sort key, including both ends, and its values."""
    values: dict[str, dict[str, Any]] = {}
    if after is not None:
        values[":after"] = {"S": after}
    if until is not None:
        values[":until"] = {"S": until}
    conditions = {
        (False, False): "",
        (True, False): " AND sk >= :after",
        (False, True): " AND sk <= :until",
        (True, True): " AND sk BETWEEN :after AND :until",
    }
    return conditions[after is not None, until is not None], values


def split(
    within: Sequence[Segment],
    size: int,
    pages: Iterable[tuple[Segment, Iterable[str]]],
) -> Iterator[Segment]:
    """Yield the parts of segments, each as soon as its end has been read.

    Args:
        within: The segments, at most one of a shard.
        size: How many connection IDs a part has at most.
        pages: What is read of them: connection IDs, those of a segment in order.
    """
    parts = {segment: _Part(segment.after) for segment in within}
    for segment, ids in pages:
        part = parts[segment]
        for connection_id in ids:
            # Cut when the next one is there: so the last part ends where the whole
            # does, and takes in who subscribes meanwhile.
            if part.size == size:
                yield Segment(segment.shard, part.after, part.last)
                part.after, part.size = part.last, 0
            part.last = connection_id
            part.size += 1
    for segment, part in parts.items():
        if part.size:
            yield Segment(segment.shard, part.after, segment.until)


class _Part:
    __slots__ = ("after", "last", "size")

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.last = after
        self.size = 0
