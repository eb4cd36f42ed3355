"""The order in which a stream's shards are read: a parent before its children.

"Change data capture for DynamoDB Streams": only so is the order of an item's changes
kept when its shard is split.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wspubsub.mappings.clients import StreamsClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard, as DescribeStream lists it.

    Attributes:
        shard_id: Its ID.
        parent_id: The shard that it continues; may be empty.
        is_closed: Whether nothing more is written to it.
    """

    shard_id: str
    parent_id: str = ""
    is_closed: bool = False

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> "Shard":
        """Return the shard that a description describes."""
        numbers = description.get("SequenceNumberRange", {})
        return cls(
            shard_id=description["ShardId"],
            parent_id=description.get("ParentShardId", ""),
            is_closed="EndingSequenceNumber" in numbers,
        )


class Lineage:
    """Which shards have been read, and which are next."""

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._ended: set[str] = set()

    def skip(self, shards: Iterable[Shard]) -> None:
        """Count shards as already read."""
        for shard in shards:
            self._begun.add(shard.shard_id)
            self._ended.add(shard.shard_id)

    def begin(self, shards: Iterable[Shard]) -> list[Shard]:
        """Return the shards to read from now on, out of all that exist."""
        listed = {shard.shard_id: shard for shard in shards}
        ready = [
            shard
            for shard in listed.values()
            if shard.shard_id not in self._begun
            # A parent that is not listed any more is older than the stream keeps.
            and (shard.parent_id not in listed or shard.parent_id in self._ended)
        ]
        self._begun.update(shard.shard_id for shard in ready)
        return ready

    def end(self, shard: Shard) -> None:
        """Note that a shard was read to its end."""
        self._ended.add(shard.shard_id)


def list_shards(client: StreamsClient, stream_arn: str) -> list[dict[str, Any]]:
    """Return the descriptions of all shards, page by page."""
    found: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    while True:
        answer = client.describe_stream(StreamArn=stream_arn, **page)
        description = answer["StreamDescription"]
        found += description.get("Shards", [])
        last = description.get("LastEvaluatedShardId")
        if last is None:
            return found
        page = {"ExclusiveStartShardId": last}
