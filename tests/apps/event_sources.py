"""A plain Lambda handler of three event sources; what it is sent says what it does."""

# ruff: noqa: T201 - handlers print
import json
import os
from pathlib import Path
from typing import Any

import boto3

TABLE = os.environ["WSPUBSUB_TABLE"]
QUEUE = os.environ.get("WSPUBSUB_QUEUE")

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> Any:
    if "requestContext" in event:
        if event["requestContext"]["eventType"] == "MESSAGE":
            client(json.loads(event["body"]))
        return {"statusCode": 200}
    print("BATCH", len(event["Records"]))
    failed = [
        identifier(record) for record in event["Records"] if not is_handled(record)
    ]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def client(order: dict[str, Any]) -> None:
    for number, text in enumerate(order.get("put", ())):
        item = {
            "pk": {"S": "test"},
            "sk": {"S": f"{order['name']}-{number}"},
            "text": {"S": text},
            "data": {"B": b"\x00\xff"},
        }
        dynamodb.put_item(TableName=TABLE, Item=item)
    if "send" in order:
        sqs = boto3.client("sqs")
        for text in order["send"]:
            sqs.send_message(QueueUrl=QUEUE, MessageBody=text)


def identifier(record: dict[str, Any]) -> str:
    if record["eventSource"] == "aws:sqs":
        return str(record["messageId"])
    return str(record["dynamodb"]["SequenceNumber"])


def is_handled(record: dict[str, Any]) -> bool:
    print("RECORD", json.dumps(record))
    if record["eventSource"] == "aws:sqs":
        text, times = record["body"], record["attributes"]["ApproximateReceiveCount"]
    else:
        text, times = record["dynamodb"]["NewImage"].get("text", {}).get("S", ""), "1"
    print("HANDLING", text, times)
    if text == "raise":
        raise ValueError("poison")
    if text.startswith("die once ") and not Path(text[9:]).exists():
        Path(text[9:]).touch()
        os._exit(3)
    if text.startswith("fail once ") and not Path(text[10:]).exists():
        Path(text[10:]).touch()
        return False
    return bool(text != "fail")
