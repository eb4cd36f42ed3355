"""A queue, delivered in the test's own thread by Lambda's rules."""

from wspubsub.gateway.inputs import InvocationResult
from wspubsub.mappings.clients import ReceivingClient
from wspubsub.mappings.payloads import Record, batches
from wspubsub.mappings.queue_records import queue_record
from wspubsub.mappings.settings import QueueSettings
from wspubsub.mappings.verdicts import BatchVerdict


class QueueSource:
    """An SQS queue, as an event source of an `InProcessGateway`.

    Messages whose batch fails, or that it reports in `batchItemFailures`, are left to
    the queue, which redelivers them after its visibility timeout ("Handling errors for
    an SQS event source in Lambda"). moto's queues go by the real time; a `MemoryQueue`
    has a source that goes by the gateway's.

    Args:
        client: A `boto3.client("sqs")`, such as moto's.
        url: URL of the queue.
        arn: ARN of the queue.
        settings: Its `batch_size` is how many messages an invocation gets at most.
    """

    def __init__(
        self,
        client: ReceivingClient,
        url: str,
        arn: str,
        *,
        settings: QueueSettings | None = None,
    ) -> None:
        self._client = client
        self._url = url
        self._arn = arn
        self._settings = settings or QueueSettings()
        self._received: list[tuple[Record, ...]] = []

    def next_batch(self, _now: float, /) -> tuple[Record, ...] | None:
        """Return the messages to invoke a function with, or None."""
        if not self._received:
            self._received = self._receive()
        return self._received[0] if self._received else None

    def finish(self, result: InvocationResult, _now: float, /) -> None:
        """Process the result of the invocation with the last batch."""
        batch = self._received.pop(0)
        verdict = BatchVerdict.of(result, [each["messageId"] for each in batch])
        handled = [each for each in batch if each["messageId"] not in verdict.failed]
        if handled:
            self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": each["receiptHandle"]}
                    for number, each in enumerate(handled)
                ],
            )

    def due_at(self) -> float | None:
        """Return when a message becomes visible; None, since only the queue knows."""
        return None

    def _receive(self) -> list[tuple[Record, ...]]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._settings.batch_size,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        records = [
            queue_record(message, queue_arn=self._arn)
            for message in answer.get("Messages", [])
        ]
        return list(batches(records, size=self._settings.batch_size))
