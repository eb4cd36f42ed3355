"""The event source mappings of the handler: the table's stream, and a queue."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from wspubsub.errors import UsageError
from wspubsub.local.invoker import Invoker
from wspubsub.local.queue_settings import QueueSettings
from wspubsub.local.stream_shard import StreamSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceSettings:
    """Which event sources invoke the handler.

    Attributes:
        stream: How the table's stream does; None if it does not.
        queue: How a queue does; None if there is none.
    """

    stream: StreamSettings | None = None
    queue: QueueSettings | None = None


@dataclass(slots=True)
class EventSources:
    """The sources, found or made, and what reads them.

    Attributes:
        settings: Which there are.
        region: AWS Region.
        stream_arn: The stream.
        queue_url: The queue.
        sqs_url: Where the queue is.
    """

    settings: EventSourceSettings
    region: str
    stream_arn: str | None = None
    queue_url: str | None = None
    sqs_url: str | None = None
    _is_embedded: bool = False
    _streams: Any = field(default=None, repr=False)
    _sqs: Any = field(default=None, repr=False)

    def find_stream(self, table: str, url: str, *, is_embedded: bool) -> None:
        """Find the stream of a table.

        Raises:
            UsageError: It has none.
        """
        client = _client("dynamodb", url, self.region, is_embedded=is_embedded)
        description = client.describe_table(TableName=table)["Table"]
        self.stream_arn = description.get("LatestStreamArn")
        if self.stream_arn is None:
            raise UsageError(
                f"table {table!r} at {url} has no stream; if this endpoint knows "
                f"streams, make one with: wspubsub create-table {table} --stream "
                f"--endpoint {url} --region {self.region}"
            )
        self._is_embedded = is_embedded
        self._streams = _client(
            "dynamodbstreams", _streams_url(url), self.region, is_embedded=is_embedded
        )

    def make_queue(self, url: str) -> None:
        """Make the queue, with its dead-letter queue."""
        from wspubsub.local.queue_poller import create_queue  # noqa: PLC0415 - botocore

        self._sqs = _client("sqs", url, self.region, is_embedded=True)
        self.sqs_url, self.queue_url = url, create_queue(self._sqs)

    async def start(self, stack: AsyncExitStack, invoker: Invoker) -> None:
        """Begin to read the sources; they end with the stack."""
        # Without event sources, this process needs no AWS SDK.
        if self.stream_arn is not None and self.settings.stream is not None:
            from wspubsub.local.stream_poller import StreamPoller  # noqa: PLC0415

            stream = StreamPoller(
                self._streams,
                self.stream_arn,
                invoker,
                self.settings.stream,
                from_start=self._is_embedded,
            )
            stack.push_async_callback(stream.close)
            await stream.start()
        if self.queue_url is not None and self.settings.queue is not None:
            from wspubsub.local.queue_poller import QueuePoller  # noqa: PLC0415

            queue = await asyncio.to_thread(
                QueuePoller, self._sqs, self.queue_url, invoker, self.settings.queue
            )
            stack.push_async_callback(queue.close)
            queue.start()


def _client(service: str, url: str, region: str, *, is_embedded: bool) -> Any:  # noqa: ANN401 - boto3 ships no types
    import boto3  # noqa: PLC0415 - half a second, and only for event sources
    from botocore.config import Config  # noqa: PLC0415 - as above

    if not is_embedded:
        return boto3.Session(region_name=region).client(service, endpoint_url=url)
    return boto3.Session(
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody's
    ).client(
        service,
        endpoint_url=url,
        # What is local is not reached through a proxy.
        config=Config(proxies={}, max_pool_connections=32),
    )


def _streams_url(url: str) -> str:
    # On AWS, streams have a host of their own; everybody else has one for both.
    parts = urlsplit(url)
    if not parts.netloc.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return url
    return urlunsplit(parts._replace(netloc=f"streams.{parts.netloc}"))
