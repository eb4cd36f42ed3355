"""`publish`: a whole publish to subscribers that are stored in DynamoDB."""

import sys
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from benchmarks import machine
from benchmarks.database import Database, open_database
from benchmarks.errors import BenchmarkError
from benchmarks.metering import MeteredClient
from benchmarks.options import Options
from benchmarks.payload import DATA, connection_ids
from benchmarks.place import Place, open_sink
from benchmarks.processes import child
from benchmarks.report import Ratio, Report, Row
from benchmarks.rounds import Figures, measure_in_turns, medians, times_as_much
from benchmarks.subscribers import fill_topic
from wspubsub.dynamodb import DynamoDBSubscriptionStore

TABLE = "subscriptions"
SIZES = (100, 1_000, 10_000, 100_000)
TINY_SIZES = (10, 20, 40, 60)
"""One for each of the others, so that every ratio is there."""

OURS, LOOP = "wspubsub", "boto3 loop"
PUBLISHERS = {OURS: "with_wspubsub", LOOP: "with_boto3_loop"}

BOUNDS = {
    "publish_100_vs_loop": 3,
    "publish_1k_vs_loop": 8,
    "publish_10k_vs_loop": 25,
}
"""How many times as long as ours the loop takes at least, for each size that it is
measured with: it takes minutes for more, and as long a post as for fewer."""

_IN_LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"}
"""With it, wspubsub chooses its engine as it does in Lambda; nothing is asked there."""


class Task(NamedTuple):
    """One row: who publishes to how many.

    Attributes:
        publisher: Who.
        size: To how many.
    """

    publisher: str
    size: int

    def __str__(self) -> str:
        return f"{self.publisher}, {self.size:,} subscribers"


def run(options: Options) -> Report:
    """Measure every publisher with every size, each in fresh processes."""
    all_sizes = TINY_SIZES if options.tiny else SIZES
    sizes = [size for size in all_sizes if size <= options.largest]
    looped = sizes[: len(BOUNDS)]
    tasks = [Task(who, size) for size in sizes for who in PUBLISHERS]
    with open_sink(options.sink) as place, open_database(options) as database:
        database.create_table(TABLE)
        client = database.client()
        for size in sizes:
            fill_topic(client, TABLE, _topic(size), connection_ids(size))
        measures = {
            str(task): partial(_measure, task, place, database)
            for task in tasks
            if task.publisher == OURS or task.size in looped
        }
        measured = measure_in_turns(measures, rounds=options.rounds)
        units = {size: _read_units(size, database) for size in sizes}
    found = {name: medians(rounds) for name, rounds in measured.items()}
    return Report(
        title=(
            f"publish: {len(DATA)} bytes to subscribers stored in {database.name}, in "
            f"fresh processes on one core, TLS to the {place.sink.name} sink, medians "
            f"of {options.rounds} rounds"
        ),
        machine=machine.describe(),
        rows=[_row(task, found, units[task.size]) for task in tasks],
        ratios=[*_speed_ratios(measured, looped), *_memory_ratios(found, sizes)],
    )


def _topic(size: int) -> str:
    return f"to-{size:07}"  # 10 characters: the topic is part of each item's size


def _measure(task: Task, place: Place, database: Database) -> Figures:
    module = "benchmarks.publish_worker"
    publisher = PUBLISHERS[task.publisher]
    command = [sys.executable, "-m", module, publisher, TABLE, place.tls]
    environ = {**place.trust, "AWS_ENDPOINT_URL_DYNAMODB": database.url}
    if task.publisher == OURS:
        environ |= _IN_LAMBDA
    with child(command, environ, machine.client_cores()) as worker:
        answer = worker.ask(topic=_topic(task.size), data=DATA.decode())
    arrived = place.sink.arrived(task.size)
    delivered, connections = answer["delivered"], arrived.connections
    if not task.size == delivered == connections == arrived.requests:
        raise BenchmarkError(
            f"{task}: {delivered} were delivered; {arrived.requests} requests for "
            f"{connections} connections arrived"
        )
    return {
        "wall_ms": answer["wall"] * 1e3,
        "cpu_ms": answer["cpu"] * 1e3,
        "cpu_us_per_subscriber": answer["cpu"] / task.size * 1e6,
        "peak_mib": answer["peak_kib"] / 1024,
        "delivered": delivered,
    }


def _read_units(size: int, database: Database) -> float | None:
    if not database.is_metering:
        return None
    metered = MeteredClient(database.client())
    store = DynamoDBSubscriptionStore(TABLE, client=metered)
    found = sum(1 for _ in store.subscribers(_topic(size)))
    if found != size:
        raise BenchmarkError(f"of {size} subscribers, {found} are in the table")
    return metered.account.read_units


def _row(task: Task, found: dict[str, Figures], read_units: float | None) -> Row:
    if str(task) not in found:
        return Row(str(task), {"note": "not run: as long a post as for fewer"})
    # Both read the same items, so both consume the same.
    capacity = {} if read_units is None else {"read_units": read_units}
    return Row(str(task), {**found[str(task)], **capacity})


def _speed_ratios(
    measured: dict[str, list[Figures]], looped: list[int]
) -> Iterator[Ratio]:
    for (name, bound), size in zip(BOUNDS.items(), looped, strict=False):
        ours, loop = str(Task(OURS, size)), str(Task(LOOP, size))
        times = times_as_much("wall_ms", measured[loop], measured[ours])
        yield Ratio(name, times, at_least=bound)


def _memory_ratios(found: dict[str, Figures], sizes: list[int]) -> Iterator[Ratio]:
    if len(sizes) == len(SIZES):
        few, many = Task(OURS, sizes[1]), Task(OURS, sizes[-1])
        growth = found[str(many)]["peak_mib"] - found[str(few)]["peak_mib"]
        yield Ratio("publish_memory_growth_mib", growth, at_most=32)
