"""What an item of the table is for, read back from its key.

The inverse of the key functions in `items` and `log_items`.
"""

from enum import Enum
from typing import NamedTuple

from wspubsub.dynamodb.items import (
    CONNECTION_SORT_KEY,
    Item,
    connection_partition,
    presence_partition,
    read_topic,
    ready_key,
    topic_partition,
    user_partition,
)
from wspubsub.dynamodb.log_items import key_key, log_partition
from wspubsub.dynamodb.log_offers import is_offer


class ItemKind(Enum):
    """What an item is for."""

    CONNECTION = "connection"
    """A connection that a router recorded, or that has ended."""
    SESSION = "session"
    """A connection of a `PubSub`, with its user."""
    GREETING = "greeting"
    """The mark that a connection was greeted."""
    SUBSCRIPTION = "subscription"
    """A topic of a connection: the connection's side of a subscription."""
    SUBSCRIBER = "subscriber"
    """A subscriber of a topic: the topic's side of a subscription."""
    PRESENCE = "presence"
    """A connection that is present in a topic."""
    STAY = "stay"
    """A user's stay in a topic with a period of grace."""
    USER = "user"
    """A connection of a user."""
    MESSAGE = "message"
    """A log entry with a message, or several."""
    EPOCH = "epoch"
    """A log entry that begins an epoch."""
    OFFER = "offer"
    """A message that whoever writes the next log entry may carry."""
    KEY = "key"
    """The key that a message was published with."""
    OTHER = "other"
    """An item of the application's own, or one that cannot be read."""


class ItemKey(NamedTuple):
    """What the key of an item says.

    Attributes:
        kind: What the item is for; a session counts as a connection, and the beginning
            of an epoch as a message, since their keys are alike.
        names: What it names: `connection`, `topic`, `user`, `shard`, `offset`, `key`.
    """

    kind: ItemKind
    names: dict[str, str | int]


def read_key(item: Item) -> ItemKey:
    """Return what the key of an item says.

    Raises:
        KeyError: The item has another key than the table's.
        ValueError: The key begins like one of ours, and goes on differently.
    """
    partition: str = item["pk"]["S"]
    sort_key: str = item["sk"]["S"]
    for prefix, read in _READERS.items():
        if partition.startswith(prefix):
            return read(item, partition.removeprefix(prefix), sort_key)
    return ItemKey(ItemKind.OTHER, {})


def _read_connection(item: Item, connection: str, sort_key: str) -> ItemKey:
    topic = read_topic(item)
    if topic is not None:
        names: dict[str, str | int] = {"connection": connection, "topic": topic}
        return ItemKey(ItemKind.SUBSCRIPTION, names)
    if sort_key == ready_key(connection)["sk"]["S"]:
        return ItemKey(ItemKind.GREETING, {"connection": connection})
    if sort_key == CONNECTION_SORT_KEY:
        return ItemKey(ItemKind.CONNECTION, {"connection": connection})
    raise ValueError(f"a connection has no items with the sort key {sort_key!r}")


def _read_subscriber(_item: Item, rest: str, sort_key: str) -> ItemKey:
    shard, _, topic = rest.partition("#")
    names: dict[str, str | int]
    names = {"topic": topic, "connection": sort_key, "shard": int(shard)}
    return ItemKey(ItemKind.SUBSCRIBER, names)


def _read_presence(_item: Item, topic: str, sort_key: str) -> ItemKey:
    prefix = user_partition("")
    if sort_key.startswith(prefix):
        user = sort_key.removeprefix(prefix)
        return ItemKey(ItemKind.STAY, {"topic": topic, "user": user})
    return ItemKey(ItemKind.PRESENCE, {"topic": topic, "connection": sort_key})


def _read_user(_item: Item, user: str, sort_key: str) -> ItemKey:
    return ItemKey(ItemKind.USER, {"user": user, "connection": sort_key})


def _read_entry(item: Item, topic: str, sort_key: str) -> ItemKey:
    if is_offer(item):
        return ItemKey(ItemKind.OFFER, {"topic": topic})
    return ItemKey(ItemKind.MESSAGE, {"topic": topic, "offset": int(sort_key)})


def _read_message_key(_item: Item, rest: str, _sort_key: str) -> ItemKey:
    length, _, text = rest.partition("#")
    topic, key = text[: int(length)], text[int(length) + 1 :]
    return ItemKey(ItemKind.KEY, {"topic": topic, "key": key})


def _prefix(partition: str) -> str:
    return partition[: partition.index("#") + 1]


_READERS = {
    connection_partition(""): _read_connection,
    _prefix(topic_partition("", 0)): _read_subscriber,
    presence_partition(""): _read_presence,
    user_partition(""): _read_user,
    log_partition(""): _read_entry,
    _prefix(key_key("", "")["pk"]["S"]): _read_message_key,
}
