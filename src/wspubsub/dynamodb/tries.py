"""How often and how long a write is tried, and after which failures again."""

from collections.abc import Callable, Iterator

from wspubsub.backoff import attempts, full_jitter
from wspubsub.errors import StoreError

MAX_TRIES = 100
TIMEOUT_SECONDS = 10.0
"""Unless the caller says otherwise: well within the 29 s of a WebSocket integration."""

BASE_SECONDS, CAP_SECONDS = 0.01, 0.5
"""Shorter than after throttling: who loses against another writer has only to read
where the log ends now, and of all who try at once one always wins."""


def is_passing(error: StoreError) -> bool:
    """Whether the same request may succeed in a moment.

    Any client has tried several times by then; DynamoDB may nevertheless be back before
    the caller's time is over.
    """
    # What failed has loaded these.
    from wspubsub.aws.client_errors import failure_of  # noqa: PLC0415
    from wspubsub.aws.meanings import meaning_of  # noqa: PLC0415

    if error.code == "TransactionConflictException":
        return True
    cause = error.__cause__
    if isinstance(cause, Exception):
        return failure_of(cause).meaning.is_passing
    return meaning_of(None, error.code).is_passing


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
    return attempts(
        sleep,
        most=MAX_TRIES,
        left=lambda: deadline - now(),
        delays=full_jitter(base_seconds=BASE_SECONDS, cap_seconds=CAP_SECONDS),
    )
