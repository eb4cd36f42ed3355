"""The clock of the embedded services, and what DynamoDB does when it has moved on.

moto deletes nothing whose time to live is over. DynamoDB does so within a few days
("Using time to live (TTL) in DynamoDB"); here it is done when the clock is advanced.
"""

import importlib
import time
from collections.abc import Iterator
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_SERVICE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
"""Who deletes, in the stream's records ("DynamoDB Streams and Time to Live")."""

_OLDEST_SECONDS = 5 * 365 * 86_400
"""Whose time was over earlier is kept ("Using time to live (TTL) in DynamoDB")."""


class ServiceClock:
    """The clock of this process, which can be advanced.

    Attributes:
        offset: By how many seconds it is ahead of real time.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self._traveller: Any = None

    def real_time(self) -> float:
        """Return the real time, in seconds since the epoch."""
        return time.time() - self.offset

    def advance_to(self, offset: float) -> None:
        """Be ahead of real time by that many seconds from now on."""
        ahead, self.offset = offset - self.offset, offset
        if self._traveller is None:
            travel = importlib.import_module("time_machine").travel
            self._traveller = travel(time.time() + ahead, tick=True).start()
        else:
            self._traveller.shift(ahead)


def delete_expired() -> int:
    """Delete the items whose time to live is over, and return how many there were.

    The stream says that DynamoDB itself has deleted them.
    """
    count = 0
    for table in _list_tables():
        for item in [*_find_expired(table, time.time())]:
            table.delete_item(item.hash_key, item.range_key)
            if table.stream_shard is not None:
                table.stream_shard.items[-1].record["userIdentity"] = _SERVICE
            count += 1
    return count


def _list_tables() -> Iterator[Table]:
    for regions in dynamodb_backends.values():
        for backend in regions.values():
            yield from backend.tables.values()


def _find_expired(table: Table, now: float) -> Iterator[Item]:
    if table.ttl["TimeToLiveStatus"] != "ENABLED":
        return
    for item in table.all_items():
        expiry = item.attrs.get(table.ttl["AttributeName"])
        if expiry is None or expiry.type != "N":
            continue  # it never expires
        if now - _OLDEST_SECONDS < float(expiry.value) < now:
            yield item
