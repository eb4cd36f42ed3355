"""A handler that shows the records of event sources, and fails as these ask for."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

FOLDER = Path(os.environ.get("FLAGS", "."))

Event = dict[str, Any]


def handler(event: Event, _context: Any) -> Any:
    if "Records" not in event:
        return {"statusCode": 200, "body": send(event)}
    failures = []
    print("BATCH", json.dumps([order_of(record) for record in event["Records"]]))
    for record in event["Records"]:
        print("RECORD", json.dumps(record))
        if fails(order_of(record)):
            failures.append({"itemIdentifier": identifier(record)})
    return {"batchItemFailures": failures}


def order_of(record: Mapping[str, Any]) -> str:
    """Return what a record asks for."""
    if record["eventSource"] == "aws:sqs":
        return str(record["body"])
    return str(record["dynamodb"]["Keys"]["sk"]["S"])


def identifier(record: Mapping[str, Any]) -> str:
    if record["eventSource"] == "aws:sqs":
        return str(record["messageId"])
    return str(record["dynamodb"]["SequenceNumber"])


def fails(order: str) -> bool:
    if order.startswith("raise"):
        raise ValueError(order)
    if order.startswith("die once") and not (FOLDER / "died").exists():
        (FOLDER / "died").touch()
        os._exit(1)
    return order.startswith("poison")


def send(event: Event) -> str:
    """Send what a client says to the queue, as a function on AWS would."""
    if event["requestContext"]["eventType"] != "MESSAGE":
        return ""
    queue_url = os.environ["WSPUBSUB_QUEUE"]
    return str(
        boto3.client("sqs").send_message(QueueUrl=queue_url, MessageBody=event["body"])[
            "MessageId"
        ]
    )
