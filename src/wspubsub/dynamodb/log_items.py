"""The items of topic logs: how messages and keys become items.

| item | pk | sk |
|---|---|---|
| log entry | `L#<topic>` | `<offset, 16 digits>` |
| key of a message | `K#<characters of the topic>#<topic>#<key>` | `#` |

The length says where the topic ends, so no topic and key together can be taken for
another topic and key.

An entry has the message of its writer, and may carry those of others: they have the
offsets that follow on its own, and the next entry comes after them. `carries` says how
many they are, so that where a log ends can be read without them.

The entry that begins an epoch, its genesis, has no message: it is told by the attribute
`genesis`, and a message by its `id`. The genesis draws the epoch, by which its writer
knows it again.
"""

import math
import os
from collections.abc import Iterable
from typing import NamedTuple

from wspubsub.dynamodb.items import Item
from wspubsub.log.drafts import Draft, digest
from wspubsub.log.rules import (
    CLOCK_SKEW_SECONDS,
    DELETION_MARGIN_SECONDS,
    History,
    LoggedMessage,
    Position,
    genesis_position,
    is_from_the_future,
    is_position,
    position_after,
)

LONGER_HISTORY_SECONDS = 7 * 24 * 60 * 60
"""How much longer another program's history may be than this one's."""


class Tail(NamedTuple):
    """The newest entry of a log, without its data.

    Attributes:
        position: That of its last message.
        published_at: When it was published.
        expires_at: From when on DynamoDB may delete it.
        carries: How many messages it has besides its writer's.
    """

    position: Position
    published_at: float
    expires_at: int
    carries: int = 0

    @property
    def begins_at(self) -> int:
        """The offset of its first message, which is in its key."""
        return self.position.offset - self.carries


class Genesis(NamedTuple):
    """An entry that begins an epoch, to be written.

    Attributes:
        topic: The topic.
        tail: The entry as the newest of its log.
        predecessor: The entry that must still be there; None if there was none.
        token: Random text that no other entry has; a transaction's token.
    """

    topic: str
    tail: Tail
    predecessor: Tail | None
    token: str


class LogEntry(NamedTuple):
    """An entry with a message, to be written.

    Attributes:
        message: The message of its writer, the first in it.
        expires_at: From when on DynamoDB may delete it.
        forgotten: Times of publication of keys that are forgotten: up to the first one,
            and after the second.
        token: Random text that no other entry has; a transaction's token.
        carried: Messages of other writers, which follow in this order.
    """

    message: LoggedMessage
    expires_at: int
    forgotten: tuple[float, float]
    token: str
    carried: tuple[LoggedMessage, ...] = ()

    @property
    def tail(self) -> Tail:
        """The entry as the newest of its log."""
        last = self.carried[-1] if self.carried else self.message
        return Tail(
            last.position, last.published_at, self.expires_at, len(self.carried)
        )


def is_live(tail: Tail, history: History, now: float) -> bool:
    """Whether an entry, if it is the newest, is the topic's position.

    It is not if it has expired, by this history or by its writer's: then DynamoDB may
    have deleted a newer one.
    """
    is_fresh = tail.expires_at > now + DELETION_MARGIN_SECONDS - CLOCK_SKEW_SECONDS
    is_trusted = not _is_excessive(tail, history, now)
    return is_fresh and is_trusted and is_position(tail.published_at, history, now)


def genesis_after(
    topic: str, tail: Tail | None, history: History, now: float
) -> Genesis:
    """Return the entry that begins an epoch after the newest known entry."""
    position = genesis_position(tail.position if tail else None)
    published_at, expires_at = _times_after(tail, history, now)
    return Genesis(
        topic,
        Tail(position, published_at, expires_at),
        # Two that begin an epoch may have seen different entries, since DynamoDB
        # deletes what has expired; only who saw the newest may begin it.
        tail,
        os.urandom(16).hex(),
    )


def entry_after(
    tail: Tail,
    drafted: Draft,
    history: History,
    now: float,
    carried: Iterable[Draft] = (),
) -> LogEntry:
    """Return the entry that follows the newest one."""
    published_at, expires_at = _times_after(tail, history, now)
    # Its writer's message comes first, so by the ID of an entry's first message
    # its writer is told from all others.
    messages = []
    position = tail.position
    for each in (drafted, *carried):
        position = position_after(position)
        messages.append(each.at(position, published_at))
    return LogEntry(
        messages[0],
        expires_at,
        (now - history.ttl_seconds, now + CLOCK_SKEW_SECONDS),
        os.urandom(16).hex(),
        tuple(messages[1:]),
    )


def _times_after(tail: Tail | None, history: History, now: float) -> tuple[float, int]:
    """Return when an entry after another is published, and when it expires.

    Neither is before the other's, whatever the history of that one's writer is: an
    entry that is seen unexpired must be the newest that there ever was. But what a
    wrong clock or a mistaken history has written is not handed on.
    """
    lasts = history.position_ttl_seconds
    if tail is None or _is_excessive(tail, history, now):
        return now, _expiry(now, lasts)
    published_at = max(now, tail.published_at)
    return published_at, max(_expiry(published_at, lasts), tail.expires_at)


