"""The Management API in virtual time, with the engine's own window of requests."""

import heapq
import random
from collections.abc import Iterable, Iterator

from benchmarks.simulation.account import Account
from benchmarks.simulation.aws import Times, Usage
from benchmarks.simulation.clock import VirtualClock
from wspubsub import ConnectionInfo, Outcome, PostOutcome
from wspubsub.aws.http_exchange import Exchange
from wspubsub.aws.http_window import Window
from wspubsub.backoff import jittered

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
        self._random = random.Random(20_26)  # noqa: S311 - the same in every run
        self.last_delivery = 0.0
        self.delivered = 0

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,  # noqa: ARG002 - all messages are alike
        *,
        deadline: float,
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        batch = _Batch(connection_ids, self._clock, self._random)
        while self._clock() < deadline:
            exchanges = list(batch.next())
            if exchanges:
                yield from self._posted(exchanges, batch)
            elif batch.later:
                self._clock.sleep(batch.later[0][0] - self._clock())
            else:
                return
        yield from batch.given_up()

    def _posted(
        self, exchanges: list[Exchange], batch: "_Batch"
    ) -> Iterator[PostOutcome]:
        granted = self._account.granted(len(exchanges))
        self._spend(len(exchanges))
        for exchange in exchanges[:granted]:
            batch.window.succeeded()
            yield self._delivery(exchange)
        if granted < len(exchanges):
            batch.throttled(exchanges[granted:])

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

    def _delivery(self, exchange: Exchange) -> PostOutcome:
        self.delivered += 1
        self._usage.messages += 1
        self.last_delivery = self._clock()
        return PostOutcome(exchange.tag, Outcome.DELIVERED)


class _Batch:
    """The posts of one `post_many`."""

    def __init__(
        self, connection_ids: Iterable[str], clock: VirtualClock, source: random.Random
    ) -> None:
        self.window = Window(IN_FLIGHT)
        self.later: list[tuple[float, int, Exchange]] = []
        self._remaining = iter(connection_ids)
        self._clock = clock
        self._random = source

    def next(self) -> Iterator[Exchange]:
        """Yield what the window has room for."""
        for _ in range(int(self.window.size)):
            if self.later and self.later[0][0] <= self._clock():
                yield heapq.heappop(self.later)[2]
                continue
            connection_id = next(self._remaining, None)
            if connection_id is None:
                return
            yield Exchange(connection_id)

    def throttled(self, exchanges: list[Exchange]) -> None:
        """Try these again later, and send less."""
        self.window.throttled(self._clock())
        for exchange in exchanges:
            exchange.attempts += 1
            due = self._clock() + jittered(exchange.attempts, self._random.random)
            heapq.heappush(self.later, (due, id(exchange), exchange))

    def given_up(self) -> Iterator[PostOutcome]:
        """Yield what the deadline leaves."""
        for _, _, exchange in self.later:
            yield PostOutcome(exchange.tag, Outcome.THROTTLED)
        for connection_id in self._remaining:
            yield PostOutcome(connection_id, Outcome.DEFERRED)
