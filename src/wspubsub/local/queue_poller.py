"""Takes messages from a queue and hands them to a function."""

import asyncio
import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.local.invoker import Invoker
from wspubsub.local.partial_batches import failed_records
from wspubsub.local.queue_settings import QueueSettings
from wspubsub.local.tasks import Tasks

POLLERS = 5
"""Lambda begins with 5 batches at the same time."""

MAX_RECEIVE_COUNT = 5
WAIT_SECONDS = 1
AGAIN_SECONDS = 1
"""On AWS a message that failed comes again when its visibility time-out is over, 6
times the function's time-out; that is no time to wait for while developing."""

RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.5, 10.0
NAME = "wspubsub-fanout"


class QueuePoller:
    """The event source mapping of a queue.

    Args:
        client: A `boto3.client("sqs")`.
        url: URL of the queue.
        invoker: Hands batches to the function.
        settings: What the mapping is set to.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 ships no types
        url: str,
        invoker: Invoker,
        settings: QueueSettings,
    ) -> None:
        self._client = client
        self._url = url
        self._arn = _arn(client, url)
        self._invoker = invoker
        self._settings = settings
        self._tasks = Tasks()
        self._is_warned = False

    def start(self) -> None:
        """Begin."""
        for _ in range(POLLERS):
            self._tasks.spawn(self._poll())

    async def close(self) -> None:
        """End; what is being worked off would come again on AWS."""
        await self._tasks.close()

    async def _poll(self) -> None:
        delay = RETRY_SECONDS
        while True:
            try:
                messages = await asyncio.to_thread(self._received)
                if messages:
                    await self._hand_over(messages)
            except (BotoCoreError, ClientError) as error:
                if not self._is_warned:
                    self._is_warned = True
                    self._invoker.journal.warn(f"the queue cannot be read: {error}")
                await asyncio.sleep(delay)
                delay = min(delay * 2, _MAX_RETRY_SECONDS)
            else:
                self._is_warned, delay = False, RETRY_SECONDS

    def _received(self) -> list[dict[str, Any]]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._settings.batch_size,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            VisibilityTimeout=self._settings.visibility_seconds,
            WaitTimeSeconds=WAIT_SECONDS,
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    async def _hand_over(self, messages: list[dict[str, Any]]) -> None:
        ids = [message["MessageId"] for message in messages]
        records = [self._record(message) for message in messages]
        result = await self._invoker.invoke("queue", records, ids)
        failed = failed_records(result, ids)
        await asyncio.to_thread(self._conclude, messages, failed)

    def _conclude(self, messages: list[dict[str, Any]], failed: frozenset[str]) -> None:
        for message in messages:
            handle = {"QueueUrl": self._url, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] not in failed:
                self._client.delete_message(**handle)
                continue
            times = int(message["Attributes"]["ApproximateReceiveCount"])
            if times >= MAX_RECEIVE_COUNT:
                self._invoker.journal.warn(
                    f"queue message {message['MessageId']} failed {times} times and "
                    f"goes to the dead-letter queue: {message['Body'][:2000]}"
                )
            self._client.change_message_visibility(
                **handle, VisibilityTimeout=AGAIN_SECONDS
            )

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._arn.split(":")[3],
        }


def create_queue(client: Any) -> str:  # noqa: ANN401 - boto3 ships no types
    """Make a queue with a dead-letter queue and return its URL."""
    dead = client.create_queue(QueueName=f"{NAME}-dead")["QueueUrl"]
    policy = {
        "deadLetterTargetArn": _arn(client, dead),
        "maxReceiveCount": str(MAX_RECEIVE_COUNT),
    }
    url: str = client.create_queue(
        QueueName=NAME, Attributes={"RedrivePolicy": json.dumps(policy)}
    )["QueueUrl"]
    return url


def _arn(client: Any, url: str) -> str:  # noqa: ANN401 - boto3 ships no types
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    return arn


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    names = {
        "StringValue": "stringValue",
        "BinaryValue": "binaryValue",
        "DataType": "dataType",
    }
    found = {names[name]: member for name, member in value.items() if name in names}
    return {**found, "stringListValues": [], "binaryListValues": []}
