"""Topic logs in DynamoDB: dense offsets without a counter.

The next offset is that of the newest entry and one more, written on condition that
nobody has it. Who loses reads on and tries again. Because an entry can only follow on
one that was seen, there are no gaps; because it is written once, there are no doubles.

A write whose answer is lost is repeated as it was, at the same offset. Either it is
there already, which its ID tells, or another message is, and then the first attempt
can no longer take effect. So one call never puts a message in the log twice.
"""

import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

from wspubsub.dynamodb.client import (
    DynamoDBClient,
    answer_of,
    choose_client,
    translated,
)
from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_items import (
    Entry,
    Tail,
    entry_after,
    entry_item,
    entry_key,
    is_kept,
    key_item,
    key_key,
    log_partition,
    offset_key,
    read_first,
    read_id,
    read_message,
    read_published_at,
    read_tail,
)
from wspubsub.dynamodb.tails import Tails
from wspubsub.dynamodb.tries import is_passing, tries
from wspubsub.errors import StoreError, UsageError
from wspubsub.history import (
    DEFAULT_HISTORY,
    Appended,
    History,
    LoggedMessage,
    Position,
    Replay,
    check_limit,
    check_since,
    replay,
)
from wspubsub.log import Draft, check_timeout, draft
from wspubsub.topics import validate_topic

