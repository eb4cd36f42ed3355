"""What requests to queues and streams are billed as."""

import json
from typing import Any

import pytest

from wspubsub.local.costs.prices import PRICES
from wspubsub.local.costs.tally import LAMBDA_POLLERS, Call, Tally, is_billed

URL = "http://127.0.0.1:4000/123456789012/jobs"


def count(
    operation: str,
    request: dict[str, Any],
    answer: dict[str, Any] | None = None,
    *,
    is_lambdas: bool = False,
) -> dict[str, Any]:
    tally = Tally()
    encoded = (json.dumps(each or {}).encode() for each in (request, answer))
    tally.add(Call(operation, is_lambdas, *encoded))
    [row] = tally.to_json()["requests"]
    assert row["price"] in PRICES.to_json()
    return dict(row)


def message(size: int, name: str = "MessageBody") -> dict[str, Any]:
    return {name: "x" * size}


@pytest.mark.parametrize(
    ("operation", "request_", "answer", "billed"),
    [
        ("SendMessage", message(65_536), {}, 1),
        ("SendMessage", message(65_537), {}, 2),
        ("SendMessage", {"MessageBody": "\u00e9" * 40_000}, {}, 2),
        ("SendMessageBatch", {"Entries": [message(40_000), message(40_000)]}, {}, 2),
        ("ReceiveMessage", {}, {"Messages": [message(70_000, "Body")] * 3}, 4),
        ("ReceiveMessage", {}, {}, 1),
        ("DeleteMessageBatch", {"Entries": [{"Id": "1"}] * 10}, {}, 1),
        ("ChangeMessageVisibility", {}, {}, 1),
    ],
)
def test_a_request_to_a_queue_is_billed_for_each_64_kb(
    operation: str, request_: dict[str, Any], answer: dict[str, Any], billed: int
) -> None:
    row = count(f"AmazonSQS.{operation}", {"QueueUrl": URL, **request_}, answer)

    assert row == {
        "source": "jobs",
        "operation": operation,
        "by": "application",
        "price": "queue_request",
        "requests": 1,
        "billed": billed,
    }


def test_attributes_are_part_of_a_message() -> None:
    attributes = {
        "text": {"DataType": "String", "StringValue": "x" * 30_000},
        "data": {"DataType": "Binary", "BinaryValue": "AAAA" * 10_000},
    }
    request = {"QueueUrl": URL, "MessageBody": "x", "MessageAttributes": attributes}

    assert count("AmazonSQS.SendMessage", request)["billed"] == 1
    request["MessageBody"] = "x" * 6_000
    assert count("AmazonSQS.SendMessage", request)["billed"] == 2


@pytest.mark.parametrize(
    ("operation", "price"),
    [
        ("SendMessage", "fifo_request"),
        ("ReceiveMessage", "fifo_request"),
        ("GetQueueAttributes", "queue_request"),
    ],
)
def test_a_fifo_queue_has_a_price_of_its_own(operation: str, price: str) -> None:
    row = count(f"AmazonSQS.{operation}", {"QueueUrl": f"{URL}.fifo"})

    assert (row["source"], row["price"]) == ("jobs.fifo", price)


def test_a_queue_that_is_created_is_named_too() -> None:
    assert count("AmazonSQS.CreateQueue", {"QueueName": "new"})["source"] == "new"


def test_a_wait_in_vain_stands_for_those_of_all_pollers() -> None:
    request = {"QueueUrl": URL}
    found = {"Messages": [message(10, "Body")]}
    operation = "AmazonSQS.ReceiveMessage"

    idle = count(operation, request, is_lambdas=True)
    busy = count(operation, request, found, is_lambdas=True)

    assert (idle["by"], idle["requests"], idle["billed"]) == (
        "Lambda",
        LAMBDA_POLLERS,
        LAMBDA_POLLERS,
    )
    assert (busy["requests"], busy["billed"]) == (1, 1)
    assert count(operation, request)["billed"] == 1


def test_only_lambda_reads_a_stream_for_nothing() -> None:
    operation = "DynamoDBStreams_20120810.GetRecords"

    free, billed = (
        count(operation, {}, is_lambdas=is_lambdas) for is_lambdas in (True, False)
    )

    assert (free["source"], free["by"], free["requests"]) == ("stream", "Lambda", 1)
    assert (free["billed"], billed["billed"]) == (0, 1)
    assert free["price"] == billed["price"] == "stream_read"


@pytest.mark.parametrize(
    ("target", "by_application", "by_lambda"),
    [
        ("DynamoDB_20120810.Query", True, False),
        ("DynamoDBStreams_20120810.GetRecords", True, True),
        ("DynamoDBStreams_20120810.DescribeStream", False, False),
        ("AmazonSQS.SendMessage", True, False),
        ("AmazonSQS.ReceiveMessage", True, True),
        ("AmazonSQS.DeleteMessageBatch", True, True),
        ("AmazonSQS.CreateQueue", True, False),
        ("", False, False),
    ],
)
def test_what_the_gateway_asks_for_itself_is_not_billed(
    target: str, *, by_application: bool, by_lambda: bool
) -> None:
    assert is_billed(target, is_lambdas=False) == by_application
    assert is_billed(target, is_lambdas=True) == by_lambda
