"""A store and a log in memory, with a stream of their changes."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from typing_extensions import override

from wspubsub.dynamodb.items import Written, connection_item, key_of
from wspubsub.dynamodb.log_items import LogEntry, entry_item
from wspubsub.events import Connection
from wspubsub.faults import Faults
from wspubsub.log.histories import Histories
from wspubsub.log.rules import DEFAULT_HISTORY, Appended, LoggedMessage
from wspubsub.mappings.settings import StreamSettings
from wspubsub.mappings.stream_records import stream_records
from wspubsub.subscriptions.port import TTL_SECONDS
from wspubsub.testing.gateway import START_TIME
from wspubsub.testing.scripted import ScriptedLog, ScriptedStore
from wspubsub.testing.streams import StreamSource

_SHARD = "shardId-00000000000000000000-00000000"
STREAM_ARN = (
    "arn:aws:dynamodb:us-east-1:123456789012:table/wspubsub/stream/"
    "2026-01-01T00:00:00.000"
)

Item = Mapping[str, Any]


class MemoryTable:
    """A subscription store and a topic log in memory, with a stream like a table's.

    The stream has what `StreamHandler` handles: a record for each connection that is
    stored and for each message that is appended, in one shard.

    Example:
        >>> gateway = InProcessGateway(Router())
        >>> table = MemoryTable(now=gateway.now)
        >>> publisher = Publisher(
        ...     table.store, gateway.connections, log=table.log, fanout=StreamFanout()
        ... )
        >>> gateway.add_event_source(table.stream)

    Args:
        history: How much of a topic's messages the log keeps.
        settings: How the stream is delivered.
        now: Clock, in seconds since the epoch.
        faults: Rules of what fails, such as those of an `InProcessGateway`.

    Attributes:
        store: The subscriptions.
        log: The messages of topics; its operations can `fail` too.
        stream: The stream as an event source.
    """

    def __init__(
        self,
        *,
        history: Histories = DEFAULT_HISTORY,
        settings: StreamSettings | None = None,
        now: Callable[[], float] = time.time,
        faults: Faults | None = None,
    ) -> None:
        changes = _Changes(now)
        self.store: ScriptedStore = _StreamedStore(changes, now, faults)
        self.log: ScriptedLog = _StreamedLog(changes, history, now, faults)
        self.stream = StreamSource(changes, STREAM_ARN, settings=settings)


class _Changes:
    """What has been written, as `boto3.client("dynamodbstreams")` reads it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.lock = RLock()
        self._now = now
        self._records: list[dict[str, Any]] = []

    def add(self, name: str, item: Item) -> None:
        record = _change(len(self._records) + 1, name, item, self._now())
        self._records.append(record)

    def describe_stream(self, **_request: Any) -> dict[str, Any]:
        shard = {"ShardId": _SHARD, "SequenceNumberRange": {}}
        return {"StreamDescription": {"Shards": [shard]}}

    def get_shard_iterator(self, **_request: Any) -> dict[str, Any]:
        return {"ShardIterator": "0"}

    def get_records(self, **request: Any) -> dict[str, Any]:
        begin = int(request["ShardIterator"])
        records = self._records[begin : begin + request["Limit"]]
        return {
            "Records": records,
            "NextShardIterator": str(begin + len(records)),
        }


class _StreamedLog(ScriptedLog):
    def __init__(
        self,
        changes: _Changes,
        history: Histories,
        now: Callable[[], float],
        faults: Faults | None,
    ) -> None:
        super().__init__(history=history, now=now, faults=faults)
        self._changes = changes

    @override
    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        info: bytes | None = None,
        timeout_seconds: float | None = None,
    ) -> Appended:
        with self._changes.lock:  # so that the records are in the order of the log
            appended = super().append(
                topic,
                data,
                key=key,
                exclude=exclude,
                info=info,
                timeout_seconds=timeout_seconds,
            )
            if appended.is_new:
                self._changes.add("INSERT", _message_item(appended.message))
        return appended


class _StreamedStore(ScriptedStore):
    def __init__(
        self, changes: _Changes, now: Callable[[], float], faults: Faults | None
    ) -> None:
        super().__init__(now=now, faults=faults)
        self._changes = changes

    @override
    def connect(self, connection: Connection) -> None:
        with self._changes.lock:
            is_new = self.connection(connection.id) is None
            super().connect(connection)
            item = _connection_item(connection, self._now())
            self._changes.add("INSERT" if is_new else "MODIFY", item)


def stream_event(
    *items: LoggedMessage | Connection | Item, at: float = START_TIME
) -> dict[str, Any]:
    """Return the event that a function is invoked with for new items of the table.

    Example:
        >>> event = stream_event(Connection(id="L0SM9cOFvHcCIhw=", connected_at=0))
        >>> event["Records"][0]["dynamodb"]["Keys"]["pk"]
        {'S': 'C#L0SM9cOFvHcCIhw='}

    Args:
        items: What was written: messages of a log, as `append` returns them,
            connections, or any item as DynamoDB's API has it, such as
            `{"pk": {"S": "a"}, "sk": {"S": "b"}}`.
        at: When, in seconds since the epoch.
    """
    return {"Records": list(_records(items, at))}


def _records(
    items: Iterable[LoggedMessage | Connection | Item], at: float
) -> Iterable[Mapping[str, Any]]:
    changes = [
        _change(number, "INSERT", _item(each, at), at)
        for number, each in enumerate(items, 1)
    ]
    return stream_records(changes, stream_arn=STREAM_ARN)


def _item(value: LoggedMessage | Connection | Item, at: float) -> Item:
    if isinstance(value, LoggedMessage):
        return _message_item(value)
    return _connection_item(value, at) if isinstance(value, Connection) else value


def _message_item(message: LoggedMessage) -> Item:
    lasts = DEFAULT_HISTORY.position_ttl_seconds
    expires_at = int(message.published_at + lasts)
    return entry_item(LogEntry(message, expires_at, (0.0, 0.0), ""))


def _connection_item(connection: Connection, at: float) -> Item:
    return connection_item(connection, Written(at, int(at + TTL_SECONDS)))


def _change(number: int, name: str, item: Item, at: float) -> dict[str, Any]:
    return {
        "eventID": f"{number:032x}",
        "eventName": name,
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(at, UTC),
            "Keys": key_of(dict(item)),
            "NewImage": dict(item),
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": len(str(item)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
