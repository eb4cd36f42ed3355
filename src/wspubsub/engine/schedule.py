"""When to send what: how much at once, what to retry, and until when. No I/O.

A 429 has two causes that the answer does not tell apart: the account's rate is used up,
or this one client reads too slowly. A failure of one request while others get through
is therefore taken for its own: the run goes on as fast as before, tries that one again
when everybody has had a first try, and ends two seconds after the last success. If too
large a share fails, the run sends less; if nobody gets through, it waits, and goes on
until its deadline.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from typing import Generic, TypeVar

from wspubsub.backoff import full_jitter
from wspubsub.engine.window import Window

PATIENCE_SECONDS = 2.0
"""How long failed requests are retried after the last success."""

REMEMBERED_SECONDS = 10.0
"""How long a success shows that the account is not throttled."""

OVERTAKEN_SECONDS, STALLED_SECONDS = 0.1, 1.0
"""A request takes no room from others once it is overtaken by the first number of
seconds, or has been without an answer for the second."""

MOMENT_SECONDS = 0.25
"""How long to wait for the answer to a last attempt after the patience is over."""

PAUSE_SECONDS = 0.02
"""Longest first pause while no request gets through; it doubles up to two seconds."""

LONGEST_DELAYS = (0.2, 1.0, 2.0)
"""The longest wait after one failure, after two, and after more: two or three more
attempts fit into the patience that one bad connection gets."""


class Attempt:
    """A request on its way, with what the schedule has to know about it.

    Args:
        tag: The caller's name for it.

    Attributes:
        failures: How often it has failed.
        is_throttled: Whether the last answer asked to send less.
        sent_at: When it was sent last.
        round: Which answers are counted together with its own.
    """

    # Of the class: most attempts never change them.
    failures = 0
    is_throttled = False
    sent_at = 0.0
    round = 0

    def __init__(self, tag: str) -> None:
        self.tag = tag


class Progress:
    """When a request last got through; shared by all runs to one endpoint."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = -math.inf

    def shows(self, now: float) -> bool:
        """Return whether others get through, so that a failure concerns one only."""
        return self.at >= now - REMEMBERED_SECONDS


AttemptT = TypeVar("AttemptT", bound=Attempt)


def longest_delay(failures: int) -> float:
    """Return the longest time to wait after this many failures, in seconds."""
    return LONGEST_DELAYS[min(failures, len(LONGEST_DELAYS)) - 1]


