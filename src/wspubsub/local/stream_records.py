"""Records of DynamoDB Streams in the form that Lambda gives them to a function."""

from base64 import b64encode
from datetime import datetime
from typing import Any


def lambda_record(record: dict[str, Any], *, stream_arn: str, region: str) -> Any:  # noqa: ANN401 - JSON
    """Return what the function gets for a record of `GetRecords`.

    Binary values are base64, and the time is in seconds since the epoch.
    """
    return {
        **_plain(record),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "eventSourceARN": stream_arn,
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON, nearly
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | set | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.timestamp()
    return value
