"""The logs and the stores that the contracts run over."""

import uuid
from collections.abc import Iterator
from typing import cast

import pytest

from tests.contracts.logs import KINDS, LogKind, LogTable, log_kind, log_table
from tests.contracts.members import MakeMembers
from tests.contracts.stores import (
    KINDS as STORE_KINDS,
    MEMBER_KINDS,
    MakeStore,
    make_stores,
)
from tests.support.virtual_time import Clock
from wspubsub import SubscriptionStore, TopicLog
from wspubsub.subscriptions.members import MemberStore


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


@pytest.fixture(params=STORE_KINDS)
def make_store(request: pytest.FixtureRequest, clock: Clock) -> Iterator[MakeStore]:
    with make_stores(request.param, clock) as make:
        yield make


@pytest.fixture
def store(make_store: MakeStore) -> SubscriptionStore:
    return make_store()


@pytest.fixture(params=MEMBER_KINDS)
def make_members(request: pytest.FixtureRequest, clock: Clock) -> Iterator[MakeMembers]:
    with make_stores(request.param, clock) as make:
        yield cast("MakeMembers", make)


@pytest.fixture
def members(make_members: MakeMembers) -> MemberStore:
    return make_members()
