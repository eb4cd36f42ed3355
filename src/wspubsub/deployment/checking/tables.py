"""Rules about the table and the queue that the functions work with."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import (
    QUEUE_VARIABLE,
    Deployment,
    find_variable,
)
from wspubsub.deployment.description.parts import Queue, Table
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.dynamodb.items import TTL_ATTRIBUTE

_KEYS = (("pk", "HASH"), ("sk", "RANGE"))


def check_tables(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the tables of the application's functions."""
    found = map(deployment.find_table, deployment.running)
    for table in {each.name: each for each in found if each is not None}.values():
        yield from _check_ttl(table)
        yield from _check_keys(table)


def check_queues(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the queues that the application sends to."""
    for function in deployment.running:
        queue = deployment.find_queue(function)
        url = find_variable(function, QUEUE_VARIABLE)
        if queue is not None and queue.is_fifo is True:
            yield _report_fifo(queue.name, "it")
        elif isinstance(url, str) and url.endswith(".fifo"):
            yield _report_fifo(function.name, f"{QUEUE_VARIABLE} {url}")


def find_queue(deployment: Deployment, name: object) -> Queue | None:
    """Return the queue of a name."""
    return next((each for each in deployment.queues if each.name == name), None)


def _report_fifo(name: str, what: str) -> Finding:
    return Finding(
        "queue-fifo",
        name,
        f"{what} is a FIFO queue, which cannot carry the fan-out: use a standard queue",
    )


def _check_ttl(table: Table) -> Iterator[Finding]:
    if table.has_ttl is False:
        yield Finding(
            "table-ttl",
            table.name,
            "time to live is off, so lost connections stay in the table: set "
            "TimeToLiveSpecification to Enabled true, AttributeName "
            f"{TTL_ATTRIBUTE}",
        )
    elif table.ttl_attribute not in (None, UNKNOWN, TTL_ATTRIBUTE):
        yield Finding(
            "table-ttl",
            table.name,
            f"time to live uses {table.ttl_attribute}, but items expire by "
            f"{TTL_ATTRIBUTE}: set AttributeName to {TTL_ATTRIBUTE}",
        )


def _check_keys(table: Table) -> Iterator[Finding]:
    if table.keys is not UNKNOWN and table.keys != _KEYS:
        yield Finding(
            "table-keys",
            table.name,
            "the keys are not pk (HASH) and sk (RANGE): set KeySchema to these two",
        )
    if table.key_types is UNKNOWN:
        return
    for name, _ in _KEYS:
        kind = table.key_types.get(name, "S")
        if kind != "S":
            yield Finding(
                "table-key-types",
                table.name,
                f"the key {name} has the type {kind}, but it is text: set its "
                "AttributeType to S",
            )
