"""The topic logs that the contract runs over, each made when a test asks for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from tests.contracts.tables import TABLES, Table
from tests.support.virtual_time import Clock
from wspubsub import MemoryTopicLog, TopicLog
from wspubsub.dynamodb import DynamoDBTopicLog

KINDS = ["memory", *TABLES]
MakeLog = Callable[..., TopicLog]


class LogKind(NamedTuple):
    """One kind of log.

    Attributes:
        make: Makes a log.
        require_transactions: Skips the test if the endpoint has no transactions.
    """

    make: MakeLog
    require_transactions: Callable[[], None]


class OneAtATime:
    """A client whose calls exclude each other.

    DynamoDB decides about one write to an item at a time; moto looks and writes in two
    steps, between which another thread's write may come.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            with self._lock:
                answer: dict[str, Any] = getattr(self._client, operation)(**request)
            return answer

        return call


class LogTable(NamedTuple):
    """A table for logs.

    Attributes:
        table: Its name and the client to use.
        client: What is used to reach it from several threads.
    """

    table: Table
    client: Any


@contextmanager
def log_table(kind: str) -> Iterator[LogTable | None]:
    """Make what a kind of log needs; None for memory, which needs nothing."""
    if kind == "memory":
        yield None
        return
    with TABLES[kind]() as table:
        yield LogTable(
            table, OneAtATime(table.client) if "moto" in kind else table.client
        )


def log_kind(shared: LogTable | None, clock: Clock) -> LogKind:
    if shared is None:
        return LogKind(lambda **rest: MemoryTopicLog(now=clock, **rest), lambda: None)
    table, client = shared

    def make(**options: Any) -> TopicLog:
        return DynamoDBTopicLog(table.name, client=client, now=clock, **options)

    return LogKind(make, lambda: _require_transactions(table))


def _require_transactions(table: Table) -> None:
    item = {"pk": {"S": "probe"}, "sk": {"S": "probe"}}
    try:
        table.client.transact_write_items(
            TransactItems=[{"Put": {"TableName": table.name, "Item": item}}]
        )
    except Exception as error:
        response: dict[str, Any] = getattr(error, "response", {})
        if response.get("Error", {}).get("Code") != "UnknownOperationException":
            raise
        pytest.skip("the endpoint says that it knows no TransactWriteItems")