def _is_excessive(tail: Tail, history: History, now: float) -> bool:
    longest = _expiry(now, history.position_ttl_seconds) + LONGER_HISTORY_SECONDS
    return tail.expires_at > longest or is_from_the_future(tail.published_at, now)


def _expiry(published_at: float, ttl_seconds: float) -> int:
    return math.ceil(published_at + ttl_seconds + DELETION_MARGIN_SECONDS)


def log_partition(topic: str) -> str:
    """Return the partition key of a topic's log."""
    return f"L#{topic}"


def offset_key(offset: int) -> str:
    """Return the sort key of an offset; as text, they sort like the numbers."""
    return f"{offset:016d}"


def entry_key(topic: str, offset: int) -> Item:
    """Return the key of a log entry."""
    return {"pk": {"S": log_partition(topic)}, "sk": {"S": offset_key(offset)}}


def key_key(topic: str, key: str) -> Item:
    """Return the key of the item that remembers a message's key."""
    return {"pk": {"S": f"K#{len(topic)}#{topic}#{key}"}, "sk": {"S": "#"}}


def genesis_item(genesis: Genesis) -> Item:
    """Return the item that begins an epoch."""
    item = _item(genesis.topic, genesis.tail)
    return item | {"genesis": {"BOOL": True}}


def entry_item(entry: LogEntry) -> Item:
    """Return the item of a log entry with a message."""
    message = entry.message
    item = _item(message.topic, entry.tail) | content_of(message)
    if entry.carried:
        item["carries"] = {"N": str(len(entry.carried))}
        item["carried"] = {"L": [{"M": content_of(each)} for each in entry.carried]}
    return item


def content_of(message: Draft | LoggedMessage) -> Item:
    """Return the attributes of a message that do not depend on its position."""
    content: Item = {"id": {"S": message.id}}
    # Not every endpoint takes an empty value, and none an empty set.
    if message.data:
        content["data"] = {"B": message.data}
    if message.exclude:
        content["exclude"] = {"SS": sorted(message.exclude)}
    if message.info:
        content["info"] = {"B": message.info}
    return content


def read_content(content: Item, topic: str) -> Draft:
    """Return a message from such attributes."""
    return Draft(
        topic,
        data=content.get("data", {}).get("B", b""),
        key=None,
        exclude=frozenset(content.get("exclude", {}).get("SS", ())),
        info=content.get("info", {}).get("B"),
        id=read_id(content),
    )


def _item(topic: str, tail: Tail) -> Item:
    return entry_key(topic, tail.begins_at) | {
        "epoch": {"S": tail.position.epoch},
        "published_at": {"N": repr(float(tail.published_at))},
        "expires_at": {"N": str(tail.expires_at)},
    }


def key_item(message: LoggedMessage, key: str, history: History) -> Item:
    """Return the item that remembers the key of a message."""
    return key_key(message.topic, key) | {
        "epoch": {"S": message.position.epoch},
        "offset": {"N": str(message.position.offset)},
        "id": {"S": message.id},
        "digest": {"S": digest(message.data)},
        "published_at": {"N": repr(float(message.published_at))},
        "expires_at": {"N": str(_expiry(message.published_at, history.ttl_seconds))},
    }


def make_sent_item(message: LoggedMessage, key: str, history: History) -> Item:
    """Return the item of a key whose message has been handed to everyone."""
    return key_item(message, key, history) | {"is_sent": {"BOOL": True}}


def read_tail(item: Item) -> Tail:
    """Return the entry of an item as the newest of its log."""
    carries = int(item.get("carries", {}).get("N", 0))
    return Tail(
        Position(item["epoch"]["S"], int(item["sk"]["S"]) + carries),
        read_published_at(item),
        int(item["expires_at"]["N"]),
        carries,
    )


def is_genesis(item: Item) -> bool:
    """Return whether an entry's item begins an epoch and has no message."""
    return "genesis" in item


def read_messages(item: Item) -> list[LoggedMessage]:
    """Return the messages in a log entry's item, in order."""
    topic = item["pk"]["S"].removeprefix("L#")
    epoch, first = item["epoch"]["S"], int(item["sk"]["S"])
    published_at = read_published_at(item)
    carried = [each["M"] for each in item.get("carried", {}).get("L", ())]
    return [
        read_content(content, topic).at(Position(epoch, offset), published_at)
        for offset, content in enumerate([item, *carried], first)
    ]


def read_first(item: Item, drafted: Draft) -> LoggedMessage:
    """Return a message as the first one with its key, which an item remembers."""
    position = Position(item["epoch"]["S"], int(item["offset"]["N"]))
    return drafted.at(position, read_published_at(item), id_=read_id(item))


def read_id(item: Item) -> str:
    """Return the message ID in an entry's or a key's item."""
    return str(item["id"]["S"])


def read_digest(item: Item) -> str:
    """Return the digest of the data in a key's item."""
    return str(item["digest"]["S"])


def read_is_sent(item: Item) -> bool:
    """Return whether the message of a key's item has been handed to everyone."""
    return "is_sent" in item


def read_published_at(item: Item) -> float:
    """Return the time of publication in an entry's or a key's item."""
    return float(item["published_at"]["N"])
