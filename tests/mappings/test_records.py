"""Records as a handler gets them, whatever the SDK or an emulator makes of them."""

from datetime import UTC, datetime
from typing import Any

from wspubsub.mappings.queue_records import queue_record
from wspubsub.mappings.stream_records import stream_records

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.0"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:wspubsub"


def change(**images: Any) -> dict[str, Any]:
    return {
        "eventID": "7de3",
        "eventName": "REMOVE",
        "eventVersion": "1.0",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(
                2026, 1, 1, microsecond=5, tzinfo=UTC
            ),
            "Keys": {"pk": {"S": "a"}},
            "SequenceNumber": "111",
            "SizeBytes": 64,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }


def test_a_change_has_the_shape_that_lambda_gives_it() -> None:
    old = {
        "b": {"B": b"\x00\xff"},
        "bs": {"BS": [b"1"]},
        "m": {"M": {"l": {"L": [{"B": b"2"}, {"N": "1"}, {"NULL": True}]}}},
    }
    identity = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    found = {**change(OldImage=old), "userIdentity": identity}

    (record,) = stream_records([found], stream_arn=STREAM)

    assert record == {
        "eventID": "7de3",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": STREAM,
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225600.0,
            "Keys": {"pk": {"S": "a"}},
            "OldImage": {
                "b": {"B": "AP8="},
                "bs": {"BS": ["MQ=="]},
                "m": {"M": {"l": {"L": [{"B": "Mg=="}, {"N": "1"}, {"NULL": True}]}}},
            },
            "SequenceNumber": "111",
            "SizeBytes": 64,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "userIdentity": {
            "type": "Service",
            "principalId": "dynamodb.amazonaws.com",
        },
    }


def test_a_write_that_changes_nothing_is_no_record() -> None:
    same = {"pk": {"S": "a"}}

    records = list(
        stream_records([change(OldImage=same, NewImage=same)], stream_arn=STREAM)
    )

    assert records == []


def test_a_message_has_the_shape_that_lambda_gives_it() -> None:
    attributes = {"ApproximateReceiveCount": "1", "SenderId": "AIDA"}
    message = {
        "MessageId": "059f",
        "ReceiptHandle": "AQEB",
        "Body": "{}",
        "MD5OfBody": "99914b93",
        "MD5OfMessageAttributes": "0815",
        "Attributes": attributes,
        "MessageAttributes": {
            "k": {"DataType": "String", "StringValue": "v"},
            "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    }

    record = queue_record(message, queue_arn=QUEUE)

    lists: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record == {
        "messageId": "059f",
        "receiptHandle": "AQEB",
        "body": "{}",
        "attributes": attributes,
        "messageAttributes": {
            "k": {"stringValue": "v", "dataType": "String", **lists},
            "b": {"binaryValue": "AP8=", "dataType": "Binary", **lists},
        },
        "md5OfBody": "99914b93",
        "md5OfMessageAttributes": "0815",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
        "awsRegion": "eu-west-1",
    }
