"""The operations of boto3's clients that deliver from streams and queues."""

from typing import Any, Protocol


class StreamsClient(Protocol):
    """The operations that read a stream, of `boto3.client("dynamodbstreams")`."""

    def describe_stream(self, **request: Any) -> dict[str, Any]:
        """List the shards."""
        ...

    def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        """Return an iterator from which to read a shard."""
        ...

    def get_records(self, **request: Any) -> dict[str, Any]:
        """Read on from an iterator."""
        ...


class ReceivingClient(Protocol):
    """The operations that receive messages from a queue, of `boto3.client("sqs")`."""

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Receive messages, and wait for them."""
        ...

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete messages."""
        ...


class SourceQueueClient(ReceivingClient, Protocol):
    """The operations that a queue needs, of `boto3.client("sqs")`."""

    def create_queue(self, **request: Any) -> dict[str, Any]:
        """Create a queue."""
        ...

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        """Return its attributes."""
        ...
