"""A stream's records as Lambda passes them on, from what GetRecords returns.

The SDK has made times and bytes of some values, and emulators differ from AWS in
others; a handler sees what it would see on AWS ("Using AWS Lambda with Amazon
DynamoDB").
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wspubsub.mappings.payloads import Record

SOURCE = "aws:dynamodb"


def stream_records(
    records: Iterable[Mapping[str, Any]], *, stream_arn: str
) -> Iterator[Record]:
    """Yield the stream's records as records of an event."""
    for record in records:
        change = record["dynamodb"]
        if "OldImage" in change and change["OldImage"] == change.get("NewImage"):
            # A write that changes nothing has no record on AWS; moto makes one.
            continue
        yield _event(record, stream_arn)


def _event(record: Mapping[str, Any], stream_arn: str) -> Record:
    change = record["dynamodb"]
    event = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": SOURCE,
        "awsRegion": stream_arn.split(":")[3],
        "dynamodb": {
            **{name: _plain(value) for name, value in change.items()},
            # A stream knows the time to the second.
            "ApproximateCreationDateTime": float(
                int(change["ApproximateCreationDateTime"].timestamp())
            ),
        },
        "eventSourceARN": stream_arn,
    }
    if identity := record.get("userIdentity"):
        event["userIdentity"] = {
            "type": identity["Type"],
            "principalId": identity["PrincipalId"],
        }
    return event


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
