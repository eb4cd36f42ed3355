"""Single requests to one table, whose errors are all a `StoreError`."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from wspubsub.dynamodb.client import (
    CONDITION_FAILED,
    DynamoDBClient,
    answer_of,
    query,
    store_errors,
)
from wspubsub.dynamodb.items import Item, Write, key_of
from wspubsub.errors import StoreError

if TYPE_CHECKING:
    from wspubsub.dynamodb.pages import ItemPage, StartKey


class ConditionalWrite(NamedTuple):
    """What became of a write on a condition.

    Attributes:
        is_done: Whether the condition held.
        item: The item as it was before; None if there was none.
    """

    is_done: bool
    item: Item | None


class TableAccess:
    """The requests of a subscription store to its table.

    Args:
        client: DynamoDB's client.
        name: Name of the table.
        sleep: Waits before writes that DynamoDB left over are tried again.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def get(self, key: Item) -> Item | None:
        """Return an item as it is at this moment, or None."""
        with store_errors("GetItem", self._name):
            answer = self._client.get_item(
                TableName=self._name, Key=key, ConsistentRead=True
            )
        item: Item | None = answer.get("Item")
        return item

    def put(self, item: Item, **options: Any) -> Item | None:
        """Put an item and return what it replaced, if `ReturnValues` asks for that."""
        with store_errors("PutItem", self._name):
            answer = self._client.put_item(TableName=self._name, Item=item, **options)
        old: Item | None = answer.get("Attributes")
        return old

    def delete(self, key: Item, **options: Any) -> Item | None:
        """Delete an item and return it, or None."""
        with store_errors("DeleteItem", self._name):
            answer = self._client.delete_item(
                TableName=self._name, Key=key, ReturnValues="ALL_OLD", **options
            )
        old: Item | None = answer.get("Attributes")
        return old

    def update(self, key: Item, **options: Any) -> Item | None:
        """Change attributes of an item and return it as it was before."""
        with store_errors("UpdateItem", self._name):
            answer = self._client.update_item(
                TableName=self._name, Key=key, ReturnValues="ALL_OLD", **options
            )
        old: Item | None = answer.get("Attributes")
        return old

    def attempt(
        self,
        write: Callable[..., Item | None],
        item: Item,
        condition: str,
        values: Item,
        **options: Any,
    ) -> ConditionalWrite:
        """Write if a condition holds, and return the item as it was before.

        Args:
            write: `put`, `update` or `delete` of this table.
            item: The item, or its key.
            condition: The condition.
            values: The values in it.
            options: What else the request asks for.
        """
        known = options.pop("ExpressionAttributeValues", {})
        try:
            old = write(
                item,
                ConditionExpression=condition,
                ExpressionAttributeValues={**known, **values},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **options,
            )
        except StoreError as error:
            if error.code != CONDITION_FAILED:
                raise
            # Some emulators do not say what the condition failed on.
            found = answer_of(error).get("Item") or self.get(key_of(item))
            return ConditionalWrite(is_done=False, item=found)
        return ConditionalWrite(is_done=True, item=old)

    def write(self, writes: Iterable[Write]) -> None:
        """Put and delete any number of items."""
        from wspubsub.dynamodb.batches import write_all

        write_all(self._client, self._name, writes, sleep=self._sleep)

    def page(
        self,
        partition: str,
        start: "StartKey | None",
        request: dict[str, Any],
        condition: str = "",
    ) -> "ItemPage[Item]":
        """Return a page of a partition.

        Args:
            partition: The partition key.
            start: Where the page begins; None for the partition's beginning.
            request: What else the Query asks for.
            condition: Condition on the sort key.
        """
        from wspubsub.dynamodb.pages import ItemPage

        values = {
            ":pk": {"S": partition},
            **request.get("ExpressionAttributeValues", {}),
        }
        request = {
            **request,
            "KeyConditionExpression": f"pk = :pk{condition}",
            "ExpressionAttributeValues": values,
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        answer = query(self._client, self._name, request)
        return ItemPage(answer["Items"], answer.get("LastEvaluatedKey"))

    def all(
        self, partition: str, condition: str = "", values: Item | None = None
    ) -> list[Item]:
        """Return the items of a partition as they are at this moment.

        Args:
            partition: The partition key.
            condition: Condition on the sort key.
            values: The values in it.
        """
        request: dict[str, Any] = {"ConsistentRead": True}
        if values is not None:
            request["ExpressionAttributeValues"] = values
        page = self.page(partition, None, request, condition)
        items = page.items
        while page.next_key is not None:
            page = self.page(partition, page.next_key, request, condition)
            items = items + page.items
        return items
