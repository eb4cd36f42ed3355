"""`log`: how many messages a second a topic's log takes from many writers.

The library's own log, against a table in virtual time that takes 5 ms for a request
and no more units than a partition of DynamoDB. Messages that are too large to be
carried by others show what it is if writers take turns, as all did before; they may
consume what they like, since smaller ones would not reach that limit.
"""

import random
from functools import partial
from statistics import quantiles
from typing import Any, NamedTuple

from benchmarks import machine
from benchmarks.options import Options
from benchmarks.report import Ratio, Report, Row
from benchmarks.simulation.clock import VirtualClock
from benchmarks.simulation.table import SimulatedTable
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.dynamodb.log_offers import MAX_OFFER_BYTES

LATENCY_SECONDS = 0.005
SECONDS, TINY_SECONDS = 20.0, 1.0
BEGAN_AT = 1_800_000_000.0
SMALL = 100
LARGE = MAX_OFFER_BYTES + 1
MANY = 20
LEAST_RATIO = 600 / 170
LONGEST_SECONDS = 0.5


class Case(NamedTuple):
    """Writers of one topic.

    Attributes:
        writers: How many processes.
        size: Bytes of each message.
        per_second: How many all of them append in a second, at random; as many as
            they can, one after the other, if 0.
    """

    writers: int
    size: int = SMALL
    per_second: int = 0

    def __str__(self) -> str:
        how = f"{self.per_second} a second" if self.per_second else "without a pause"
        writers = "1 writer" if self.writers == 1 else f"{self.writers} writers"
        return f"{writers}, {self.size:,} bytes, {how}"


CARRIED, IN_TURN = Case(MANY), Case(MANY, LARGE)
CASES = (
    Case(1),
    Case(2),
    Case(5),
    CARRIED,
    Case(50),
    Case(MANY, 500),
    Case(MANY, MAX_OFFER_BYTES),
    Case(50, per_second=10),
    Case(50, per_second=50),
    Case(50, per_second=150),
    Case(50, per_second=400),
    Case(2, LARGE),
    Case(5, LARGE),
    IN_TURN,
    Case(50, LARGE),
)
TINY_CASES = (CARRIED, IN_TURN)


class Found(NamedTuple):
    """What came of it.

    Attributes:
        table: What was asked of the table.
        seconds: How long each append took, in ascending order.
        counts: How many messages each writer appended.
    """

    table: SimulatedTable
    seconds: list[float]
    counts: list[int]


def run(options: Options) -> Report:
    """Simulate every case."""
    duration = TINY_SECONDS if options.tiny else SECONDS
    cases = TINY_CASES if options.tiny else CASES
    found = {case: simulate(case, duration) for case in cases}
    carried, in_turn = len(found[CARRIED].seconds), len(found[IN_TURN].seconds)
    return Report(
        title=(
            "log: appends to one topic in virtual time, "
            f"{LATENCY_SECONDS * 1000:g} ms a request"
        ),
        machine=machine.describe(),
        rows=[_row(case, each, duration) for case, each in found.items()],
        ratios=[
            Ratio("log_appends_vs_before", carried / in_turn, at_least=LEAST_RATIO),
            Ratio("log_appends_per_s", carried / duration, at_least=600),
            Ratio(
                "log_append_p99_s",
                _p99(found[CARRIED].seconds),
                at_most=LONGEST_SECONDS,
            ),
        ],
    )


def simulate(case: Case, duration: float) -> Found:
    """Let writers append for so many seconds of virtual time."""
    # The delays of all who wait are drawn from here too.
    random.seed(1)
    clock = VirtualClock()
    is_limited = case.size < LARGE
    table = SimulatedTable(clock, LATENCY_SECONDS, is_limited=is_limited)
    found = Found(table, [], [0] * case.writers)
    for number in range(case.writers):
        clock.spawn(partial(_write, case, clock, found, number, duration))
    clock.run()
    found.seconds.sort()
    return found


def _write(
    case: Case, clock: VirtualClock, found: Found, number: int, duration: float
) -> None:
    client: Any = found.table
    log = DynamoDBTopicLog(
        "table", client=client, now=lambda: BEGAN_AT + clock(), sleep=clock.sleep
    )
    while True:
        if case.per_second:
            rate = case.per_second / case.writers
            clock.sleep(random.expovariate(rate))
        begin = clock()
        if begin >= duration:
            return
        log.append("news", b"x" * case.size)
        found.counts[number] += 1
        found.seconds.append(clock() - begin)


def _row(case: Case, found: Found, duration: float) -> Row:
    count = len(found.seconds)
    return Row(
        str(case),
        {
            "appends_per_s": count / duration,
            "p50_ms": found.seconds[count // 2] * 1000,
            "p99_ms": _p99(found.seconds) * 1000,
            "slowest_ms": found.seconds[-1] * 1000,
            "least_of_a_writer": min(found.counts),
            "most_of_a_writer": max(found.counts),
            "puts_each": found.table.requests["PutItem"] / count,
            "queries_each": found.table.requests["Query"] / count,
            "write_units_each": found.table.write_units / count,
            "read_units_each": found.table.read_units / count,
            "throttled": found.table.throttled,
        },
    )


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[-1]
