"""What requests to DynamoDB, its streams and SQS are billed as.

"Amazon SQS pricing": every request counts, once for each 64 KB that it carries, whether
it sends, receives, finds nothing or deletes. "Amazon DynamoDB pricing": a GetRecords of
a stream counts, unless Lambda makes it for a trigger.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wspubsub.local.costs.units import count_units

LAMBDA_POLLERS = 5
"""How many requests for the messages of a queue Lambda has waiting.

"Configuring scaling behavior for SQS event source mappings": Lambda begins with five
batches at a time, and may go down to two. The gateway has one request waiting, so one
that has brought nothing stands for five.
"""

STEP_BYTES = 65_536
STREAM = "stream"
_DYNAMODB, _STREAMS, _SQS = "DynamoDB_20120810", "DynamoDBStreams_20120810", "AmazonSQS"
_OF_LAMBDA = frozenset({"DeleteMessageBatch", "GetRecords", "ReceiveMessage"})
# Other requests cost as much for a FIFO queue as for a standard queue.
_FIFO = frozenset(
    {
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    }
)

_Json = Mapping[str, Any]


class Call(NamedTuple):
    """A request that was answered with success.

    Attributes:
        target: Its `X-Amz-Target`.
        is_lambdas: Whether Lambda would make it, for an event source.
        request: Its body.
        answer: The body of its answer.
    """

    target: str
    is_lambdas: bool
    request: bytes
    answer: bytes


class _Key(NamedTuple):
    source: str
    operation: str
    by: str
    price: str


class Tally:
    """Counts requests."""

    def __init__(self) -> None:
        self._units: dict[str, dict[str, float]] = {}
        self._requests: dict[_Key, dict[str, int]] = {}

    def add(self, call: Call) -> None:
        """Count a request."""
        service, _, operation = call.target.partition(".")
        if service == _DYNAMODB:
            self._add_units(operation, call)
        elif service == _SQS:
            self._add_to_queue(operation, call)
        else:
            self._add(_Key(STREAM, operation, _name(call), "stream_read"), 1)

    def to_json(self) -> dict[str, Any]:
        """Return what was counted.

        Returns:
            `dynamodb`: `requests`, `read_units` and `write_units` by operation.
            `requests`: those to queues and streams, each with `source` (the name of the
            queue, or `stream`), `operation`, `by` (`Lambda` or `application`), `price`
            (its name in `Prices`), `requests`, and as how many they are `billed`.
        """
        return {
            "dynamodb": {name: dict(each) for name, each in self._units.items()},
            "requests": [
                {**key._asdict(), **each} for key, each in self._requests.items()
            ],
        }

    def _add_units(self, operation: str, call: Call) -> None:
        request, answer = json.loads(call.request), json.loads(call.answer or "{}")
        units = count_units(operation, request, answer)
        used = self._units.setdefault(
            operation, {"requests": 0, "read_units": 0.0, "write_units": 0.0}
        )
        used["requests"] += 1
        used["read_units"] += units.read
        used["write_units"] += units.write

    def _add_to_queue(self, operation: str, call: Call) -> None:
        request, answer = json.loads(call.request), json.loads(call.answer or "{}")
        name = request.get("QueueUrl") or request.get("QueueName") or ""
        queue = str(name).rpartition("/")[2]
        is_fifo = queue.endswith(".fifo") and operation in _FIFO
        price = "fifo_request" if is_fifo else "queue_request"
        is_waiting = call.is_lambdas and operation == "ReceiveMessage"
        is_in_vain = is_waiting and not answer.get("Messages")
        self._add(
            _Key(queue, operation, _name(call), price),
            LAMBDA_POLLERS if is_in_vain else 1,
            count_steps(request, answer),
        )

    def _add(self, key: _Key, requests: int, steps: int = 1) -> None:
        counted = self._requests.setdefault(key, {"requests": 0, "billed": 0})
        counted["requests"] += requests
        is_free = key.source == STREAM and key.by == _LAMBDA
        counted["billed"] += 0 if is_free else requests * steps


_LAMBDA, _APPLICATION = "Lambda", "application"


def _name(call: Call) -> str:
    return _LAMBDA if call.is_lambdas else _APPLICATION


def is_billed(target: str, *, is_lambdas: bool) -> bool:
    """Return whether a request is among those that are counted."""
    service, _, operation = target.partition(".")
    if service == _DYNAMODB:
        return not is_lambdas
    if service == _STREAMS:
        return operation == "GetRecords"
    return service == _SQS and (not is_lambdas or operation in _OF_LAMBDA)


def count_steps(request: _Json, answer: _Json) -> int:
    """Return as how many requests one to SQS is billed, by what it carries."""
    sent = [request, *request.get("Entries", ())]
    size = sum(map(_measure, (*sent, *answer.get("Messages", ()))))
    return max(1, math.ceil(size / STEP_BYTES))


def _measure(message: _Json) -> int:
    body = message.get("MessageBody", message.get("Body", ""))
    attributes = message.get("MessageAttributes", {})
    return len(body.encode()) + sum(_measure_each(attributes.items()))


def _measure_each(attributes: Iterable[tuple[str, _Json]]) -> Iterable[int]:
    for name, value in attributes:
        texts = (name, value["DataType"], value.get("StringValue", ""))
        yield from (len(each.encode()) for each in texts)
        yield len(value.get("BinaryValue", "")) * 3 // 4
