"""How often and how long a log tries to write, and which failures it retries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from wspubsub.aws.meanings import meaning_of
from wspubsub.backoff import attempts, full_jitter
from wspubsub.dynamodb.client import CONDITION_FAILED
from wspubsub.dynamodb.timeouts import run_within
from wspubsub.errors import StoreError, StoreTimeoutError

MAX_TRIES = 100
TIMEOUT_SECONDS = 10.0
"""Unless the caller says otherwise: well within the 29 s of a WebSocket integration."""

BASE_SECONDS, CAP_SECONDS = 0.01, 0.5
"""Shorter than after throttling: who loses against another writer has only to read
where the log ends now, and of all who try at once one always wins."""

ROUND_SECONDS = 0.005
"""How long at least who waits to be carried leaves the others alone."""

MAX_ROUND_SECONDS = 0.1
"""The longest of the random pauses on top of that."""

ANSWER_SECONDS = 1.0
"""How long the answer to a request is waited for, even if no time is left."""

AnswerT = TypeVar("AnswerT")


def is_passing(error: StoreError) -> bool:
    """Whether the same request may succeed in a moment.

    Any client has tried several times by then; DynamoDB may nevertheless be back before
    the caller's time is over.
    """
    # What failed has loaded it.
    from wspubsub.aws.client_errors import failure_of

    is_late = isinstance(error, StoreTimeoutError)
    if is_late or error.code == "TransactionConflictException":
        return True
    cause = error.__cause__
    if isinstance(cause, Exception):
        return failure_of(cause).meaning.is_passing
    return meaning_of(None, error.code).is_passing


class Tries:
    """The time in which one call of a log may make attempts.

    It is that of the caller's clock, so that a Lambda environment which is frozen
    halfway does not go on hours later with what it knew before.

    Args:
        now: Clock, in seconds since the epoch.
        sleep: Waits before the next try.
        timeout_seconds: How long to try, and to wait for answers; None for trying 10
            seconds.
    """

    def __init__(
        self,
        now: Callable[[], float],
        sleep: Callable[[float], object],
        timeout_seconds: float | None,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._is_limited = timeout_seconds is not None
        seconds = TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        self._deadline = now() + seconds

    def request(self, ask: Callable[[], AnswerT], operation: str) -> AnswerT:
        """Return the answer to a request, which is retried while its failure may pass.

        If the caller gave a timeout, a request that is not answered in time is left
        behind: clients give up only after half a minute.

        Raises:
            StoreError: What the last try failed with.
        """
        delays = full_jitter(base_seconds=BASE_SECONDS, cap_seconds=CAP_SECONDS)
        failure: StoreError
        for _ in self._attempts(delays):
            try:
                return self._ask(ask, operation)
            except StoreError as error:
                if not is_passing(error):
                    raise
                failure = error
        raise failure

    def turns(self) -> Iterator[int]:
        """Yield 1, 2, 3, …: an attempt to write each, where others may write first."""
        delays = full_jitter(base_seconds=BASE_SECONDS, cap_seconds=CAP_SECONDS)
        # Shorter and shorter: who has tried for long must not starve.
        return self._attempts(delay * self._share_left() for delay in delays)

    def rounds(self) -> Iterator[int]:
        """Yield 1, 2, 3, …: a look each, whether others have carried a message."""
        delays = full_jitter(base_seconds=BASE_SECONDS, cap_seconds=MAX_ROUND_SECONDS)
        return self._attempts(ROUND_SECONDS + delay for delay in delays)

    def has(self, seconds: float) -> bool:
        """Return whether so much time is left."""
        return self._left() >= seconds

    def wait(self, seconds: float) -> None:
        """Let others go first, for at most half of the time left."""
        wait = min(seconds, self._left() / 2)
        if wait > 0:
            self._sleep(wait)

    def _ask(self, ask: Callable[[], AnswerT], operation: str) -> AnswerT:
        # Without a timeout of the caller's, that of the client is good enough.
        seconds = max(self._left(), ANSWER_SECONDS) if self._is_limited else None
        return run_within(seconds, ask, operation)

    def _attempts(self, delays: Iterator[float]) -> Iterator[int]:
        return attempts(self._sleep, most=MAX_TRIES, left=self._left, delays=delays)

    def _share_left(self) -> float:
        return min(1.0, max(0.0, self._left()) / TIMEOUT_SECONDS)

    def _left(self) -> float:
        return self._deadline - self._now()


@contextmanager
def report_timeout(topic: str, told: tuple[str, str]) -> Iterator[None]:
    """Report what a call that runs out of time may have done nevertheless.

    Args:
        topic: The topic.
        told: What has not been done, and what may be done about it.
    """
    try:
        yield
    except StoreError as error:
        if not is_passing(error):
            raise
        raise make_timeout_error(topic, told, error) from error


def make_timeout_error(
    topic: str, told: tuple[str, str], failure: StoreError | None
) -> StoreError:
    """Return the error of a call that ran out of time; see `report_timeout`."""
    what, advice = told
    why = str(failure) if failure else "other writers always came first"
    return StoreError(
        f"the log of topic {topic!r} {what}: {why}; {advice}",
        operation=failure.operation if failure else "PutItem",
        code=failure.code if failure else CONDITION_FAILED,
    )
