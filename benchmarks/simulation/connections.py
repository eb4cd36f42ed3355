"""The Management API in virtual time, with the engine's own schedule of requests."""

import random
from collections.abc import Iterable, Iterator
from functools import partial

from benchmarks.simulation.account import Account
from benchmarks.simulation.aws import Times, Usage
from benchmarks.simulation.clock import VirtualClock
from wspubsub import ConnectionInfo, Outcome, PostOutcome
from wspubsub.engine.schedule import Attempt, Progress, Schedule

IN_FLIGHT = 128


class SimulatedConnections:
    """Posts as the engine does: a window of requests, back-off when throttled.

    What the window holds is posted in one step of time. A step takes as long as its
    posts cost the processor, or their mean latency if that is longer: a post that is
    answered late does not hold up the others.
    """

    def __init__(
        self, clock: VirtualClock, account: Account, times: Times, usage: Usage
    ) -> None:
        self._clock = clock
        self._account = account
        self._times = times
        self._usage = usage
        self._random = random.Random(20_26)
        self._progress = Progress()
        self.last_delivery = 0.0
        self.delivered = 0

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        schedule = Schedule(
            connection_ids,
            Attempt,
            most=IN_FLIGHT,
            deadline=deadline,
            clock=self._clock,
            draw=self._random.random,
            progress=self._progress,
            patience_seconds=patience_seconds,
        )
        while not schedule.is_over(self._clock()):
            attempts = list(iter(partial(schedule.take, self._clock()), None))
            if attempts:
                yield from self._posted(attempts, schedule)
            elif schedule.is_done():
                return
            else:
                self._clock.sleep(schedule.wakes_at(self._clock()) - self._clock())
        for attempt in schedule.left():
            yield PostOutcome(attempt.tag, Outcome.THROTTLED)
        for connection_id in schedule.take_untried():
            yield PostOutcome(connection_id, Outcome.DEFERRED)

    def _posted(
        self, attempts: list[Attempt], schedule: Schedule[Attempt]
    ) -> Iterator[PostOutcome]:
        granted = self._account.granted(len(attempts))
        self._spend(len(attempts))
        for attempt in attempts[:granted]:
            schedule.succeed(attempt, self._clock())
            yield self._delivery(attempt)
        for attempt in attempts[granted:]:
            if not schedule.fail(attempt, self._clock()):
                yield PostOutcome(attempt.tag, Outcome.THROTTLED)

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """Not part of a fan-out."""
        raise NotImplementedError

    def get(self, connection_id: str) -> ConnectionInfo:
        """Not part of a fan-out."""
        raise NotImplementedError

    def close(self, connection_id: str) -> None:
        """Not part of a fan-out."""
        raise NotImplementedError

    def _spend(self, posts: int) -> None:
        latencies = [
            self._times.post_median_seconds
            * self._random.lognormvariate(0.0, self._times.post_sigma)
            for _ in range(posts)
        ]
        mean = sum(latencies) / posts
        self._clock.sleep(max(mean, posts * self._times.post_cpu_seconds))
        self._usage.posts += posts

    def _delivery(self, attempt: Attempt) -> PostOutcome:
        self.delivered += 1
        self._usage.messages += 1
        self.last_delivery = self._clock()
        return PostOutcome(attempt.tag, Outcome.DELIVERED)
