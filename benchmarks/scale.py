"""`scale`: how a publish grows with its topic, by the published limits of AWS.

The library's own code splits, schedules, retries and hands over; DynamoDB, SQS,
Lambda and the Management API are simulated on a virtual clock. What the code asks of
them is checked against a real run on this machine.
"""

from typing import NamedTuple

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.options import Options
from benchmarks.payload import DATA
from benchmarks.report import Report, Row
from benchmarks.simulation.account import Account
from benchmarks.simulation.aws import (
    MANAGEMENT_BURST,
    MANAGEMENT_REQUESTS_PER_SECOND,
    QUEUE_MAX_CONCURRENCY,
    Times,
    Usage,
)
from benchmarks.simulation.clock import VirtualClock
from benchmarks.simulation.connections import SimulatedConnections
from benchmarks.simulation.lambdas import SimulatedQueue
from benchmarks.simulation.real import real_run
from benchmarks.simulation.store import SimulatedStore
from wspubsub import Publisher, PublishReport
from wspubsub.eventsources import QueueHandler
from wspubsub.fanout import QueueFanout

TOPIC = "topic-1234"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
TINY_SIZES = (100, 2_100)
SHARDS_FROM = 50_000
"""A topic of this size is sharded: one shard for each so many subscribers."""

INLINE, QUEUE = "inline", "queue"
CAPPED, RAISED = "queue, 5 functions", "queue, ten times the quota"
TIERS = (INLINE, QUEUE, CAPPED, RAISED)
CAP = 5
"""So many functions post about as much as the account may."""


class Case(NamedTuple):
    """One simulated publish.

    Attributes:
        tier: How it is fanned out.
        subscribers: To how many.
    """

    tier: str
    subscribers: int

    def __str__(self) -> str:
        return f"{self.tier}, {self.subscribers:,}"


class Simulated(NamedTuple):
    """What came of it.

    Attributes:
        report: What the publisher was told.
        delivered: How many got the message.
        seconds: From the publish to the last delivery.
        call_seconds: How long the call that publishes took.
        usage: What it consumed.
        peak: How many functions ran at the same time.
    """

    report: PublishReport
    delivered: int
    seconds: float
    call_seconds: float
    usage: Usage
    peak: int


def run(options: Options) -> Report:
    """Simulate every tier with every size, and compare with a real run."""
    sizes = TINY_SIZES if options.tiny else SIZES
    cases = [Case(tier, size) for size in sizes for tier in TIERS]
    results = {case: simulate(case) for case in cases}
    most = TINY_SIZES[-1] if options.tiny else min(options.largest, 100_000)
    real = [size for size in sizes if size <= most]
    rows = [_row(case, result) for case, result in results.items()]
    rows += [_check(size, options) for size in real]
    return Report(
        title=(
            f"scale: one message of {len(DATA)} bytes, in virtual time, with "
            f"{MANAGEMENT_REQUESTS_PER_SECOND:,} requests a second where not said"
        ),
        machine=machine.describe(),
        rows=rows,
    )


def simulate(
    case: Case, times: Times | None = None, *, shards: int | None = None
) -> Simulated:
    """Return what becomes of one publish.

    Args:
        case: Which.
        times: How long things take.
        shards: Over how many partitions the topic is spread; by its size if None.
    """
    times = Times() if times is None else times
    clock, usage = VirtualClock(), Usage()
    factor = 10 if case.tier == RAISED else 1
    account = Account(
        clock,
        per_second=MANAGEMENT_REQUESTS_PER_SECOND * factor,
        burst=MANAGEMENT_BURST * factor,
    )
    connections = SimulatedConnections(clock, account, times, usage)
    store = SimulatedStore(
        clock,
        times,
        usage,
        TOPIC,
        subscribers=case.subscribers,
        shards=shards or max(1, case.subscribers // SHARDS_FROM),
    )
    most = CAP if case.tier == CAPPED else QUEUE_MAX_CONCURRENCY
    queue = SimulatedQueue(clock, times, usage, max_concurrency=most)
    fanout = QueueFanout("https://queue", client=queue, sleep=clock.sleep)
    publisher = Publisher(
        store,
        connections,
        fanout=None if case.tier == INLINE else fanout,
        clock=clock,
    )
    queue.handler = QueueHandler(publisher, fanout)
    reports: list[tuple[PublishReport, float]] = []

    def publish() -> None:
        report = publisher.publish(TOPIC, DATA)
        reports.append((report, clock()))
        usage.function_seconds += clock()
        usage.invocations += 1

    clock.spawn(publish)
    clock.run()
    [(report, call_seconds)] = reports
    return Simulated(
        report,
        connections.delivered,
        connections.last_delivery,
        call_seconds,
        usage,
        max(1, queue.peak),
    )


def _row(case: Case, result: Simulated) -> Row:
    usage = result.usage
    return Row(
        str(case),
        {
            "delivered": result.delivered,
            "last_delivery_s": result.seconds,
            "call_s": result.call_seconds,
            "posts": usage.posts,
            "of_them_429": usage.throttled,
            "functions": usage.invocations,
            "at_once": result.peak,
            "queue_requests": usage.queue_requests,
            "read_units": usage.read_units,
            "dollars": usage.dollars(),
        },
    )


def _check(subscribers: int, options: Options) -> Row:
    """Compare what the code asks for in the simulation and in a real run."""
    # Nothing on this machine throttles.
    simulated = simulate(Case(RAISED, subscribers), shards=1)
    real = real_run(TOPIC, subscribers, DATA, options)
    wrong = {
        "delivered": real.delivered - simulated.delivered,
        "functions": real.invocations - simulated.usage.invocations,
    }
    if any(wrong.values()):
        raise BenchmarkError(
            f"{subscribers:,} subscribers: the real run differs by {wrong}"
        )
    return Row(
        f"real, {subscribers:,}",
        {
            "delivered": real.delivered,
            "functions": real.invocations,
            "read_units": real.read_units,
            "note": f"{real.seconds:.1f} s on this machine, functions one by one",
        },
    )
