"""A queue and the functions that Lambda runs for it, in virtual time."""

import math
from collections import deque
from functools import partial
from typing import Any

from benchmarks.simulation.aws import (
    LAMBDA_SECONDS,
    QUEUE_CONCURRENCY_PER_SECOND,
    QUEUE_FIRST_CONCURRENCY,
    QUEUE_MAX_CONCURRENCY,
    Times,
    Usage,
)
from benchmarks.simulation.clock import VirtualClock
from wspubsub.eventsources import QueueHandler

_REQUEST_BYTES = 65_536


class SimulatedContext:
    """The context of an invocation that began at some time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._ends_at = clock() + LAMBDA_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time the invocation has."""
        return max(0, int((self._ends_at - self._clock()) * 1000))


class SimulatedQueue:
    """An SQS queue with an event source mapping, one message for an invocation.

    Args:
        clock: Virtual time.
        times: How long things take.
        usage: Counts what is consumed.
        max_concurrency: The mapping's `MaximumConcurrency`.

    Attributes:
        handler: The function.
        peak: How many invocations ran at the same time.
    """

    def __init__(
        self,
        clock: VirtualClock,
        times: Times,
        usage: Usage,
        *,
        max_concurrency: int = QUEUE_MAX_CONCURRENCY,
    ) -> None:
        self._max_concurrency = max_concurrency
        self.handler: QueueHandler | None = None
        self.peak = 0
        self._clock = clock
        self._times = times
        self._usage = usage
        self._waiting: deque[str] = deque()
        self._running = self._warm = 0
        self._began_at: float | None = None

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """See `QueueClient.send_message_batch`."""
        entries = request["Entries"]
        self._clock.sleep(self._times.send_seconds)
        total = sum(len(entry["MessageBody"]) for entry in entries)
        self._usage.queue_requests += math.ceil(total / _REQUEST_BYTES)
        for entry in entries:
            delay = entry["DelaySeconds"] + self._times.receive_seconds
            body = entry["MessageBody"]
            self._clock.spawn(partial(self._arrived, body), after=delay)
        return {}

    def _arrived(self, body: str) -> None:
        self._waiting.append(body)
        if self._began_at is None:
            self._began_at = self._clock()
        self._dispatch()

    def _dispatch(self) -> None:
        while self._waiting and self._running < self._concurrency():
            self._running += 1
            self.peak = max(self.peak, self._running)
            self._clock.spawn(partial(self._invoke, self._waiting.popleft()))
        if self._waiting and self._running:
            return
        if self._waiting:
            self._clock.spawn(self._dispatch, after=1.0)

    def _concurrency(self) -> int:
        began_at = self._clock() if self._began_at is None else self._began_at
        grown = (self._clock() - began_at) * QUEUE_CONCURRENCY_PER_SECOND
        return min(self._max_concurrency, QUEUE_FIRST_CONCURRENCY + int(grown))

    def _invoke(self, body: str) -> None:
        assert self.handler is not None  # noqa: S101 - set before anything is sent
        if self._warm:
            self._warm -= 1
        else:
            self._clock.sleep(self._times.cold_start_seconds)
        began_at = self._clock()
        record = {"eventSource": "aws:sqs", "messageId": "m", "body": body}
        answer = self.handler({"Records": [record]}, SimulatedContext(self._clock))
        self._usage.invocations += 1
        self._usage.function_seconds += self._clock() - began_at
        # Receiving and deleting are requests as well.
        self._usage.queue_requests += 1 + math.ceil(len(body) / _REQUEST_BYTES)
        self._warm += 1
        self._running -= 1
        if answer["batchItemFailures"]:
            self._waiting.append(body)
        self._dispatch()
