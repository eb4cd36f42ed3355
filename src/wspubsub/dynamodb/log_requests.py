"""The requests of topic logs to DynamoDB, and what their answers mean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wspubsub.dynamodb.client import (
    CONDITION_FAILED,
    DynamoDBClient,
    answer_of,
    query,
    store_errors,
)
from wspubsub.dynamodb.items import Item, key_of
from wspubsub.dynamodb.log_items import (
    Genesis,
    LogEntry,
    Tail,
    entry_item,
    entry_key,
    genesis_item,
    log_partition,
    offset_key,
    read_tail,
)
from wspubsub.dynamodb.log_offers import Offer, last_key, offer_item
from wspubsub.errors import StoreError
from wspubsub.log.rules import MAX_OFFSET

BACKWARD_PAGE_ITEMS = 100

_ABSENT = "attribute_not_exists(pk)"
_TAKEN = "ConditionalCheckFailed"
# Why a transaction is canceled that may succeed the next time.
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
    """What a topic log requests from one table.

    Every method raises `StoreError` for what DynamoDB does not do.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def newest(self, topic: str) -> Tail | None:
        """Return the newest entry of a topic, without its data."""
        request = {
            **_up_to(topic, MAX_OFFSET),
            "ProjectionExpression": "sk, epoch, published_at, expires_at, carries",
        }
        items = self._query(request)["Items"]
        return read_tail(items[0]) if items else None

    def entries(self, topic: str, offsets: range) -> Iterator[Item]:
        """Yield the entries with the messages in a range of offsets, in its order.

        The first and the last one may have messages outside of it too.
        """
        first, last = min(offsets[0], offsets[-1]), max(offsets[0], offsets[-1])
        request = _between(topic, offset_key(first), offset_key(last))
        if offsets.step > 0:
            yield from self._with_the_one_before(topic, first, self._pages(request))
            return
        # Who reads backwards stops where the messages are too old to be served.
        request |= {"ScanIndexForward": False, "Limit": BACKWARD_PAGE_ITEMS}
        yield from self._pages(request)
        # Who still reads on has not found the last offset: it is in the one before.
        yield from self._entry_before(topic, first)

    def news(self, topic: str, tail: Tail, offers_at: float | None) -> list[Item]:
        """Return what follows on an entry, in order, and then the offers.

        Args:
            topic: The topic.
            tail: The entry.
            offers_at: When offers must have been made to count as recent; None for no
                offers.
        """
        first = offset_key(tail.position.offset + 1)
        last = offset_key(MAX_OFFSET) if offers_at is None else last_key(offers_at)
        return list(self._pages(_between(topic, first, last)))

    def _with_the_one_before(
        self, topic: str, first: int, items: Iterator[Item]
    ) -> Iterator[Item]:
        """Yield items, and before them the entry in which the first offset is."""
        item = next(items, None)
        if not _begins_at(item, first):
            yield from self._entry_before(topic, first)
        if item is not None:
            yield item
            yield from items

    def _entry_before(self, topic: str, offset: int) -> list[Item]:
        items: list[Item] = self._query(_up_to(topic, offset - 1))["Items"]
        return items

    def _pages(self, request: dict[str, Any]) -> Iterator[Item]:
        while True:
            answer = self._query(request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def begin(self, genesis: Genesis) -> bool:
        """Write the entry that begins an epoch; False if another may have."""
        put = self._put_entry(genesis_item(genesis))
        if genesis.predecessor is None:
            reasons = self._put(put)
        else:
            check = self._check(genesis.topic, genesis.predecessor)
            reasons = self._transact(genesis.token, {"Put": put}, check)
        return not reasons or self._is_ours(reasons[0], put["Item"], "epoch")

    def put(self, entry: LogEntry) -> bool:
        """Write an entry; False if another has its offset, or may have it."""
        put = self._put_entry(entry_item(entry))
        reasons = self._put(put)
        return not reasons or self._is_ours(reasons[0], put["Item"], "id")

    def put_with_key(self, entry: LogEntry, key: Item) -> Item | None:
        """Write an entry and the item of its key, both or neither.

        Returns:
            The item of the key, which may be that of a message before; None if another
            entry has the offset, or may have it.
        """
        put = {"Put": self._put_entry(entry_item(entry))}
        put_key = {"Put": self._put_key(key, entry.forgotten)}
        reasons = self._transact(entry.token, put, put_key)
        if not reasons:
            return key
        if reasons[1].get("Code") != _TAKEN:
            return None
        return self._old(reasons[1], key_of(key))

    def put_offer(self, offer: Offer) -> None:
        """Write an offer, over any other in its place."""
        with store_errors("PutItem", self._table):
            self._client.put_item(TableName=self._table, Item=offer_item(offer))

    def put_again(self, item: Item) -> None:
        """Write the item of a key again, unless it is now another message's."""
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

    def _put(self, put: dict[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Put an entry; return why it was refused, as a transaction reports it."""
        try:
            with store_errors("PutItem", self._table):
                self._client.put_item(**put)
        except StoreError as error:
            if error.code != CONDITION_FAILED:
                raise
            return [{**answer_of(error), "Code": _TAKEN}]
        return ()

    def _transact(
        self, token: str, *items: dict[str, Any]
    ) -> Sequence[Mapping[str, Any]]:
        """Write several items or none; return the reason for each if refused."""
        try:
            with store_errors("TransactWriteItems", self._table):
                self._client.transact_write_items(
                    TransactItems=list(items),
                    # The same for the same request only, as DynamoDB demands.
                    ClientRequestToken=token,
                )
        except StoreError as error:
            reasons = answer_of(error).get("CancellationReasons", ())
            codes = {reason.get("Code") for reason in reasons}
            if not codes or not _PASSING_REASONS.issuperset(codes):
                raise
            return list(reasons)
        return ()

    def _put_entry(self, item: Item) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": item,
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

    def _check(self, topic: str, entry: Tail) -> dict[str, Any]:
        # Each position belongs to one entry, so the epoch is enough to identify it.
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": entry_key(topic, entry.begins_at),
                "ConditionExpression": "epoch = :epoch",
                "ExpressionAttributeValues": {":epoch": {"S": entry.position.epoch}},
            }
        }

    def _is_ours(self, reason: Mapping[str, Any], item: Item, name: str) -> bool:
        """Return whether the entry because of which a put was refused is its own.

        It is if an attempt before this one had been carried out.
        """
        if reason.get("Code") != _TAKEN:
            return False
        old = self._old(reason, key_of(item)) or {}
        return bool(old.get(name) == item[name])

    def _old(self, answer: Mapping[str, Any], key: Item) -> Item | None:
        """Return the item on which a condition failed; some endpoints omit it."""
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


def _between(topic: str, first: str, last: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pk": {"S": log_partition(topic)},
            ":first": {"S": first},
            ":last": {"S": last},
        },
    }


def _up_to(topic: str, offset: int) -> dict[str, Any]:
    """Return the request for the entry with the highest offset up to one."""
    return {
        "KeyConditionExpression": "pk = :pk AND sk <= :last",
        "ExpressionAttributeValues": {
            ":pk": {"S": log_partition(topic)},
            ":last": {"S": offset_key(offset)},
        },
        "ScanIndexForward": False,
        "Limit": 1,
    }


def _begins_at(item: Item | None, offset: int) -> bool:
    return item is not None and item["sk"]["S"] == offset_key(offset)
