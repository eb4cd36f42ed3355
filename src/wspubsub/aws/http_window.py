"""How many requests may be in flight: as many as the account bears."""

_TOGETHER_SECONDS = 0.05
"""Answers that come within this time are to requests that were sent together."""


class Window:
    """How many requests may be in flight.

    It grows with success and halves when the account is throttled (additive increase,
    multiplicative decrease).

    Args:
        most: Upper limit.
    """

    __slots__ = ("_grows_slowly_from", "_last_halved", "_most", "size")

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._grows_slowly_from = float(most)
        self._last_halved = -1.0
        self.size = min(16.0, self._most)

    def succeeded(self) -> None:
        """Let it grow after an answer."""
        step = 1.0 if self.size < self._grows_slowly_from else 1.0 / self.size
        self.size = min(self._most, self.size + step)

    def throttled(self, now: float) -> None:
        """Let it shrink, once for all answers to what was sent together."""
        if now - self._last_halved >= _TOGETHER_SECONDS:
            self._last_halved = now
            self.size = self._grows_slowly_from = max(1.0, self.size / 2)
