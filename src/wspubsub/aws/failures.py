"""What the Management API's answers mean; the one table of them."""

import json
from enum import Enum
from urllib.parse import urlsplit

from wspubsub.errors import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    ThrottledError,
)


class Meaning(Enum):
    """What an answer other than success means."""

    GONE = "gone"
    THROTTLED = "throttled"
    DENIED = "denied"
    REFUSED = "refused"
    """Will be refused again, however often it is tried."""
    BROKEN = "broken"
    """May work when it is tried again."""


_BY_CODE = {
    "GoneException": Meaning.GONE,
    "LimitExceededException": Meaning.THROTTLED,
    "ForbiddenException": Meaning.DENIED,
    "PayloadTooLargeException": Meaning.REFUSED,
    "BadRequestException": Meaning.REFUSED,
}
_BY_STATUS = {410: Meaning.GONE, 429: Meaning.THROTTLED, 403: Meaning.DENIED}
_SERVER_ERROR = 500


def meaning_of(status: int | None, code: str | None) -> Meaning:
    """Return what an answer means, by its error code or else by its status.

    Some gateways answer a bare 410 without the header that names the error.
    """
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status is None or status >= _SERVER_ERROR:
        return Meaning.BROKEN
    return _BY_STATUS.get(status, Meaning.REFUSED)


def error_for(
    meaning: Meaning,
    connection_id: str,
    endpoint: str,
    *,
    status: int | None,
    code: str | None,
    text: str,
) -> ManagementError:
    """Return the error to raise for an answer."""
    if meaning is Meaning.GONE:
        return ConnectionGoneError(connection_id)
    if meaning is Meaning.THROTTLED:
        return ThrottledError(
            "the Management API throttles: the account's rate is exceeded, or the "
            "client reads too slowly",
            status=status,
            code=code,
        )
    if meaning is Meaning.DENIED:
        return AccessDeniedError(denied_text(endpoint, text), status=status, code=code)
    return ManagementError(
        f"the Management API at {endpoint} failed: {text}", status=status, code=code
    )


def denied_text(endpoint: str, text: str) -> str:
    """Return what to do about a 403, with the IAM statement that is missing."""
    parts = urlsplit(endpoint)
    labels = (parts.hostname or "").split(".")
    is_default = labels[1:2] == ["execute-api"]
    region = labels[2] if is_default else "REGION"
    api_id = labels[0] if is_default else "API-ID"
    stage = parts.path.strip("/") if is_default else "STAGE"
    arn = f"arn:aws:execute-api:{region}:ACCOUNT:{api_id}/{stage}/*/@connections/*"
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": arn,
    }
    return (
        f"the Management API at {endpoint} answered 403 ({text}); the function's role "
        f"needs the statement {json.dumps(statement)}, or the endpoint's stage is wrong"
    )
