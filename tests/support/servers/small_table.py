"""A table in memory with the operations that store and log use, and its stream.

moto takes milliseconds for each and copies what it has; this one is for tests with many
thousands. It takes no expression that it does not know, and what is not read
consistently is late (`late_reads`).
"""

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tests.support.late_reads import is_late
from tests.support.servers.expressions import holds, update
from wspubsub.mappings.stream_records import stream_records

Item = dict[str, Any]

_SORT_KEY = re.compile(r"pk = :pk(?: AND sk (>=|<=|BETWEEN) (:\w+)(?: AND (:\w+))?)?")
_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/small/stream/2026"


class SmallTable:
    """The items of one table.

    Args:
        now: Clock of the stream, in seconds since the epoch.

    Attributes:
        records: What has changed, as Lambda gets it.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.records: list[Mapping[str, Any]] = []
        self._partitions: dict[str, dict[str, Item]] = {}

    def keys(self) -> set[tuple[str, str]]:
        return {(pk, sk) for pk, items in self._partitions.items() for sk in items}

    def put_item(self, **request: Any) -> dict[str, Any]:
        item = request["Item"]
        pk, sk = _key(item)
        old = self._partitions.get(pk, {}).get(sk)
        if not _holds(request, old):
            raise _condition_failed(request, old)
        self._partitions.setdefault(pk, {})[sk] = dict(item)
        self._record("INSERT" if old is None else "MODIFY", item)
        asks_for_old = request.get("ReturnValues") == "ALL_OLD"
        return {"Attributes": old} if old and asks_for_old else {}

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        parts = [part for each in request["TransactItems"] for part in each.items()]
        reasons = [self._reason(details) for _, details in parts]
        if any(reason["Code"] != "None" for reason in reasons):
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": "failed"},
                "CancellationReasons": reasons,
            }
            raise ClientError(answer, "TransactWriteItems")
        for kind, details in parts:
            if kind == "Put":
                self.put_item(**details)
        return {}

    def _reason(self, details: dict[str, Any]) -> dict[str, Any]:
        pk, sk = _key(details.get("Item") or details["Key"])
        old = self._partitions.get(pk, {}).get(sk)
        if _holds(details, old):
            return {"Code": "None"}
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed"}
        if old and details.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            reason["Item"] = old
        return reason

    def get_item(self, **request: Any) -> dict[str, Any]:
        pk, sk = _key(request["Key"])
        found = self._partitions.get(pk, {}).get(sk)
        if is_late(request, pk):
            return {}
        return {} if found is None else {"Item": dict(found)}

    def delete_item(self, **request: Any) -> dict[str, Any]:
        pk, sk = _key(request["Key"])
        old = self._partitions.get(pk, {}).get(sk)
        if not _holds(request, old):
            raise _condition_failed(request, old)
        self._partitions.get(pk, {}).pop(sk, None)
        return {} if old is None else {"Attributes": old}

    def update_item(self, **request: Any) -> dict[str, Any]:
        pk, sk = _key(request["Key"])
        old = self._partitions.get(pk, {}).get(sk)
        if not _holds(request, old):
            raise _condition_failed(request, old)
        item = update(request, request["Key"], old)
        self._partitions.setdefault(pk, {})[sk] = item
        self._record("INSERT" if old is None else "MODIFY", item)
        return {"Attributes": old} if old else {}

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        for write in next(iter(request["RequestItems"].values())):
            if "PutRequest" in write:
                self.put_item(**write["PutRequest"])
            else:
                self.delete_item(**write["DeleteRequest"])
        return {"UnprocessedItems": {}}

    def query(self, **request: Any) -> dict[str, Any]:
        values = request["ExpressionAttributeValues"]
        match = _SORT_KEY.fullmatch(request["KeyConditionExpression"])
        assert match is not None
        items = self._partitions.get(values[":pk"]["S"], {})
        if is_late(request, values[":pk"]["S"]):
            items = {}
        names = _in_range(sorted(items), match.groups(), values)
        start = request.get("ExclusiveStartKey")
        if request.get("ScanIndexForward") is False:
            end = len(names) if start is None else bisect_left(names, start["sk"]["S"])
            names = names[:end][::-1]
        elif start is not None:
            names = names[bisect_right(names, start["sk"]["S"]) :]
        # A page holds few items, so that there are several.
        most = request.get("Limit", 50)
        page = names[:most]
        found = [dict(items[name]) for name in page]
        answer: dict[str, Any] = {
            "Items": [e for e in found if _holds(request, e, "FilterExpression")]
        }
        if most < len(names):
            answer["LastEvaluatedKey"] = {"pk": values[":pk"], "sk": {"S": page[-1]}}
        return answer

    def _record(self, name: str, item: Item) -> None:
        change = {
            "eventID": str(len(self.records)),
            "eventName": name,
            "dynamodb": {
                "ApproximateCreationDateTime": datetime.fromtimestamp(self._now(), UTC),
                "SequenceNumber": f"{len(self.records):021}",
                "NewImage": item,
            },
        }
        self.records += stream_records([change], stream_arn=_ARN)


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _in_range(
    names: list[str], condition: tuple[str | None, ...], values: dict[str, Any]
) -> list[str]:
    operator, first, last = condition
    if operator is None or first is None:
        return names
    low = values[first]["S"] if operator in {">=", "BETWEEN"} else ""
    high = values[last or first]["S"] if operator in {"<=", "BETWEEN"} else "\U0010ffff"
    return [name for name in names if low <= name <= high]


def _holds(
    request: dict[str, Any], old: Item | None, name: str = "ConditionExpression"
) -> bool:
    condition = request.get(name)
    if condition is None:
        return True
    values = request.get("ExpressionAttributeValues", {})
    return holds(condition, values, old, request.get("ExpressionAttributeNames", {}))


def _condition_failed(request: dict[str, Any], old: Item | None) -> ClientError:
    answer: dict[str, Any] = {
        "Error": {"Code": "ConditionalCheckFailedException", "Message": "failed"}
    }
    if old and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
        answer["Item"] = old
    return ClientError(answer, "PutItem")
