"""The table's items: how connections and subscriptions become keys and attributes.

One table, string keys `pk` and `sk`, TTL attribute `expires_at`:

| item | pk | sk |
|---|---|---|
| connection | `C#<connection id>` | `#` |
| topic of a connection | `C#<connection id>` | `T#<topic>` |
| subscriber of a topic | `T#<shard>#<topic>` | `<connection id>` |

What may hold any character stands last in its key, and a shard has digits only, so no
topic name can collide with another item's key.
"""

from collections.abc import Mapping
from typing import Any

from wspubsub.events import Connection

Item = dict[str, dict[str, Any]]
Key = dict[str, dict[str, str]]

CONNECTION_SORT_KEY = "#"
_TOPIC_PREFIX = "T#"


def connection_partition(connection_id: str) -> str:
    """Return the partition key of all items of a connection."""
    return f"C#{connection_id}"


def topic_partition(topic: str, shard: int) -> str:
    """Return the partition key of the subscribers in one shard of a topic."""
    return f"T#{shard}#{topic}"


def connection_item(connection: Connection, expires_at: int) -> Item:
    """Return the item that records a connection."""
    item: Item = {
        "pk": {"S": connection_partition(connection.id)},
        "sk": {"S": CONNECTION_SORT_KEY},
        "connected_at": {"N": repr(connection.connected_at)},
        "expires_at": {"N": str(expires_at)},
    }
    if connection.principal is not None:
        item["principal"] = {"S": connection.principal}
    if connection.attributes:
        item["attributes"] = {
            "M": {name: {"S": text} for name, text in connection.attributes.items()}
        }
    return item


def read_connection(item: Mapping[str, Any]) -> Connection:
    """Return the connection that an item records."""
    return Connection(
        id=item["pk"]["S"].removeprefix("C#"),
        connected_at=float(item["connected_at"]["N"]),
        principal=item.get("principal", {}).get("S"),
        attributes={
            name: value["S"]
            for name, value in item.get("attributes", {}).get("M", {}).items()
        },
    )
