"""One topic: who subscribes to it, who is present, and what its log has."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from wspubsub.dynamodb.access import TableAccess
from wspubsub.dynamodb.items import (
    Item,
    is_live,
    presence_partition,
    read_expiry,
    topic_partition,
    user_partition,
)
from wspubsub.dynamodb.kinds import ItemKind
from wspubsub.dynamodb.log_items import log_partition, offset_key
from wspubsub.dynamodb.shards import MAX_SHARDS
from wspubsub.log.rules import MAX_OFFSET
from wspubsub.operations.decoding import Fields, decode_item

FIRST_SHARDS = 16
"""How many shards are looked into at least where their number is not known."""


def read_subscribers(
    table: TableAccess, topic: str, *, now: float, shards: int | None = None
) -> Iterator[Fields]:
    """Yield the subscribers of a topic.

    Costs 1 read unit for each 8 KB, and half a unit for each shard without any.

    Args:
        table: The table.
        topic: The topic.
        now: The time, in seconds since the epoch; what has expired is left out.
        shards: How many shards the topic has, or had; None looks into 16, and into
            twice as many for as long as the later half has subscribers.

    Raises:
        StoreError: DynamoDB failed.
    """
    first, until = 0, shards or FIRST_SHARDS
    while first < until:
        is_empty = True
        for shard in range(first, until):
            for item in _read_partition(table, topic_partition(topic, shard)):
                is_empty = is_empty and shard < until // 2
                if is_live(item, now):
                    yield decode_item(item).fields
        first = until
        if shards is None and not is_empty:
            until = min(until * 2, MAX_SHARDS)


def read_presence(table: TableAccess, topic: str, *, now: float) -> list[Fields]:
    """Return who is present in a topic, and the stays of users.

    Costs 1 read unit for each 8 KB.

    Raises:
        StoreError: DynamoDB failed.
    """
    return [
        {"is_stay": kind is ItemKind.STAY, **fields}
        for kind, fields in (
            decode_item(item)
            for item in _read_partition(table, presence_partition(topic))
            if is_live(item, now)
        )
    ]


def read_user(table: TableAccess, user: str, *, now: float) -> list[str]:
    """Return the connections of a user of a `PubSub`.

    Costs 1 read unit for each 8 KB.

    Raises:
        StoreError: DynamoDB failed.
    """
    items = _read_partition(table, user_partition(user))
    return [item["sk"]["S"] for item in items if is_live(item, now)]


def read_newest(
    table: TableAccess, topic: str, limit: int | None, *, now: float
) -> list[Fields]:
    """Return the newest messages of a topic's log, oldest first.

    They are what the table has, also what the topic's history no longer gives to
    clients. What has no `id` begins an epoch.

    Costs 1 read unit for each 8 KB of them.

    Args:
        table: The table.
        topic: The topic.
        limit: How many; None for all.
        now: The time, in seconds since the epoch; what has expired is left out.

    Raises:
        StoreError: DynamoDB failed.
    """
    request = _up_to(MAX_OFFSET)
    if limit is not None:
        request["Limit"] = max(1, limit)
    items = _read_partition(table, log_partition(topic), request, _UP_TO)
    newest = (
        fields
        for item in itertools.islice(items, limit)
        if read_expiry(item) > now
        for fields in reversed(_read_entry(item))
    )
    return list(itertools.islice(newest, limit))[::-1]


def read_after(table: TableAccess, topic: str, offset: int) -> list[Fields]:
    """Return the messages of a topic's log after an offset, oldest first.

    Costs 1 read unit for each 8 KB of them, and half a unit if there are none; half a
    unit more if the offset is not that of the last message of an entry.

    Raises:
        StoreError: DynamoDB failed.
    """
    found = _read_entries_after(table, topic, offset)
    if not found or found[0].get("offset") != offset + 1:
        # It may lie within the entry before.
        request = {**_up_to(offset), "Limit": 1}
        items = _read_partition(table, log_partition(topic), request, _UP_TO)
        before = [
            fields
            for item in itertools.islice(items, 1)
            for fields in _read_entry(item)
            if fields.get("offset", 0) > offset
        ]
        found = before + found
    return found


def _read_entries_after(table: TableAccess, topic: str, offset: int) -> list[Fields]:
    first, last = offset_key(offset + 1), offset_key(MAX_OFFSET)
    values = {":after": {"S": first}, ":last": {"S": last}}
    items = _read_partition(
        table,
        log_partition(topic),
        {"ExpressionAttributeValues": values},
        " AND sk BETWEEN :after AND :last",
    )
    return [fields for item in items for fields in _read_entry(item)]


_UP_TO = " AND sk <= :last"


def _up_to(offset: int) -> dict[str, Any]:
    return {
        "ExpressionAttributeValues": {":last": {"S": offset_key(offset)}},
        "ScanIndexForward": False,
    }


def follow(
    table: TableAccess,
    topic: str,
    offset: int,
    *,
    every_seconds: float,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Fields]:
    """Yield the messages of a topic's log as they are written, without an end.

    Costs as much as `read_after`, each time.

    Args:
        table: The table.
        topic: The topic.
        offset: Offset of the last message that is known.
        every_seconds: How long to wait between two reads.
        sleep: Waits.

    Raises:
        StoreError: DynamoDB failed.
    """
    while True:
        for entry in _read_entries_after(table, topic, offset):
            offset = entry["offset"]
            yield entry
        sleep(every_seconds)


def _read_entry(item: Item) -> list[Fields]:
    """Return the messages of an entry, in order."""
    first = decode_item(item).fields
    carried = first.pop("carried", ())
    return [first, *({"topic": first["topic"], **each} for each in carried)]


def _read_partition(
    table: TableAccess,
    partition: str,
    request: dict[str, Any] | None = None,
    condition: str = "",
) -> Iterator[Item]:
    start = None
    while True:
        page = table.page(partition, start, request or {}, condition)
        yield from page.items
        start = page.next_key
        if start is None:
            return
