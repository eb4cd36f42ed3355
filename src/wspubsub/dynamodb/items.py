"""The table's items: how connections and subscriptions become keys and attributes.

One table, string keys `pk` and `sk`, TTL attribute `expires_at` in epoch seconds:

| item | pk | sk |
|---|---|---|
| connection | `C#<connection id>` | `#` |
| topic of a connection | `C#<connection id>` | `T#<topic>` |
| mark of a connection that was greeted | `C#<connection id>` | `R` |
| subscriber of a topic | `T#<shard>#<topic>` | `<connection id>` |
| who is present in a topic | `P#<topic>` | `<connection id>` |
| stay of a user in a topic | `P#<topic>` | `U#<user>` |
| connection of a user | `U#<user>` | `<connection id>` |

The last three, and what `member_items` adds to the others, are written for `PubSub`
only. What may hold any character stands last in its key, a shard has digits only, and
a connection ID has no `#`, so no name can collide with another item's key. A subscriber
is read once for each publish, so it carries as few bytes as possible.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wspubsub.events import Connection

Item = dict[str, Any]
Write = dict[str, Any]

TTL_ATTRIBUTE = "expires_at"
"""When DynamoDB may delete an item, in epoch seconds."""

CONNECTION_SORT_KEY = "#"
_READY = "R"
_TOPIC = "T#"


class Written(NamedTuple):
    """When an item is written, and from when on it counts as absent."""

    at: float
    expires_at: int


def connection_partition(connection_id: str) -> str:
    """Return the partition key of all items of a connection."""
    return f"C#{connection_id}"


def topic_partition(topic: str, shard: int) -> str:
    """Return the partition key of the subscribers in one shard of a topic."""
    return f"T#{shard}#{topic}"


def connection_key(connection_id: str) -> Item:
    """Return the key of a connection."""
    return _key(connection_partition(connection_id), CONNECTION_SORT_KEY)


def topic_key(connection_id: str, topic: str) -> Item:
    """Return the key of a topic of a connection."""
    return _key(connection_partition(connection_id), _TOPIC + topic)


def presence_partition(topic: str) -> str:
    """Return the partition key of who is present in a topic."""
    return f"P#{topic}"


def presence_key(connection_id: str, topic: str) -> Item:
    """Return the key of a connection that is present in a topic."""
    return _key(presence_partition(topic), connection_id)


def stay_key(user: str, topic: str) -> Item:
    """Return the key of a user's stay in a topic."""
    return _key(presence_partition(topic), user_partition(user))


def is_ever_present(item: Item) -> bool:
    """Return whether a connection may be shown as present in one of its topics."""
    return "p" in item


def user_partition(user: str) -> str:
    """Return the partition key of a user's connections."""
    return f"U#{user}"


def user_key(connection_id: str, user: str) -> Item:
    """Return the key of a user's connection."""
    return _key(user_partition(user), connection_id)


def subscriber_key(connection_id: str, topic: str, shard: int) -> Item:
    """Return the key of a subscriber of a topic."""
    return _key(topic_partition(topic, shard), connection_id)


def ready_item(connection_id: str, written: Written) -> Item:
    """Return the mark that a connection was greeted."""
    return ready_key(connection_id) | _times(written)


def ready_key(connection_id: str) -> Item:
    """Return the key of the mark that a connection was greeted."""
    return _key(connection_partition(connection_id), _READY)


def is_connection(item: Item) -> bool:
    """Return whether an item records a connection that has not ended."""
    partition: str = item["pk"]["S"]
    sort_key: str = item["sk"]["S"]
    is_record = sort_key == CONNECTION_SORT_KEY and "gone" not in item
    return is_record and partition.startswith(connection_partition(""))


