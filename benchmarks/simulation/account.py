"""The account's share of API Gateway: a token bucket that all functions draw from."""

from collections.abc import Callable


class Account:
    """Grants requests at a rate, with a burst.

    Args:
        clock: Time in seconds.
        per_second: How many requests a second.
        burst: How many at once, after a pause.
    """

    def __init__(
        self, clock: Callable[[], float], *, per_second: float, burst: float
    ) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._filled_at = 0.0

    def granted(self, requests: int) -> int:
        """Return how many of some requests that come now are not throttled."""
        now = self._clock()
        self._tokens += (now - self._filled_at) * self._per_second
        self._tokens = min(self._burst, self._tokens)
        self._filled_at = now
        granted = min(requests, int(self._tokens))
        self._tokens -= granted
        return granted
