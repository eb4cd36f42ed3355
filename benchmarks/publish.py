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
from benchmarks.rounds import Figures, measure_in_turns, medians
from benchmarks.subscribers import fill_topic
from wspubsub.dynamodb import DynamoDBSubscriptionStore

TABLE = "subscriptions"
SIZES = (100, 1_000, 10_000, 100_000)
TINY_SIZES = (10, 60)
OURS, LOOP = "wspubsub", "boto3 loop"
PUBLISHERS = {OURS: "with_wspubsub", LOOP: "with_boto3_loop"}

LOOP_LARGEST = 10_000
"""The loop takes minutes for more, and as long a post as for fewer."""

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
    sizes = [size for size in _sizes(options) if size <= options.largest]
    tasks = [Task(who, size) for size in sizes for who in PUBLISHERS]
    with open_sink(options.sink) as place, open_database(options) as database:
        database.create_table(TABLE)
        client = database.client()
        for size in sizes:
            fill_topic(client, TABLE, _topic(size), connection_ids(size))
        measures = {
            str(task): partial(_measure, task, place, database)
            for task in tasks
            if _is_measured(task)
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
        ratios=list(_ratios(found)),
    )


def _sizes(options: Options) -> tuple[int, ...]:
    return TINY_SIZES if options.tiny else SIZES


def _topic(size: int) -> str:
    return f"to-{size:07}"  # 10 characters: the topic is part of each item's size


def _is_measured(task: Task) -> bool:
    return task.publisher == OURS or task.size <= LOOP_LARGEST


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
    if not _is_measured(task):
        return Row(str(task), {"note": "not run: as long a post as for fewer"})
    # Both read the same items, so both consume the same.
    capacity = {} if read_units is None else {"read_units": read_units}
    return Row(str(task), {**found[str(task)], **capacity})


def _ratios(found: dict[str, Figures]) -> Iterator[Ratio]:
    ours, loop = Task(OURS, 10_000), Task(LOOP, 10_000)
    if str(ours) in found:
        times = found[str(loop)]["wall_ms"] / found[str(ours)]["wall_ms"]
        yield Ratio("publish_10k_vs_loop", times, at_least=20)
    few, many = Task(OURS, 1_000), Task(OURS, 100_000)
    if str(many) in found:
        growth = found[str(many)]["peak_mib"] - found[str(few)]["peak_mib"]
        yield Ratio("publish_memory_growth_mib", growth, at_most=32)
