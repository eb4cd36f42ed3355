"""The requests of topic logs to DynamoDB, and what their answers mean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wspubsub.dynamodb.client import DynamoDBClient, answer_of, query, store_errors
from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_items import (
    Entry,
    Tail,
    entry_item,
    entry_key,
    log_partition,
    offset_key,
    read_id,
    read_tail,
)
from wspubsub.errors import StoreError
from wspubsub.log.rules import Position

_ABSENT = "attribute_not_exists(pk)"
_TAKEN = "ConditionalCheckFailed"
CONDITION_FAILED = "ConditionalCheckFailedException"
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


class LogRequests:
    """What a topic log asks of one table.

    Every method raises `StoreError` for what DynamoDB does not do.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def newest(self, topic: str) -> Tail | None:
        """Return the newest entry of a topic, without its data."""
        request = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": log_partition(topic)}},
            "ProjectionExpression": "sk, epoch, published_at, expires_at",
            "ScanIndexForward": False,
            "Limit": 1,
        }
        items = self._query(request)["Items"]
        return read_tail(items[0]) if items else None

    def entries(self, topic: str, offsets: range) -> Iterator[Item]:
        """Yield the entries in a range of offsets, as far as there are any."""
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
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put(self, entry: Entry) -> bool:
        """Write an entry; False if another has its offset, or may have it."""
        write = self._put if entry.predecessor is None else self._transact
        reasons = write(entry)
        if not reasons:
            return True
        if reasons[0].get("Code") != _TAKEN:
            return False
        # It is ours if an attempt before this one had been carried out.
        item = self._old(reasons[0], _key_of(entry_item(entry)))
        return item is not None and read_id(item) == entry.message.id

    def put_with_key(self, entry: Entry, key: Item) -> Item | None:
        """Write an entry and the item of its key, both or neither.

        Returns:
            The item of the key, which may be that of a message before; None if another
            entry has the offset, or may have it.
        """
        reasons = self._transact(entry, {"Put": self._put_key(key, entry.forgotten)})
        if not reasons:
            return key
        if reasons[1].get("Code") != _TAKEN:
            return None
        return self._old(reasons[1], _key_of(key))

    def put_again(self, item: Item) -> None:
        """Write the item of a key again, unless it is another message's by now."""
        try:
            with store_errors("PutItem", self._table):
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="id = :id",
                    ExpressionAttributeValues={":id": item["id"]},
                )
        except StoreError as error:
            if error.code != CONDITION_FAILED:
                raise

    def _put(self, entry: Entry) -> Sequence[Mapping[str, Any]]:
        """Put an entry; return why it is refused, in the way of a transaction."""
        try:
            with store_errors("PutItem", self._table):
                self._client.put_item(**self._put_entry(entry))
        except StoreError as error:
            if error.code != CONDITION_FAILED:
                raise
            return [{**answer_of(error), "Code": _TAKEN}]
        return ()

    def _transact(
        self, entry: Entry, *puts: dict[str, Any]
    ) -> Sequence[Mapping[str, Any]]:
        """Put an entry with others; return the reason of each if it is refused."""
        items = [{"Put": self._put_entry(entry)}, *puts]
        if entry.predecessor is not None:
            items.append(self._check(entry.message.topic, entry.predecessor))
        try:
            with store_errors("TransactWriteItems", self._table):
                self._client.transact_write_items(
                    TransactItems=items,
                    # The same for the same request only, as DynamoDB demands.
                    ClientRequestToken=entry.token,
                )
        except StoreError as error:
            reasons = answer_of(error).get("CancellationReasons", ())
            codes = {reason.get("Code") for reason in reasons}
            if not codes or not _PASSING_REASONS.issuperset(codes):
                raise
            return list(reasons)
        return ()

    def _put_entry(self, entry: Entry) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": entry_item(entry),
            "ConditionExpression": _ABSENT,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _put_key(self, item: Item, forgotten: tuple[float, float]) -> dict[str, Any]:
        oldest, latest = forgotten
        return {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": (
                f"{_ABSENT} OR published_at <= :oldest OR published_at > :latest"
            ),
            "ExpressionAttributeValues": {
                ":oldest": {"N": repr(oldest)},
                ":latest": {"N": repr(latest)},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _check(self, topic: str, position: Position) -> dict[str, Any]:
        # A position is that of one entry only, so the epoch tells it from all others.
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": entry_key(topic, position.offset),
                "ConditionExpression": "epoch = :epoch",
                "ExpressionAttributeValues": {":epoch": {"S": position.epoch}},
            }
        }

    def _old(self, answer: Mapping[str, Any], key: Item) -> Item | None:
        """Return the item that a condition failed on; some endpoints do not say."""
        old: Item | None = answer.get("Item")
        if old:
            return old
        with store_errors("GetItem", self._table):
            found = self._client.get_item(
                TableName=self._table, Key=key, ConsistentRead=True
            )
        return found.get("Item")

    def _query(self, request: dict[str, Any]) -> Mapping[str, Any]:
        # Strongly consistent: "nothing was missed" must be true.
        return query(self._client, self._table, {**request, "ConsistentRead": True})


def _key_of(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}