def connection_item(connection: Connection, written: Written) -> Item:
    """Return the item of a connection."""
    item = connection_key(connection.id) | {
        "connected_at": {"N": repr(float(connection.connected_at))},
        **_times(written),
    }
    if connection.principal is not None:
        item["principal"] = {"S": connection.principal}
    if connection.api is not None:
        item["api"] = {"S": connection.api}
    if connection.attributes:
        item["attributes"] = {
            "M": {name: {"S": text} for name, text in connection.attributes.items()}
        }
    return item


def topic_item(
    connection_id: str, topic: str, shard: int, written: Written, api: str | None
) -> Item:
    """Return the item of a topic of a connection."""
    item = topic_key(connection_id, topic) | {
        "shard": {"N": str(shard)},
        **_times(written),
    }
    return item if api is None else item | {"api": {"S": api}}


def leaving_item(item: Item, mark: str) -> Item:
    """Return the item of a topic that its connection is leaving.

    Args:
        item: The item of the topic.
        mark: Text of the caller's own, by which it knows the item again.
    """
    return item | {"leaving": {"S": mark}}


def is_leaving(item: Item) -> bool:
    """Return whether a subscription is being ended, so that it counts as absent."""
    return "leaving" in item


def is_gone(item: Item) -> bool:
    """Return whether an item says that its connection has ended."""
    return "gone" in item


def subscriber_item(
    connection_id: str, topic: str, shard: int, expires_at: int
) -> Item:
    """Return the item of a subscriber of a topic."""
    return subscriber_key(connection_id, topic, shard) | {
        "expires_at": {"N": str(expires_at)}
    }


def read_connection(item: Item) -> Connection:
    """Return the connection that an item records."""
    return Connection(
        id=item["pk"]["S"].removeprefix("C#"),
        connected_at=float(item["connected_at"]["N"]),
        principal=item.get("principal", {}).get("S"),
        api=read_api(item),
        attributes={
            name: value["S"]
            for name, value in item.get("attributes", {}).get("M", {}).items()
        },
    )


def read_topic(item: Item) -> str | None:
    """Return the topic that one of a connection's items is for, or None."""
    sort_key: str = item["sk"]["S"]
    return sort_key.removeprefix(_TOPIC) if sort_key.startswith(_TOPIC) else None


def read_expiry(item: Item) -> float:
    """Return the time from which an item counts as absent."""
    return float(item[TTL_ATTRIBUTE]["N"])


def is_live(item: Item, now: float) -> bool:
    """Return whether an item counts as present."""
    # DynamoDB deletes expired items within days, so readers must leave them out.
    return not (is_leaving(item) or is_gone(item)) and read_expiry(item) > now


def live_topics(items: Iterable[Item], now: float) -> list[Item]:
    """Return the items of a connection's topics that count as there."""
    return [each for each in items if is_live(each, now) and read_topic(each)]


def read_written_at(items: Iterable[Item]) -> Iterator[float]:
    """Yield when each item was written; 0 if an older version did not record it."""
    return (float(item.get("written_at", {}).get("N", 0)) for item in items)


def read_api(item: Item) -> str | None:
    """Return the API and stage that an item's connection belongs to, if recorded."""
    api: str | None = item.get("api", {}).get("S")
    return api


def read_shard(item: Item) -> int:
    """Return the shard that a topic of a connection is in."""
    return int(item["shard"]["N"])


def put(item: Item) -> Write:
    """Return the write that puts an item."""
    return {"PutRequest": {"Item": item}}


def delete(key: Item) -> Write:
    """Return the write that deletes an item."""
    return {"DeleteRequest": {"Key": key}}


def key_of(item: Item) -> Item:
    """Return the key of an item."""
    return {"pk": item["pk"], "sk": item["sk"]}


def _times(written: Written) -> Item:
    return {
        "written_at": {"N": repr(written.at)},
        TTL_ATTRIBUTE: {"N": str(written.expires_at)},
    }


def _key(partition_key: str, sort_key: str) -> Item:
    return {"pk": {"S": partition_key}, "sk": {"S": sort_key}}
