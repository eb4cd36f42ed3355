"""The table's items as the page shows them."""

import itertools
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.aws.forks import Boto3Client
from wspubsub.local.eventsources.clients import ServiceEndpoint
from wspubsub.local.inspector.entries import describe_json
from wspubsub.local.inspector.methods import Json, MethodError
from wspubsub.local.threads import in_thread
from wspubsub.operations import decode_item, make_json

MAX_ITEMS = 1_000
"""How many items the page gets; a table with more says so."""


READ_SECONDS = 10.0
OWN_HEADER = "X-Wspubsub-Inspector"
"""Marks requests of the inspector's own."""


class TableItems:
    """Reads a table, in a thread.

    Args:
        endpoint: Where the table is.
        table: Its name.
    """

    def __init__(self, endpoint: ServiceEndpoint, table: str) -> None:
        self._endpoint = endpoint
        self._table = table
        self._client: Boto3Client | None = None

    async def read(self) -> Json:
        """Return the items, as they are and as what they are."""
        return await in_thread(self._read_items)

    def _read_items(self) -> Json:
        found = list(itertools.islice(self._scan(), MAX_ITEMS + 1))
        items = []
        for item in found[:MAX_ITEMS]:
            kind, fields = decode_item(item)
            raw = describe_json("raw", make_json(item))
            items.append({"kind": kind.value, "decoded": fields, **raw})
        return {"items": items, "cut": len(found) > MAX_ITEMS}

    def _find_client(self) -> Boto3Client:
        if self._client is None:
            client = self._endpoint.client("dynamodb", read_seconds=READ_SECONDS)
            # So that looking at the table is not among what is seen.
            client.meta.events.register("before-call", _mark)
            self._client = client
        return self._client

    def _scan(self) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {"TableName": self._table}
        try:
            client = self._find_client()
            while True:
                answer = client.scan(**request)
                yield from answer["Items"]
                if "LastEvaluatedKey" not in answer:
                    return
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        except (BotoCoreError, ClientError) as error:
            raise MethodError(f"cannot read the table: {error}", status=502) from None


def _mark(params: dict[str, Any], **_others: object) -> None:
    params["headers"][OWN_HEADER] = "1"
