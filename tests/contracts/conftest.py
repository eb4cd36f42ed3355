"""The logs that the contract in test_log*.py runs over."""

import uuid
from collections.abc import Iterator

import pytest

from tests.contracts.logs import KINDS, LogKind, LogTable, log_kind, log_table
from tests.support.virtual_time import Clock
from wspubsub import TopicLog


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module", params=KINDS)
def table(request: pytest.FixtureRequest) -> Iterator[LogTable | None]:
    with log_table(request.param) as table:
        yield table


@pytest.fixture
def kind(table: LogTable | None, clock: Clock) -> LogKind:
    return log_kind(table, clock)


@pytest.fixture
def log(kind: LogKind) -> TopicLog:
    return kind.make()


@pytest.fixture
def keyed_log(kind: LogKind) -> TopicLog:
    """A log that takes keys; the test is skipped where the endpoint cannot."""
    kind.require_transactions()
    return kind.make()


@pytest.fixture
def news() -> str:
    """A topic of the test's own, since all share one table."""
    return f"news {uuid.uuid4()}"
