"""Posts in threads: a bounded number at a time, and no waiting past a deadline."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import NamedTuple

from wspubsub.connections import Outcome, PostOutcome
from wspubsub.engine.schedule import PATIENCE_SECONDS, Attempt, Progress, Schedule

_LONGEST_WAIT_SECONDS = 60.0
"""A deadline may be further away than the system can wait at once."""


class AttemptEnd(NamedTuple):
    """How one attempt to post ended.

    Attributes:
        outcome: What became of the post, if this was the last attempt.
        is_answered: Whether AWS has said what will not change.
        is_worth_a_retry: Whether another attempt may end otherwise.
    """

    outcome: PostOutcome
    is_answered: bool = True
    is_worth_a_retry: bool = False


Post = Callable[[str, Event], AttemptEnd]
"""Posts to a connection once, or not at all if the event is set."""


class FanOut:
    """The posts of one `post_many`.

    Args:
        post: Posts to one connection, in a thread.
        max_workers: How many posts are under way at most, not counting stalled ones.
        deadline: Instant of the clock at which all ends.
        clock: Monotonic clock in seconds.
        sleep: Waits until the next attempt is due.
        progress: Where successes are noted.
        patience_seconds: How long those that fail are tried again at the end; as
            `Schedule` does if None.
    """

    def __init__(
        self,
        post: Post,
        *,
        max_workers: int,
        deadline: float,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        progress: Progress,
        patience_seconds: float | None,
    ) -> None:
        self._post = post
        self._max_workers = max_workers
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep
        self._progress = progress
        self._patience_seconds = patience_seconds
        self._ended = Event()
        # A thread that waits for a silent connection has another one take its place.
        self._pool = ThreadPoolExecutor(2 * max_workers, "wspubsub-post")
        self._under_way: dict[Future[AttemptEnd], Attempt] = {}
        self._leaving_seconds = PATIENCE_SECONDS

    def outcomes(self, connection_ids: Iterable[str]) -> Iterator[PostOutcome]:
        """Post to each connection and yield what became of it."""
        schedule = Schedule(
            connection_ids,
            Attempt,
            most=self._max_workers,
            deadline=self._deadline,
            clock=self._clock,
            progress=self._progress,
            patience_seconds=self._patience_seconds,
        )
        try:
            yield from self._run(schedule)
        finally:
            self._end()

    def _run(self, schedule: Schedule[Attempt]) -> Iterator[PostOutcome]:
        failed: dict[Attempt, PostOutcome] = {}
        while not schedule.is_over(self._clock()):
            self._begin(schedule)
            if schedule.is_done():
                return
            for future in self._wait(schedule):
                attempt = self._under_way.pop(future)
                posted = future.result()
                if self._is_tried_again(schedule, attempt, posted):
                    failed[attempt] = posted.outcome
                else:
                    yield posted.outcome
        yield from self._give_up()
        yield from (failed[attempt] for attempt in schedule.left())
        for connection_id in schedule.take_untried():
            yield PostOutcome(connection_id, Outcome.DEFERRED)

    def _is_tried_again(
        self, schedule: Schedule[Attempt], attempt: Attempt, posted: AttemptEnd
    ) -> bool:
        if posted.is_worth_a_retry:
            return schedule.fail(attempt, self._clock())
        if posted.is_answered:
            schedule.succeed(attempt, self._clock())
        else:
            schedule.leave(attempt)
        return False

    def _begin(self, schedule: Schedule[Attempt]) -> None:
        while (attempt := schedule.take(self._clock())) is not None:
            future = self._pool.submit(self._post, attempt.tag, self._ended)
            self._under_way[future] = attempt

    def _wait(self, schedule: Schedule[Attempt]) -> Iterable[Future[AttemptEnd]]:
        now = self._clock()
        seconds = _limit_wait(schedule.wakes_at(now) - now)
        if self._under_way:
            return wait(self._under_way, seconds, FIRST_COMPLETED).done
        self._sleep(seconds)
        return ()

    def _give_up(self) -> Iterator[PostOutcome]:
        # A thread cannot be interrupted, but nobody has to wait for it: what it is
        # doing ends by its own timeouts, and may still succeed.
        self._leaving_seconds = 0.0
        for future, attempt in self._under_way.items():
            try:
                yield future.result(timeout=0).outcome
            except TimeoutError:
                yield PostOutcome(attempt.tag, Outcome.FAILED, "no answer in time")

    def _end(self) -> None:
        # Nothing of this is still at work after a caller stops halfway, unless a
        # connection is silent.
        self._ended.set()
        late = wait(self._under_way, self._leaving_seconds).not_done
        self._pool.shutdown(wait=not late)


def _limit_wait(seconds: float) -> float:
    return min(max(0.0, seconds), _LONGEST_WAIT_SECONDS)
