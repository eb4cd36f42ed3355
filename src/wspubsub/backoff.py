"""How long to wait before the next attempt, and the retry loop: full jitter, pure.

AWS Architecture Blog, "Exponential Backoff And Jitter": drawing the whole delay at
random spreads retries of many callers best.
"""

from collections.abc import Callable, Iterator
from itertools import count

BASE_SECONDS = 0.05
CAP_SECONDS = 2.0


def full_jitter(
    draw: Callable[[], float] | None = None,
    *,
    base_seconds: float = BASE_SECONDS,
    cap_seconds: float = CAP_SECONDS,
) -> Iterator[float]:
    """Yield delays in seconds without end, the n-th from 0 to base * 2**n, capped.

    Args:
        draw: Source of numbers from 0 to 1; `random.random` if None.
        base_seconds: Longest first delay.
        cap_seconds: Longest delay of all.
    """
    if draw is None:
        import random  # most calls never wait

        draw = random.random
    ceiling = base_seconds
    while True:
        yield draw() * ceiling
        ceiling = min(ceiling * 2, cap_seconds)


def attempts(
    sleep: Callable[[float], object],
    *,
    most: int | None = None,
    left: Callable[[], float] | None = None,
    delays: Iterator[float] | None = None,
) -> Iterator[int]:
    """Yield 1, 2, 3, …: the number of each attempt, after waiting for it.

    The one retry loop: `for _ in attempts(...)`, left by `return` or `break` as soon
    as an attempt succeeds. It ends after the last attempt, or where the next one would
    begin when the time is over.

    Args:
        sleep: Waits before each attempt but the first.
        most: How many attempts there are at most.
        left: Says how many seconds are left.
        delays: How long to wait each time; `full_jitter()` if None.
    """
    delays = full_jitter() if delays is None else delays
    for number in count(1):  # pragma: no branch - it ends inside
        yield number
        if number == most:
            return
        delay = next(delays)
        if left is not None and left() <= delay:
            return
        sleep(delay)
        # A Lambda environment may have been frozen meanwhile.
        if left is not None and left() <= 0:
            return
