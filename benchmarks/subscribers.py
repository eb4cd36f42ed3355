"""Subscribers in the table, written as the store writes them, only faster."""

from collections.abc import Iterable
from typing import Any

from wspubsub.dynamodb.batches import write_all
from wspubsub.dynamodb.items import put, subscriber_item

EXPIRES_AT = 4_102_444_799
"""In the year 2099, with as many digits as today."""


def fill_topic(
    client: Any,  # noqa: ANN401 - boto3 ships no types
    table: str,
    topic: str,
    connection_ids: Iterable[str],
) -> None:
    """Make connections subscribers of a topic with one shard."""
    items = (subscriber_item(each, topic, 0, EXPIRES_AT) for each in connection_ids)
    write_all(client, table, map(put, items))
