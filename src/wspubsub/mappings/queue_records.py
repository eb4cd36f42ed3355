"""A queue's messages as Lambda passes them on, from what ReceiveMessage returns.

"Using Lambda with Amazon SQS" has the shape.
"""

import base64
from collections.abc import Mapping
from typing import Any

from wspubsub.mappings.payloads import Record

SOURCE = "aws:sqs"


def queue_record(message: Mapping[str, Any], *, queue_arn: str) -> Record:
    """Return a queue message as a record of an event."""
    attributes = message.get("MessageAttributes", {})
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {
            name: _attribute(value) for name, value in attributes.items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": SOURCE,
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": attribute["DataType"],
    }
    if "StringValue" in attribute:
        value["stringValue"] = attribute["StringValue"]
    if "BinaryValue" in attribute:
        value["binaryValue"] = base64.b64encode(attribute["BinaryValue"]).decode()
    return value
