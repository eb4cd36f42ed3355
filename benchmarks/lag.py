"""`lag`: how far behind a stream falls where a topic has many messages a second.

The library's own code publishes, joins what waits together, and posts; DynamoDB, its
stream, Lambda and the Management API are simulated on a virtual clock.
"""

from functools import partial
from typing import NamedTuple

from benchmarks import machine
from benchmarks.options import Options
from benchmarks.payload import DATA
from benchmarks.report import Report, Row
from benchmarks.simulation.account import Account
from benchmarks.simulation.aws import Times, Usage
from benchmarks.simulation.clock import VirtualClock
from benchmarks.simulation.connections import SimulatedConnections
from benchmarks.simulation.stream import (
    BEGAN_AT,
    SimulatedMembers,
    SimulatedStream,
    StreamedLog,
    publish_steadily,
)
from wspubsub import Publisher
from wspubsub.eventsources import StreamHandler
from wspubsub.fanout import StreamFanout
from wspubsub.pubsub.broadcaster import Broadcaster
from wspubsub.pubsub.frames import EncodedJson

TOPIC = "room:1234"
POSTS_PER_SECOND = 8_000
"""What the account grants, so that it is left with a part of its quota."""
BURST = 1_000
SECONDS = 60.0
TINY_SECONDS = 5.0


class Case(NamedTuple):
    """A topic with a steady flow of messages.

    Attributes:
        subscribers: How many it has.
        per_second: How many messages are published in a second.
        is_joined: Whether messages that wait together travel together.
    """

    subscribers: int
    per_second: float
    is_joined: bool

    def __str__(self) -> str:
        how = "joined" if self.is_joined else "one by one"
        return f"{self.per_second:g} a second to {self.subscribers:,}, {how}"


CASES = (
    Case(500, 1, is_joined=True),
    Case(500, 20, is_joined=True),
    Case(500, 20, is_joined=False),
    Case(500, 100, is_joined=True),
    Case(5_000, 20, is_joined=True),
)


class Simulated(NamedTuple):
    """What came of it.

    Attributes:
        messages: How many were published.
        median_seconds: Half of them had reached everybody after this time.
        longest_seconds: All of them had.
        final_seconds: What the last one took; more than the median if it falls behind.
        usage: What it consumed.
        delivered: How many posts got through.
    """

    messages: int
    median_seconds: float
    longest_seconds: float
    final_seconds: float
    usage: Usage
    delivered: int


def run(options: Options) -> Report:
    """Simulate each case."""
    seconds = TINY_SECONDS if options.tiny else SECONDS
    return Report(
        title=(
            f"lag: messages of {len(DATA)} bytes for {seconds:g} s, in virtual time, "
            f"with {POSTS_PER_SECOND:,} posts a second"
        ),
        machine=machine.describe(),
        rows=[_row(case, simulate(case, seconds=seconds)) for case in CASES],
    )


def simulate(
    case: Case, *, seconds: float = SECONDS, times: Times | None = None
) -> Simulated:
    """Return what becomes of a flow of messages.

    Args:
        case: Which.
        seconds: For how long messages are published.
        times: How long things take.
    """
    times = Times() if times is None else times
    clock, usage = VirtualClock(), Usage()
    account = Account(clock, per_second=POSTS_PER_SECOND, burst=BURST)
    connections = SimulatedConnections(clock, account, times, usage)
    members = SimulatedMembers(clock, times, usage, members=case.subscribers)
    stream = SimulatedStream(clock, times, usage)
    log = StreamedLog(clock, stream)
    handling = partial(StreamHandler, now=lambda: BEGAN_AT + clock(), clock=clock)
    if case.is_joined:
        broadcaster = Broadcaster(
            members, connections, topic_log=log, by_stream=True, clock=clock
        )
        stream.handler = handling(broadcaster.publisher, joiner=broadcaster.joiner)
        data = EncodedJson(DATA.decode())
        publish = partial(broadcaster.publish, TOPIC, data, logged=True)
    else:
        publisher = Publisher(
            members, connections, log=log, fanout=StreamFanout(), clock=clock
        )
        stream.handler = handling(publisher, sleep=clock.sleep)
        publish = partial(publisher.publish, TOPIC, DATA)
    clock.spawn(
        partial(
            publish_steadily,
            clock,
            publish,
            per_second=case.per_second,
            seconds=seconds,
        )
    )
    clock.spawn(partial(stream.poll, seconds))
    clock.run()
    lags = sorted(each.seconds for each in stream.lags)
    return Simulated(
        len(lags),
        lags[len(lags) // 2],
        lags[-1],
        stream.lags[-1].seconds,
        usage,
        connections.delivered,
    )


def _row(case: Case, result: Simulated) -> Row:
    usage = result.usage
    return Row(
        str(case),
        {
            "messages": result.messages,
            "median_s": result.median_seconds,
            "longest_s": result.longest_seconds,
            "last_s": result.final_seconds,
            "posts": usage.posts,
            "of_them_429": usage.throttled,
            "functions": usage.invocations,
            "read_units": usage.read_units,
            "dollars": usage.dollars(),
        },
    )
