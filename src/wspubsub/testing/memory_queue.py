"""A queue in memory that goes by the gateway's time."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from wspubsub.mappings.queue_records import queue_record
from wspubsub.mappings.settings import QueueSettings
from wspubsub.testing.clients import as_text
from wspubsub.testing.gateway import START_TIME
from wspubsub.testing.queues import QueueSource

_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"
_ARN = "arn:aws:sqs:us-east-1:123456789012:"


@dataclass(slots=True, kw_only=True)
class _Message:
    id: str
    body: str
    attributes: Mapping[str, Any]
    sent_at: float
    visible_at: float
    first_received_at: float | None = None
    receive_count: int = 0


class _MemoryQueueSource(QueueSource):
    def __init__(self, queue: "MemoryQueue", settings: QueueSettings) -> None:
        super().__init__(queue, queue.url, _ARN + settings.name, settings=settings)
        self._queue = queue

    @override
    def due_at(self) -> float | None:
        return self._queue.visible_at()


class MemoryQueue:
    """A standard queue in memory: a `boto3.client("sqs")` for the fan-out under test.

    Example:
        >>> gateway = InProcessGateway(Router())
        >>> queue = MemoryQueue(now=gateway.now)
        >>> fanout = QueueFanout(queue.url, client=queue)
        >>> gateway.add_event_source(queue.source)

    Args:
        settings: Its name, visibility timeout and the rest.
        now: Clock, in seconds since the epoch.

    Attributes:
        url: Its URL, which is given to the fan-out.
        source: The queue as an event source.
        dead_letters: Bodies of the messages that were received too often, in order.
    """

    def __init__(
        self,
        settings: QueueSettings | None = None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        settings = settings or QueueSettings()
        self.url = _URL + settings.name
        self.source: QueueSource = _MemoryQueueSource(self, settings)
        self.dead_letters: list[str] = []
        self._settings = settings
        self._now = now
        self._messages: list[_Message] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._messages)

    def send_message(self, **request: Any) -> dict[str, Any]:
        """Send a message; see SQS's SendMessage."""
        message = self._add(request)
        return {"MessageId": message.id, "MD5OfMessageBody": _md5(message.body)}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to 10 messages; see SQS's SendMessageBatch."""
        sent = []
        for entry in request["Entries"]:
            message = self._add(entry)
            sent.append({"Id": entry["Id"], "MessageId": message.id})
        return {"Successful": sent, "Failed": []}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Receive messages that are visible; see SQS's ReceiveMessage."""
        now = self._now()
        self._bury(now)
        visible = [each for each in self._messages if each.visible_at <= now]
        taken = visible[: request.get("MaxNumberOfMessages", 1)]
        for message in taken:
            message.visible_at = now + self._settings.visibility_timeout_seconds
            message.receive_count += 1
            if message.first_received_at is None:
                message.first_received_at = now
        return {"Messages": [_describe(each) for each in taken]}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete messages; see SQS's DeleteMessageBatch."""
        handles = {entry["ReceiptHandle"] for entry in request["Entries"]}
        self._messages = [
            each for each in self._messages if _receipt_handle(each) not in handles
        ]
        return {"Successful": [{"Id": each["Id"]} for each in request["Entries"]]}

    def visible_at(self) -> float | None:
        """Return when the next message becomes visible; None for an empty queue."""
        return min((each.visible_at for each in self._messages), default=None)

    def _add(self, entry: Mapping[str, Any]) -> _Message:
        self._count += 1
        now = self._now()
        message = _Message(
            id=_message_id(self._count),
            body=entry["MessageBody"],
            attributes=entry.get("MessageAttributes", {}),
            sent_at=now,
            visible_at=now + entry.get("DelaySeconds", 0),
        )
        self._messages.append(message)
        return message

    def _bury(self, now: float) -> None:
        most = self._settings.max_receive_count
        for each in list(self._messages):
            if each.visible_at <= now and each.receive_count >= most:
                self._messages.remove(each)
                self.dead_letters.append(each.body)


def queue_event(
    *bodies: object, receive_count: int = 1, at: float = START_TIME
) -> dict[str, Any]:
    """Return the event that a function is invoked with for messages of a queue.

    Example:
        >>> event = queue_event({"order": 5})
        >>> event["Records"][0]["body"]
        '{"order": 5}'

    Args:
        bodies: Their bodies: text as it is, anything else as JSON.
        receive_count: How often each has been received, this time included.
        at: When they were sent and received, in seconds since the epoch.
    """
    messages = (
        _Message(
            id=_message_id(number),
            body=as_text(body),
            attributes={},
            sent_at=at,
            visible_at=at,
            first_received_at=at,
            receive_count=receive_count,
        )
        for number, body in enumerate(bodies, 1)
    )
    arn = _ARN + QueueSettings().name
    return {
        "Records": [queue_record(_describe(each), queue_arn=arn) for each in messages]
    }


def _message_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def _describe(message: _Message) -> dict[str, Any]:
    first = message.first_received_at or 0.0
    described = {
        "MessageId": message.id,
        "ReceiptHandle": _receipt_handle(message),
        "Body": message.body,
        "MD5OfBody": _md5(message.body),
        "Attributes": {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "SenderId": "123456789012",
            "ApproximateFirstReceiveTimestamp": str(int(first * 1000)),
        },
    }
    if message.attributes:
        described["MessageAttributes"] = message.attributes
    return described


def _receipt_handle(message: _Message) -> str:
    # Each reception has another one.
    return f"{message.id}#{message.receive_count}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
