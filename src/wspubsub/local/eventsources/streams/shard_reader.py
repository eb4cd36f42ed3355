"""Reads one shard of a stream from where it was left."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from wspubsub.local.eventsources.clients import ServiceCaller, code_of
from wspubsub.local.threads import in_thread
from wspubsub.mappings.clients import StreamsClient

MAX_PAGE = 1000
"""The most records that GetRecords returns at a time."""

_EXPIRED = "ExpiredIteratorException"
_TRIMMED = "TrimmedDataAccessException"
_STALE = frozenset({_EXPIRED, _TRIMMED})


class ShardReader:
    """A place in a shard.

    Args:
        client: A `boto3.client("dynamodbstreams")`.
        caller: How it is called.
        stream_arn: The stream.
        shard_id: The shard.
        start: `TRIM_HORIZON` or `LATEST`.

    Attributes:
        is_over: Whether the shard has ended, and all of it was read.
    """

    def __init__(
        self,
        client: StreamsClient,
        caller: ServiceCaller,
        *,
        stream_arn: str,
        shard_id: str,
        start: str,
    ) -> None:
        self._client = client
        self._caller = caller
        self._shard = {"StreamArn": stream_arn, "ShardId": shard_id}
        self._place = {"ShardIteratorType": start}
        self._iterator: str | None = None
        self.is_over = False

    async def open(self) -> None:
        """Decide on the place from which to read.

        Raises:
            BotoCoreError: It cannot be.
            ClientError: It must not be.
        """
        self._iterator = await in_thread(self._ask_for_iterator)

    async def read(self, limit: int) -> list[Mapping[str, Any]]:
        """Return the next records, as many as there are within the limit."""
        records: list[Mapping[str, Any]] = []
        while len(records) < limit and not self.is_over:
            page = await self._page(min(MAX_PAGE, limit - len(records)))
            if not page:
                break
            records += page
        return records

    async def _page(self, limit: int) -> list[Mapping[str, Any]]:
        try:
            if self._iterator is None:
                self._iterator = await self._caller.insist(
                    self._ask_for_iterator, except_codes=_STALE
                )
            answer = await self._caller.insist(
                lambda: self._client.get_records(
                    ShardIterator=self._iterator, Limit=limit
                ),
                except_codes=_STALE,
            )
        except ClientError as error:
            self._start_again(code_of(error))
            return []
        records: list[Mapping[str, Any]] = answer["Records"]
        self._iterator = answer.get("NextShardIterator")
        self.is_over = self._iterator is None
        if records:
            self._place = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": records[-1]["dynamodb"]["SequenceNumber"],
            }
        return records

    def _ask_for_iterator(self) -> str:
        answer = self._client.get_shard_iterator(**self._shard, **self._place)
        return str(answer["ShardIterator"])

    def _start_again(self, code: str) -> None:
        # An iterator lives for 15 minutes, and a batch may be retried for longer.
        self._iterator = None
        if code == _TRIMMED:
            self._place = {"ShardIteratorType": "TRIM_HORIZON"}
