"""Where moto's server differs from AWS in what an event source depends on.

- A request may see another one half done: a condition that two writers both find true,
  a transaction that is rolled back afterwards, a message that is lost while another one
  is deleted. Requests are therefore answered one after the other.
- A transaction that fails replaces the table by a copy, with the stream: an iterator
  goes on showing the former one, with changes that never were. It is led to the table
  that there is.
- An iterator is kept for ever, and polling makes several a second. Old ones are
  forgotten, as AWS does after 15 minutes.
"""

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.dynamodbstreams.models import (
    DynamoDBStreamsBackend,
    ShardIterator,
    dynamodbstreams_backends,
)
from typing_extensions import override

MAX_ITERATORS = 10_000

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


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


def correct_streams() -> None:
    """Make moto use these streams, before it has created any."""
    dynamodbstreams_backends.backend = Streams
