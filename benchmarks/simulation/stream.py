"""A table's stream and the function that Lambda runs for it, in virtual time."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from benchmarks.simulation.aws import (
    BYTES_PER_READ_UNIT,
    POLL_SECONDS,
    STREAM_BATCH,
    SUBSCRIBER_BYTES,
    Times,
    Usage,
)
from benchmarks.simulation.clock import VirtualClock
from benchmarks.simulation.lambdas import SimulatedContext
from wspubsub import LoggedMessage, MemoryTopicLog
from wspubsub.eventsources import StreamHandler
from wspubsub.log.rules import Appended
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.sessions import Member
from wspubsub.testing import stream_event

BEGAN_AT = 1_800_000_000.0
"""The time of day when the virtual clock stands at 0."""


class Lag(NamedTuple):
    """How long a message took from its publish to the last of its subscribers.

    Attributes:
        published_at: When it was published, by the virtual clock.
        seconds: How long it took.
    """

    published_at: float
    seconds: float


class SimulatedStream:
    """One shard of a table's stream, with its event source mapping.

    The function runs once at a time for a shard; while it runs, records wait.

    Args:
        clock: Virtual time.
        times: How long things take.
        usage: Counts what is consumed.

    Attributes:
        handler: The function.
        lags: Of the messages that are done, in that order.
    """

    def __init__(self, clock: VirtualClock, times: Times, usage: Usage) -> None:
        self.handler: StreamHandler | None = None
        self.lags: list[Lag] = []
        self._clock = clock
        self._times = times
        self._usage = usage
        self._records: list[dict[str, Any]] = []
        self._number = 0

    def put(self, message: LoggedMessage) -> None:
        """Take a new log entry; the mapping sees it a little later."""
        self._number += 1
        [record] = stream_event(message, at=message.published_at)["Records"]
        record["dynamodb"]["SequenceNumber"] = f"{self._number:021}"
        now = self._clock()
        record |= {"seen_from": now + self._times.stream_seconds, "published_at": now}
        self._records.append(record)

    def poll(self, until: float) -> None:
        """Invoke the function with what there is, until a time and nothing is left."""
        while self._records or self._clock() < until:
            batch = [
                record
                for record in self._records[:STREAM_BATCH]
                if record["seen_from"] <= self._clock()
            ]
            if batch:
                self._invoke(batch)
            else:
                self._clock.sleep(POLL_SECONDS)

    def _invoke(self, batch: list[dict[str, Any]]) -> None:
        assert self.handler is not None  # noqa: S101 - set before anything is published
        began_at = self._clock()
        self._clock.sleep(self._times.invoke_seconds)
        answer = self.handler({"Records": batch}, SimulatedContext(self._clock))
        self._usage.invocations += 1
        self._usage.function_seconds += self._clock() - began_at
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        failures = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        done = numbers.index(failures[0]) if failures else len(batch)
        for record in self._records[:done]:
            at = record["published_at"]
            self.lags.append(Lag(at, self._clock() - at))
        del self._records[:done]


class StreamedLog(MemoryTopicLog):
    """A log whose messages the stream brings.

    Args:
        clock: Virtual time.
        stream: The stream.
    """

    def __init__(self, clock: VirtualClock, stream: SimulatedStream) -> None:
        super().__init__(now=lambda: BEGAN_AT + clock())
        self._stream = stream

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        info: bytes | None = None,
        timeout_seconds: float | None = None,
    ) -> Appended:
        """See `TopicLog.append`."""
        appended = super().append(
            topic,
            data,
            key=key,
            exclude=exclude,
            info=info,
            timeout_seconds=timeout_seconds,
        )
        self._stream.put(appended.message)
        return appended


class SimulatedMembers(MemoryMemberStore):
    """The members of every topic, read in one page with strong consistency.

    Args:
        clock: Virtual time.
        times: How long things take.
        usage: Counts what is consumed.
        members: How many there are.
    """

    def __init__(
        self, clock: VirtualClock, times: Times, usage: Usage, *, members: int
    ) -> None:
        super().__init__(now=lambda: BEGAN_AT + clock())
        self._virtual = clock
        self._times = times
        self._usage = usage
        self._members = [Member(f"{number:013}=") for number in range(members)]

    def members(
        self,
        topic: str,
        *,
        consistent: bool = True,
        timeout_seconds: float | None = None,
    ) -> Iterator[Member]:
        """See `MemberStore.members`."""
        units = len(self._members) * SUBSCRIBER_BYTES / BYTES_PER_READ_UNIT
        self._usage.read_units += 2 * units if consistent else units
        self._virtual.sleep(self._times.query_seconds)
        return iter(self._members)


def publish_steadily(
    clock: VirtualClock,
    publish: Callable[[], object],
    *,
    per_second: float,
    seconds: float,
) -> None:
    """Publish at a rate for so long, as several functions would together."""
    for number in range(round(per_second * seconds)):
        clock.sleep(number / per_second - clock())
        publish()
