"""What AWS's answers mean: the one table of them, for every service and client.

What is worth a retry is what botocore's standard mode retries, by error code first and
by status where the code says nothing (`botocore.retries.standard`, which the tests
compare with), and what DynamoDB's model calls retryable.
"""

from enum import Enum

UNREADABLE = "UnreadableAnswer"
"""Our error code for an answer that the service would not send."""

UNREACHABLE = "EndpointConnectionError"
"""The engine's error code when there is no answer; one of botocore's names for it."""


class Meaning(Enum):
    """What an answer other than success means."""

    GONE = "gone"
    THROTTLED = "throttled"
    """May work if it is tried again later and less is sent."""
    DENIED = "denied"
    REFUSED = "refused"
    """Will be refused again, no matter how often it is tried."""
    BROKEN = "broken"
    """May work if it is tried again."""

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self in {Meaning.THROTTLED, Meaning.BROKEN}


_CODES = {
    Meaning.GONE: ("GoneException",),
    Meaning.THROTTLED: (
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    ),
    Meaning.BROKEN: (
        "InternalServerError",
        "ReplicatedWriteConflictException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        UNREADABLE,
        UNREACHABLE,
    ),
    Meaning.DENIED: (
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "ForbiddenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ),
}
_BY_CODE = {code: meaning for meaning, codes in _CODES.items() for code in codes}
_BY_STATUS = {
    403: Meaning.DENIED,
    410: Meaning.GONE,
    429: Meaning.THROTTLED,
    500: Meaning.BROKEN,
    502: Meaning.BROKEN,
    503: Meaning.BROKEN,
    504: Meaning.BROKEN,
}


def meaning_of(status: int | None, code: str | None) -> Meaning:
    """Return what an answer means, by its error code, or else by its status.

    Some gateways answer a bare 410 without the header that names the error.

    Args:
        status: Status of the answer; None if there was none.
        code: Error code; None if there was none.
    """
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status is None:
        return Meaning.BROKEN if code is None else Meaning.REFUSED
    return _BY_STATUS.get(status, Meaning.REFUSED)