class Schedule(Generic[AttemptT]):
    """The order of one run's requests.

    Args:
        tags: Names of the requests, taken as there is room to send.
        make: Makes an attempt for a name.
        most: How many are in flight at most, not counting stalled ones.
        deadline: Instant at which all ends.
        clock: Looked at after the next name has come, which may take its time.
        draw: Source of numbers from 0 to 1, for back-off; `random.random` if None.
        longest_delay: Longest time to wait after a number of failures.
        throttled_delay: The same where the last answer throttles; `longest_delay` if
            None.
        max_attempts: How often one is sent at most; None for no limit.
        progress: Where successes are noted. If None, the failure of one is never
            taken for its own: all are tried until the deadline.
        patience_seconds: How long those that fail are tried again once all have been
            tried, whether others get through or not; None for as said above.
    """

    def __init__(
        self,
        tags: Iterable[str],
        make: Callable[[str], AttemptT],
        *,
        most: int,
        deadline: float,
        clock: Callable[[], float],
        draw: Callable[[], float] | None = None,
        longest_delay: Callable[[int], float] = longest_delay,
        throttled_delay: Callable[[int], float] | None = None,
        max_attempts: int | None = None,
        progress: Progress | None = None,
        patience_seconds: float | None = None,
    ) -> None:
        self._tags = iter(tags)
        self._make = make
        self._most = most
        self._deadline = deadline
        self._clock = clock
        self._draw = draw
        self._longest_delay = longest_delay
        self._throttled_delay = throttled_delay or longest_delay
        self._max_attempts = max_attempts
        self._patience_seconds = patience_seconds
        self._is_impartial = progress is None
        self._progress = Progress() if progress is None else progress
        self._window = Window(most)
        self._in_flight: dict[AttemptT, None] = {}
        self._later: list[tuple[float, int, AttemptT]] = []
        self._numbers = count()
        self._tried_at = math.inf
        self._paused_until = -math.inf
        self._pauses: Iterator[float] | None = None
        self._is_blocked = False

    # What a run asks.

    def take(self, now: float) -> AttemptT | None:
        """Return the next to send, or None if there is nothing to send or no room."""
        if now < self._paused_until or not self._has_room(now):
            return None
        attempt = self._take_next() or self._due(now)
        if attempt is not None:
            attempt.sent_at = self._clock()
            attempt.round = self._window.round
            self._in_flight[attempt] = None
        return attempt

    def is_done(self) -> bool:
        """Return whether every request has its result."""
        return math.isfinite(self._tried_at) and not (self._in_flight or self._later)

    def is_over(self, now: float) -> bool:
        """Return whether there is no time left, or no point, in continuing."""
        if now >= self._deadline:
            return True
        ends_at = self._ends_at()
        # What was due before the end is tried, even if time has jumped past it.
        if self._later and self._later[0][0] < ends_at:
            return False
        if self._in_flight:
            return now >= ends_at and not self._is_waited_for(now)
        return bool(self._later)

    def remaining(self, now: float) -> float:
        """Return how long the run may still last, in seconds."""
        return self._deadline - now

    def wakes_at(self, now: float) -> float:
        """Return when to continue even if no answer arrives."""
        ends_at = self._ends_at()
        instants = [self._deadline, ends_at if now < ends_at else now + MOMENT_SECONDS]
        if now < self._paused_until:
            instants.append(self._paused_until)
        elif not self._has_room(now):
            instants.append(now + OVERTAKEN_SECONDS)
        elif self._later:
            instants.append(self._later[0][0])
        return max(now, min(instants))

    # What a run reports.

    def succeed(self, attempt: AttemptT, now: float) -> None:
        """Note that one got an answer that will not change."""
        del self._in_flight[attempt]
        self._window.succeed(attempt.round)
        self._progress.at = now
        self._is_blocked = False
        self._pauses = None
        self._paused_until = -math.inf

    def fail(self, attempt: AttemptT, now: float) -> bool:
        """Note that one failed, and return whether it will be retried."""
        del self._in_flight[attempt]
        attempt.failures += 1
        is_blocked = self._window.fail(attempt.round)
        # At the end, those that fail by themselves need no pause: they are given up.
        if is_blocked and (attempt.failures == 1 or math.isinf(self._ends_at())):
            self._pause(now)
        longest = self._throttled_delay if attempt.is_throttled else self._longest_delay
        due = now + self._drawn() * longest(attempt.failures)
        if attempt.failures == self._max_attempts or due >= self._deadline:
            return False
        from heapq import heappush  # most requests never fail

        heappush(self._later, (due, next(self._numbers), attempt))
        return True

    def leave(self, attempt: AttemptT) -> None:
        """Note that one has its result, whatever that means for the others."""
        del self._in_flight[attempt]

    def left(self) -> Iterator[AttemptT]:
        """Yield those that wait for their next attempt, and stop that."""
        while self._later:
            yield self._later.pop()[2]

    def take_untried(self) -> Iterator[str]:
        """Yield the names of those that have not been tried."""
        return self._tags

    def _take_next(self) -> AttemptT | None:
        if math.isfinite(self._tried_at):
            return None
        tag = next(self._tags, None)
        if tag is None:
            self._tried_at = self._clock()
            return None
        if self._clock() >= self._deadline:
            # It came too late to be sent.
            self._tags = chain((tag,), self._tags)
            return None
        return self._make(tag)

    def _due(self, now: float) -> AttemptT | None:
        if not self._later or self._later[0][0] > now:
            return None
        from heapq import heappop

        return heappop(self._later)[2]

    def _has_room(self, now: float) -> bool:
        under_way = len(self._in_flight)
        size = int(self._window.size)
        if under_way < size:
            return True
        return (
            under_way < 2 * self._most and under_way - self._count_stalled(now) < size
        )

    def _count_stalled(self, now: float) -> int:
        sent_before = max(self._progress.at - OVERTAKEN_SECONDS, now - STALLED_SECONDS)
        stalled = 0
        for attempt in self._in_flight:  # in the order in which they were sent
            if attempt.sent_at >= sent_before:
                break
            stalled += 1
        return stalled

    def _ends_at(self) -> float:
        if self._patience_seconds is not None:
            return self._tried_at + self._patience_seconds
        is_own = self._progress.shows(self._tried_at)
        if self._is_impartial or self._is_blocked or not is_own:
            return math.inf
        return max(self._tried_at, self._progress.at) + PATIENCE_SECONDS

    def _is_waited_for(self, now: float) -> bool:
        # A first try that no other has overtaken may be answered yet: all are slow.
        return any(
            now < attempt.sent_at + MOMENT_SECONDS
            if attempt.failures
            else attempt.sent_at >= self._progress.at
            for attempt in self._in_flight
        )

    def _pause(self, now: float) -> None:
        self._is_blocked = True
        if self._pauses is None:
            self._pauses = full_jitter(self._draw, base_seconds=PAUSE_SECONDS)
        self._paused_until = now + next(self._pauses)

    def _drawn(self) -> float:
        if self._draw is None:
            import random  # most runs never wait

            self._draw = random.random
        return self._draw()
