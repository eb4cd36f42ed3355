"""When to check positions, and when the connection counts as dead: pure.

API Gateway sends no pings that an application could see, so a network that is gone
without a word is noticed by what is asked every few minutes and never answered.
"""

import math

CHECK_SECONDS = 300.0
"""How often positions are checked: twice before API Gateway's ten minutes of silence
are over ("Idle Connection Timeout")."""

TICK_SECONDS = 5.0
"""How often the clock is looked at, to notice that the machine was asleep."""

DUPLICATE_SECONDS = 60.0
"""How often duplicates of one topic make its position be checked."""

MAX_UNANSWERED = 2
"""After this many checks in a row without an answer, the connection is dead."""

_JUMP_SECONDS = 15.0


class Pulse:
    """Says when to check, and what a check that is not answered means.

    Args:
        now: What the wall clock says, in seconds. A monotonic clock may stand still
            while the machine is asleep.
    """

    def __init__(self, now: float) -> None:
        self._seen_at = now
        self._due_at = now + CHECK_SECONDS
        self._unanswered = 0

    def tick(self, now: float) -> bool:
        """Return whether it is time to check; to be called every `TICK_SECONDS`."""
        # Backwards as well: somebody has set the clock.
        has_jumped = abs(now - self._seen_at - TICK_SECONDS) > _JUMP_SECONDS
        self._seen_at = now
        if not has_jumped and now < self._due_at:
            return False
        self._due_at = now + CHECK_SECONDS
        return True

    def note_answer(self) -> None:
        """Take note of an answer; an error is an answer too."""
        self._unanswered = 0

    def count_silence(self) -> bool:
        """Take note that there was no answer; return whether the connection is dead."""
        self._unanswered += 1
        if self._unanswered < MAX_UNANSWERED:
            return False
        self._unanswered = 0
        return True


class Pace:
    """Says when something may happen again that may happen once in a while.

    Args:
        seconds: How long a while is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = -math.inf

    def take(self, now: float) -> float:
        """Return in how many seconds it may happen, and take it for done then."""
        wait = max(0.0, self._last + self._seconds - now)
        self._last = now + wait
        return wait
