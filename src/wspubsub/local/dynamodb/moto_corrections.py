"""Where moto's server differs from AWS in what applications depend on.

- A request may see another one half done: a condition that two writers both find true,
  a transaction that is rolled back afterwards, a message that is lost while another one
  is deleted. Requests are therefore answered one after the other.
- A transaction that fails replaces the table by a copy, with the stream: an iterator
  goes on showing the former one, with changes that never were. It is led to the table
  that there is.
- An iterator is kept for ever, and polling makes several a second. Old ones are
  forgotten, as AWS does after 15 minutes.
- The stream of a deleted table is that of a later table with the same name. It is not
  found, so that whoever reads it learns about the new one.
- A query looks at every item of its table and sorts them all. It looks at its own
  partition only, so that it takes no longer because others have items too.
"""

import copy
import inspect
import io
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import moto.dynamodb.models
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodbstreams.models import (
    DynamoDBStreamsBackend,
    ShardIterator,
    dynamodbstreams_backends,
)
from typing_extensions import override

from wspubsub.local.dynamodb.guard import Application, Environ

MAX_ITERATORS = 10_000
_QUERY = inspect.signature(Table.query)


class OneAtATime:
    """Answers one request at a time, except those that wait for a message.

    Args:
        application: moto's server.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: object) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".ReceiveMessage"):
            return self._application(environ, start_response)
        # A client that is slow to send is not waited for by the others.
        if length := environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(int(length))
            environ["wsgi.input"] = io.BytesIO(body)
        with self._lock:
            return self._application(environ, start_response)

    @contextmanager
    def paused(self) -> Iterator[Application]:
        """Answer nobody during a block, except who asks what this returns."""
        with self._lock:
            yield self._application


class Streams(DynamoDBStreamsBackend):
    """moto's streams, with iterators that show the table as it is now."""

    # moto looks for what belongs to a backend beside its module.
    __module__ = DynamoDBStreamsBackend.__module__

    @override
    def get_records(self, iterator_arn: str, limit: int) -> dict[str, Any]:
        """Read on from an iterator."""
        iterator: ShardIterator = self.shard_iterators[iterator_arn]
        shard = self._get_table_from_arn(iterator.arn).stream_shard
        iterator.stream_shard = shard or iterator.stream_shard
        while len(self.shard_iterators) > MAX_ITERATORS:
            del self.shard_iterators[next(iter(self.shard_iterators))]
        answer: dict[str, Any] = super().get_records(iterator_arn, limit)
        return answer

    @override
    def _get_table_from_arn(self, arn: str) -> Table:
        table = super()._get_table_from_arn(arn)
        label = arn.partition("/stream/")[2].partition("|")[0]
        if label != table.latest_stream_label:
            raise ResourceNotFoundException(f"Requested resource not found: {arn}")
        return table


class PartitionedTable(Table):
    """moto's table, whose queries look at one partition."""

    @override
    def query(
        self, hash_key: DynamoType | None, *arguments: Any, **options: Any
    ) -> Any:
        """Return a page of items."""
        call = _QUERY.bind(self, hash_key, *arguments, **options)
        table: Any = self
        if call.arguments.get("index_name") is None:
            table = copy.copy(self)
            found = self.items.get(hash_key)
            table.items = {} if found is None else {hash_key: found}
        return Table.query(table, hash_key, *arguments, **options)


def correct_tables() -> None:
    """Make moto use these tables and streams, before it has created any."""
    # moto has no other way to choose it.
    vars(moto.dynamodb.models)["Table"] = PartitionedTable
    dynamodbstreams_backends.backend = Streams
