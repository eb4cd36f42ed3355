"""A queue in moto, and an event source mapping that takes what it has to a handler."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS

LambdaHandler = Callable[[Any, Any], Any]


class Impatient:
    """An SQS client whose messages come at once, however long they are delayed.

    Attributes:
        delays: The delays that were asked for.
        failures: Codes for the next entries that are sent; None for no failure.
        error: Raised instead of sending, once.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.requests = 0
        self.delays: list[int] = []
        self.failures: list[str | None] = []
        self.is_sender_fault = False
        self.error: Exception | None = None

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.requests += 1
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        taken, failed = [], []
        for entry in request.pop("Entries"):
            self.delays.append(entry["DelaySeconds"])
            code = self.failures.pop(0) if self.failures else None
            if code is None:
                taken.append({**entry, "DelaySeconds": 0})
            else:
                failed.append(
                    {
                        "Id": entry["Id"],
                        "Code": code,
                        "SenderFault": self.is_sender_fault,
                    }
                )
        answer: dict[str, Any] = {}
        if taken:
            answer = self.client.send_message_batch(Entries=taken, **request)
        return {**answer, "Failed": [*answer.get("Failed", []), *failed]}


class QueueInMoto:
    """A queue, and what Lambda does with its messages."""

    def __init__(self, client: Any, *, max_receive_count: int = 3) -> None:
        self.client = client
        self.sender = Impatient(client)
        self.url = client.create_queue(QueueName="fanout")["QueueUrl"]
        self.dead: list[dict[str, Any]] = []
        self.invocations = 0
        self._max_receive_count = max_receive_count

    def bodies(self) -> list[str]:
        """Take all messages out and return their bodies."""
        return [record["body"] for record in self._received(take=True)]

    def work_off(
        self, handler: LambdaHandler, context: object = None, *, batch_size: int = 10
    ) -> None:
        """Invoke a handler until the queue is empty, as an event source mapping."""
        while records := self._received(batch_size):
            self.invocations += 1
            try:
                answer = handler({"Records": records}, context)
                failed = {
                    each["itemIdentifier"] for each in answer["batchItemFailures"]
                }
            except Exception:  # noqa: BLE001 - as Lambda, which takes any for a failure
                failed = {record["messageId"] for record in records}
            for record in records:
                self._conclude(record, is_failed=record["messageId"] in failed)

    def _conclude(self, record: dict[str, Any], *, is_failed: bool) -> None:
        handle = {"QueueUrl": self.url, "ReceiptHandle": record["receiptHandle"]}
        times = int(record["attributes"]["ApproximateReceiveCount"])
        if not is_failed:
            self.client.delete_message(**handle)
        elif times >= self._max_receive_count:
            self.dead.append(record)
            self.client.delete_message(**handle)
        else:
            self.client.change_message_visibility(**handle, VisibilityTimeout=0)

    def _received(self, most: int = 10, *, take: bool = False) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        while True:
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=most,
                AttributeNames=["All"],
                VisibilityTimeout=600,
            )
            found = answer.get("Messages", [])
            records += [_record(message) for message in found]
            if not (take and found):
                return records
            for record in records:
                self.client.delete_message(
                    QueueUrl=self.url, ReceiptHandle=record["receiptHandle"]
                )


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:fanout",
        "awsRegion": "us-east-1",
    }


@contextmanager
def queue_in_moto(*, max_receive_count: int = 3) -> Iterator[QueueInMoto]:
    """Make a queue in moto, inside this process."""
    with mock_aws():
        client = boto3.client("sqs", **CREDENTIALS)
        yield QueueInMoto(client, max_receive_count=max_receive_count)
