"""How many requests may be in flight: as many as the account allows."""

FIRST_SIZE = 16
LEAST_SIZE = 4
"""While at least half get through. So clients that do not read, however many there are,
do not keep the others from being tried."""

TOO_LARGE_SHARE = 0.1
"""Of failures. One client in fifty that does not read stays far below it."""

_WEIGHT = 1 / 64
"""Of one answer in the share of failures: about 64 answers are looked at."""


class Window:
    """How many requests may be in flight.

    It grows with each success. When too large a share of different requests fails, it
    halves (additive increase, multiplicative decrease); when none at all gets through,
    it starts from the beginning. Answers to what was sent before that are then left
    out of account, so that it shrinks once for all that were sent together.

    Args:
        most: Upper limit.

    Attributes:
        size: How many there may be now.
        round: Counts how often it has shrunk.
    """

    __slots__ = (
        "_failed",
        "_first_size",
        "_grows_slowly_from",
        "_most",
        "_share",
        "_succeeded",
        "round",
        "size",
    )

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._first_size = min(float(FIRST_SIZE), self._most)
        self._grows_slowly_from = self._most
        self.size = self._first_size
        self.round = -1
        self._begin_round()

    def succeed(self, sent_in: int) -> None:
        """Grow after an answer to a request that was sent in a round."""
        step = 1.0 if self.size < self._grows_slowly_from else 1.0 / self.size
        self.size = min(self._most, self.size + step)
        if sent_in == self.round:
            self._succeeded += 1
            self._share -= self._share * _WEIGHT

    def fail(self, sent_in: int) -> bool:
        """Shrink if too many fail; return True if no request gets through."""
        if sent_in != self.round:
            return False
        self._failed += 1
        self._share += (1.0 - self._share) * _WEIGHT
        if self._share <= TOO_LARGE_SHARE:
            return False
        is_blocked = not self._succeeded
        if is_blocked:
            self.size = min(self.size, self._first_size)
        else:
            self.size = self._grows_slowly_from = max(self._least(), self.size / 2)
        self._begin_round()
        return is_blocked

    def _least(self) -> float:
        return min(LEAST_SIZE, self._most) if self._succeeded >= self._failed else 1.0

    def _begin_round(self) -> None:
        self.round += 1
        self._share = 0.0
        self._succeeded = self._failed = 0
