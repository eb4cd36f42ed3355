"""How often and how long a write is tried, and after which failures again."""

from collections.abc import Callable, Iterator

from wspubsub.backoff import full_jitter
from wspubsub.errors import StoreError

MAX_TRIES = 100
TIMEOUT_SECONDS = 10.0
"""Unless the caller says otherwise: well within the 29 s of a WebSocket integration."""

BASE_SECONDS, CAP_SECONDS = 0.01, 0.5
"""Shorter than after throttling: who loses against another writer has only to read
where the log ends now, and of all who try at once one always wins."""

# Any client has tried several times by then; DynamoDB may nevertheless be back before
# the caller's time is over. Each of the last group leaves open what has happened.
_PASSING = frozenset(
    {
        # "Error handling with DynamoDB"
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
        # botocore's names for having no answer; the engine uses the first
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "HTTPClientError",
        "ReadTimeoutError",
        "ResponseStreamingError",
    }
)


def is_passing(error: StoreError) -> bool:
    """Whether the same request may succeed in a moment."""
    return error.code in _PASSING


def tries(
    now: Callable[[], float],
    sleep: Callable[[float], object],
    timeout_seconds: float | None = None,
) -> Iterator[int]:
    """Yield the number of each try, waiting between them, until the time is over.

    The time is that of the caller's clock, so that a Lambda environment which is
    frozen half-way does not go on hours later with what it knew before.
    """
    seconds = TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
    deadline = now() + seconds
    delays = full_jitter(base_seconds=BASE_SECONDS, cap_seconds=CAP_SECONDS)
    yield 1
    for number in range(2, MAX_TRIES + 1):
        delay = next(delays)
        if now() + delay >= deadline:
            return
        sleep(delay)
        if now() >= deadline:
            return
        yield number
