"""All connections and all topics, put together from the items of a table."""

from collections.abc import Iterable
from typing import Any

from wspubsub.dynamodb.items import Item, is_live
from wspubsub.dynamodb.kinds import ItemKind
from wspubsub.operations.decoding import Fields, decode_item

_CONNECTIONS = {ItemKind.CONNECTION, ItemKind.SESSION}
_OF_TOPICS = {
    ItemKind.SUBSCRIBER,
    ItemKind.PRESENCE,
    ItemKind.MESSAGE,
    ItemKind.EPOCH,
}


class Summary:
    """Takes the items of a table, and knows its connections and topics then.

    Args:
        now: The time, in seconds since the epoch; what has expired is left out.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self._connections: dict[str, Fields] = {}
        self._topics: dict[str, Fields] = {}

    def add(self, items: Iterable[Item]) -> None:
        """Take some items, in any order."""
        for item in items:
            kind, fields = decode_item(item)
            if kind is ItemKind.OTHER or not is_live(item, self._now):
                continue
            if kind in _CONNECTIONS:
                self._connection(fields["connection"]).update(fields)
            elif kind is ItemKind.SUBSCRIPTION:
                connection = self._connection(fields["connection"])
                connection["topics"].append(fields["topic"])
            elif kind in _OF_TOPICS:
                _count(kind, fields, self._topic(fields["topic"]))

    def connections(self) -> list[Fields]:
        """Return the connections, the oldest first, each with its topics.

        A connection that no router has recorded has only its ID and its topics.
        """
        for each in self._connections.values():
            each["topics"].sort()
        return sorted(self._connections.values(), key=_age)

    def topics(self) -> list[Fields]:
        """Return the topics by name: how many subscribe and are present, and its log.

        A topic without a log has no `last_offset`.
        """
        return [self._topics[name] for name in sorted(self._topics)]

    def _connection(self, connection: str) -> Fields:
        empty: Fields = {"connection": connection, "topics": []}
        return self._connections.setdefault(connection, empty)

    def _topic(self, topic: str) -> Fields:
        empty: Fields = {"topic": topic, "subscribers": 0, "present": 0}
        return self._topics.setdefault(topic, empty)


def _count(kind: ItemKind, fields: Fields, topic: Fields) -> None:
    if kind is ItemKind.SUBSCRIBER:
        topic["subscribers"] += 1
    elif kind is ItemKind.PRESENCE:
        topic["present"] += 1
    elif fields["offset"] >= topic.get("last_offset", 0):
        topic |= {
            "last_offset": fields["offset"] + len(fields.get("carried", ())),
            "epoch": fields["epoch"],
            "last_published_at": fields["published_at"],
        }


def _age(connection: Fields) -> tuple[Any, ...]:
    return connection.get("connected_at", 0), connection["connection"]
