"""How long to wait before the next attempt: full jitter, as a pure function.

AWS Architecture Blog, "Exponential Backoff And Jitter": drawing the whole delay at
random spreads retries of many callers best.
"""

from collections.abc import Callable, Iterator

BASE_SECONDS = 0.05
CAP_SECONDS = 2.0


def full_jitter(
    draw: Callable[[], float] | None = None,
    *,
    base_seconds: float = BASE_SECONDS,
    cap_seconds: float = CAP_SECONDS,
) -> Iterator[float]:
    """Yield endless delays in seconds, the n-th from 0 to base * 2**n, capped.

    Args:
        draw: Source of numbers from 0 to 1; `random.random` if None.
        base_seconds: Longest first delay.
        cap_seconds: Longest delay of all.
    """
    if draw is None:
        import random  # noqa: PLC0415 - most calls never wait

        draw = random.random
    ceiling = base_seconds
    while True:
        yield draw() * ceiling
        ceiling = min(ceiling * 2, cap_seconds)
