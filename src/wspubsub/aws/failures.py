"""What the Management API's answers mean; the one table of them."""

import json
from enum import Enum

from wspubsub.aws.endpoints import default_domain
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
    place = default_domain(endpoint)
    arn = (
        f"arn:{place.partition}:execute-api:{place.region}:ACCOUNT:"
        f"{place.api_id}/{place.stage}/*/@connections/*"
        if place
        else "arn:aws:execute-api:REGION:ACCOUNT:API-ID/STAGE/*/@connections/*"
    )
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": arn,
    }
    return (
        f"the Management API at {endpoint} answered 403 ({text}); the function's role "
        f"needs the statement {json.dumps(statement)}, or the endpoint's stage is wrong"
    )