_ABSENT = "attribute_not_exists(pk)"
_TAKEN = "ConditionalCheckFailed"
# Why a transaction is cancelled that may succeed the next time.
_PASSING_REASONS = frozenset(
    {
        "None",
        _TAKEN,
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)


class DynamoDBTopicLog:
    """Messages of topics in order, in a DynamoDB table.

    It is safe to use from several threads, and any number of writers may append to a
    topic; one partition of DynamoDB takes 1,000 write units a second.

    Args:
        table: Name of the table; `create_table` makes it. It may be the store's.
        client: A `boto3.client("dynamodb")` of your own, or anything with its
            methods; it is used as it is.
        history: How much of each topic is kept. All who use the table should have the
            same.
        now: Clock, in seconds since the epoch.
        sleep: Waits before what DynamoDB refused is tried again.

    Raises:
        UsageError: The table name is empty.
        StoreError: boto3 lacks a region.
    """

    def __init__(
        self,
        table: str,
        *,
        client: DynamoDBClient | None = None,
        history: History = DEFAULT_HISTORY,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not table:
            raise UsageError("give the name of the DynamoDB table")
        self._table = table
        self._client: DynamoDBClient = choose_client(client, table)
        self._history = history
        self._now = now
        self._sleep = sleep
        self._tails = Tails()

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> Appended:
        """See `TopicLog.append`.

        Costs 1 write unit for each KB, and a read unit if this process does not know
        the newest entry; with a key twice as many for the message and 2 for the key.
        """
        drafted = draft(topic, data, key, exclude)
        check_timeout(timeout_seconds)
        entry = self._entry_after_known(drafted)
        failure: StoreError | None = None
        for _ in tries(self._now, self._sleep, timeout_seconds):
            try:
                entry = entry or self._entry(drafted, self._newest(drafted.topic))
                appended = self._write(drafted, entry)
            except StoreError as error:
                if not is_passing(error):
                    raise
                failure = error
                continue
            if appended is not None:
                return appended
            entry = failure = None
        raise _exhausted(drafted.topic, failure) from failure

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """See `TopicLog.read`.

        Costs 1 read unit for each 4 KB of what is returned, and of the newest message.
        """
        topic = validate_topic(topic)
        check_since(since)
        check_limit(limit)
        return replay(
            self.position(topic),
            since,
            limit=limit,
            kept=self._history.limit,
            fetch=lambda offsets: self._messages(topic, offsets),
        )

    def position(self, topic: str) -> Position | None:
        """See `TopicLog.position`.

        Costs 1 read unit for each 4 KB of the newest message.
        """
        tail = self._newest(validate_topic(topic))
        return tail.position if tail and self._is_kept(tail) else None

    def _entry_after_known(self, drafted: Draft) -> Entry | None:
        # A frozen environment may thaw after hours, when what it knows has expired.
        known = self._tails.get(drafted.topic)
        return self._entry(drafted, known) if known and self._is_kept(known) else None

    def _entry(self, drafted: Draft, tail: Tail | None) -> Entry:
        return entry_after(tail, drafted, self._history, self._now())

    def _is_kept(self, tail: Tail) -> bool:
        return is_kept(tail, self._history, self._now())

    def _write(self, drafted: Draft, entry: Entry) -> Appended | None:
        """Write an entry; None if there is another at its offset, or may be."""
        if drafted.key is None:
            appended = self._put(entry)
        else:
            appended = self._put_once(drafted, drafted.key, entry)
        if appended is not None and appended.message == entry.message:
            self._tails.keep(drafted.topic, entry.tail)
        return appended

    def _put(self, entry: Entry) -> Appended | None:
        message = entry.message
        try:
            with translated("PutItem", self._table):
                self._client.put_item(
                    TableName=self._table,
                    Item=entry_item(entry),
                    ConditionExpression=_ABSENT,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except StoreError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            # It is ours if an attempt before this one had been carried out.
            item = self._old(answer_of(error), entry_key(*_place(message)))
            if item is None or read_id(item) != message.id:
                return None
        return Appended(message, is_new=True)

    def _put_once(self, drafted: Draft, key: str, entry: Entry) -> Appended | None:
        try:
            with translated("TransactWriteItems", self._table):
                self._client.transact_write_items(
                    TransactItems=self._puts(key, entry),
                    # The same for the same request only, as DynamoDB demands.
                    ClientRequestToken=entry.token,
                )
        except StoreError as error:
            reasons = answer_of(error).get("CancellationReasons", ())
            codes = [reason.get("Code") for reason in reasons]
            if not codes or not _PASSING_REASONS.issuperset(codes):
                raise
            if codes[1] != _TAKEN:
                return None
            return self._first(drafted, reasons[1], key_key(drafted.topic, key))
        return Appended(entry.message, is_new=True)

    def _puts(self, key: str, entry: Entry) -> list[dict[str, Any]]:
        put_entry = {
            "TableName": self._table,
            "Item": entry_item(entry),
            "ConditionExpression": _ABSENT,
        }
        put_key = {
            "TableName": self._table,
            "Item": key_item(entry, key),
            "ConditionExpression": f"{_ABSENT} OR published_at <= :oldest",
            "ExpressionAttributeValues": {":oldest": {"N": repr(entry.oldest)}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return [{"Put": put_entry}, {"Put": put_key}]

    def _first(
        self, drafted: Draft, reason: dict[str, Any], key: Item
    ) -> Appended | None:
        """Return what has the key; it is ours if an attempt before had succeeded."""
        item = self._old(reason, key)
        if item is None or read_published_at(item) <= (
            self._now() - self._history.ttl_seconds
        ):
            return None
        return Appended(read_first(item, drafted), is_new=read_id(item) == drafted.id)

    def _old(self, answer: Any, key: Item) -> Item | None:  # noqa: ANN401 - as boto3
        """Return the item that a condition failed on; some endpoints do not say."""
        old: Item | None = answer.get("Item")
        if old:
            return old
        with translated("GetItem", self._table):
            found = self._client.get_item(
                TableName=self._table, Key=key, ConsistentRead=True
            )
        return found.get("Item")

    def _newest(self, topic: str) -> Tail | None:
        request = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": log_partition(topic)}},
            "ProjectionExpression": "sk, epoch, published_at, expires_at",
            "ScanIndexForward": False,
            "Limit": 1,
        }
        items = self._query(request)["Items"]
        return read_tail(items[0]) if items else None

    def _messages(self, topic: str, offsets: range) -> Iterator[LoggedMessage]:
        request = {
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": log_partition(topic)},
                ":first": {"S": offset_key(offsets[0])},
                ":last": {"S": offset_key(offsets[-1])},
            },
        }
        while True:
            answer = self._query(request)
            for item in answer["Items"]:
                if self._is_kept(read_tail(item)):
                    yield read_message(item)
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        # Strongly consistent: "nothing was missed" must be true.
        with translated("Query", self._table):
            return self._client.query(
                TableName=self._table, ConsistentRead=True, **request
            )


def _place(message: LoggedMessage) -> tuple[str, int]:
    return message.topic, message.position.offset


def _exhausted(topic: str, failure: StoreError | None) -> StoreError:
    why = str(failure) if failure else "others always wrote first"
    return StoreError(
        f"the log of topic {topic!r} took no message in time: {why}; it may have taken "
        "it nevertheless, so append it again with a key, the same each time",
        operation=failure.operation if failure else "PutItem",
        code=failure.code if failure else "ConditionalCheckFailedException",
    )
