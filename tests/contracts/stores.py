"""The stores that the contract runs over, each made when a test asks for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contracts.tables import CREDENTIALS, TABLES
from tests.support.virtual_time import Clock
from wspubsub import MemorySubscriptionStore, SubscriptionStore
from wspubsub.dynamodb import DynamoDBMemberStore, DynamoDBSubscriptionStore
from wspubsub.subscriptions.memory_members import MemoryMemberStore

__all__ = [
    "CREDENTIALS",
    "KINDS",
    "MEMBER_KINDS",
    "Clock",
    "MakeStore",
    "make_stores",
]

MakeStore = Callable[..., SubscriptionStore]

MEMBER_TABLES = {f"members on {name}": make for name, make in TABLES.items()}
MEMBER_KINDS = [
    "members in memory",
    *(
        pytest.param(kind, marks=[pytest.mark.slow] if "on engine" in kind else [])
        for kind in MEMBER_TABLES
    ),
]
# As a plain store, the one for members differs little from the one that it extends.
KINDS = [
    "memory",
    *TABLES,
    "members in memory",
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in MEMBER_TABLES),
]


class MakeMemoryStore:
    """Makes a store, and gives the same one again for other numbers of shards."""

    def __init__(
        self,
        clock: Clock,
        kind: Callable[..., SubscriptionStore] = MemorySubscriptionStore,
    ) -> None:
        self._clock = clock
        self._kind = kind
        self._made: dict[str, SubscriptionStore] = {}

    def __call__(
        self,
        *,
        shards: object = None,
        previous_shards: object = None,
        **options: Any,
    ) -> SubscriptionStore:
        key = repr(options)
        if key not in self._made:
            self._made[key] = self._kind(now=self._clock, **options)
        return self._made[key]


@contextmanager
def make_stores(kind: str, clock: Clock) -> Iterator[MakeStore]:
    if kind == "memory":
        yield MakeMemoryStore(clock)
        return
    if kind == "members in memory":
        yield MakeMemoryStore(clock, MemoryMemberStore)
        return
    is_for_members = kind in MEMBER_TABLES
    made = DynamoDBMemberStore if is_for_members else DynamoDBSubscriptionStore
    with (MEMBER_TABLES | TABLES)[kind]() as (table, client):

        def make(**options: Any) -> SubscriptionStore:
            return made(table, client=client, now=clock, **options)

        yield make
