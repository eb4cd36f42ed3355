"""`store`: what the subscription store asks of DynamoDB, against what it may cost."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks import machine
from benchmarks.database import Database, open_database
from benchmarks.metering import Account, MeteredClient
from benchmarks.options import Options
from benchmarks.payload import connection_ids
from benchmarks.report import Report, Row
from benchmarks.subscribers import fill_topic
from wspubsub import Connection
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.dynamodb.client import DynamoDBClient

TABLE = "subscriptions"
SUBSCRIBERS = 1000
TOPIC = "ten-letter"
"""Costs are promised for a topic of 10 characters: it is part of each item's size."""

_ID = connection_ids(1)[0]


class Cost(NamedTuple):
    """What an operation may consume at most.

    Attributes:
        read_units: Read request units.
        write_units: Write request units.
    """

    read_units: float
    write_units: float


class Operation(NamedTuple):
    """Something that a store does.

    Attributes:
        name: What it is.
        prepare: Done before, and not metered.
        run: What is metered.
        may_cost: What it may consume.
    """

    name: str
    prepare: Callable[[DynamoDBSubscriptionStore], object]
    run: Callable[[DynamoDBSubscriptionStore], object]
    may_cost: Cost


def run(options: Options) -> Report:
    """Meter every operation once; the counts are the same each time."""
    with open_database(options) as database:
        database.create_table(TABLE)
        client = database.client()
        fill_topic(client, TABLE, TOPIC, connection_ids(SUBSCRIBERS))
        rows = [_row(operation, database, client) for operation in OPERATIONS]
        return Report(
            title=(
                "store: what each operation of DynamoDBSubscriptionStore consumes of "
                f"{database.name}, and what it may"
            ),
            machine=machine.describe(),
            rows=rows,
        )


def _row(operation: Operation, database: Database, client: DynamoDBClient) -> Row:
    operation.prepare(DynamoDBSubscriptionStore(TABLE, client=client))
    metered = MeteredClient(client)
    operation.run(DynamoDBSubscriptionStore(TABLE, client=metered))
    account, cost = metered.account, operation.may_cost
    figures: dict[str, float | int | str] = {"requests": account.requests}
    if database.is_metering:
        figures |= {
            "read_units": account.read_units,
            "may_read": cost.read_units,
            "write_units": account.write_units,
            "may_write": cost.write_units,
            "verdict": "within" if _is_within(account, cost) else "OVER",
        }
    else:
        figures |= {"note": f"{database.name} does not meter"}
    return Row(operation.name, figures)


def _is_within(account: Account, cost: Cost) -> bool:
    return (
        account.read_units <= cost.read_units
        and account.write_units <= cost.write_units
    )


def _connect(store: DynamoDBSubscriptionStore) -> None:
    store.connect(
        Connection(id=_ID, connected_at=1_800_000_000.123, principal="user-1")
    )


def _subscribe(store: DynamoDBSubscriptionStore) -> None:
    store.subscribe(_ID, TOPIC)


def _subscribe_to(count: int) -> Callable[[DynamoDBSubscriptionStore], None]:
    def subscribe(store: DynamoDBSubscriptionStore) -> None:
        _connect(store)
        for number in range(count):
            store.subscribe(_ID, f"topic-{number:04}")

    return subscribe


def _disconnect_from(count: int) -> Operation:
    return Operation(
        f"disconnect from {count} topics",
        _subscribe_to(count),
        lambda store: store.disconnect(_ID),
        Cost(1, 1 + 2 * count),
    )


def _nothing(_: DynamoDBSubscriptionStore) -> None:
    return


OPERATIONS = [
    Operation("connect", _nothing, _connect, Cost(0, 1)),
    Operation("subscribe", _nothing, _subscribe, Cost(1, 2)),
    Operation(
        "unsubscribe",
        _subscribe,
        lambda store: store.unsubscribe(_ID, TOPIC),
        Cost(0, 3),
    ),
    *map(_disconnect_from, (0, 1, 10, 40)),
    Operation(
        f"read {SUBSCRIBERS:,} subscribers",
        _nothing,
        lambda store: sum(1 for _ in store.subscribers(TOPIC)),
        Cost(6.5 * SUBSCRIBERS / 1000, 0),
    ),
]
