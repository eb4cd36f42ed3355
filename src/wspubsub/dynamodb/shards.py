"""How many partitions a topic's subscribers are spread over."""

from collections.abc import Mapping

from wspubsub.errors import UsageError
from wspubsub.topics import find_by_pattern, shard_of

MAX_SHARDS = 1000

Shards = int | Mapping[str, int]
"""A number for all topics, or one for each pattern of topic names (`*`, `?`, `[…]`).

The first pattern that fits counts; a topic that fits none has one shard.
"""


class ShardPlan:
    """Knows which shard a subscription goes to, and which shards may hold one.

    Args:
        shards: How many shards topics have.
        previous_shards: How many they had before, while subscriptions made then may
            still be alive.

    Raises:
        UsageError: A number is not from 1 to 1,000.
    """

    __slots__ = ("_previous", "_shards")

    def __init__(self, shards: Shards, previous_shards: Shards | None) -> None:
        self._shards = _check(shards)
        self._previous = (
            self._shards if previous_shards is None else _check(previous_shards)
        )

    def shard(self, connection_id: str, topic: str) -> int:
        """Return the shard that a new subscription goes to."""
        return shard_of(connection_id, _number(self._shards, topic))

    def candidates(self, connection_id: str, topic: str) -> list[int]:
        """Return the shards of either plan, that of a new subscription first."""
        previous = shard_of(connection_id, _number(self._previous, topic))
        return list(dict.fromkeys((self.shard(connection_id, topic), previous)))

    def writable(self, connection_id: str, topic: str) -> set[int]:
        """Return the shards that either plan puts a subscription in."""
        return set(self.candidates(connection_id, topic))

    def readable(self, topic: str) -> range:
        """Return the shards that may hold subscriptions to a topic."""
        return range(max(_number(self._shards, topic), _number(self._previous, topic)))


def _number(shards: Shards, topic: str) -> int:
    if isinstance(shards, int):
        return shards
    return find_by_pattern(shards, topic) or 1


def _check(shards: Shards) -> Shards:
    numbers = shards.values() if isinstance(shards, Mapping) else [shards]
    for number in numbers:
        # True is an int as well.
        if type(number) is not int or not 1 <= number <= MAX_SHARDS:
            raise UsageError(
                f"a topic must have from 1 to {MAX_SHARDS} shards, not {number!r}"
            )
    return shards
