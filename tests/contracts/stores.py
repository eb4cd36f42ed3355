"""The stores that the contract runs over, each made when a test asks for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.contracts.tables import CREDENTIALS, TABLES, Clock
from wspubsub import MemorySubscriptionStore, SubscriptionStore
from wspubsub.dynamodb import DynamoDBSubscriptionStore

__all__ = ["CREDENTIALS", "KINDS", "Clock", "MakeStore", "make_stores"]

MakeStore = Callable[..., SubscriptionStore]

KINDS = ["memory", *TABLES]


@contextmanager
def make_stores(kind: str, clock: Clock) -> Iterator[MakeStore]:
    if kind == "memory":
        store = MemorySubscriptionStore(now=clock)
        yield lambda **_options: store
        return
    with TABLES[kind]() as (table, client):

        def make(**options: Any) -> SubscriptionStore:
            return DynamoDBSubscriptionStore(table, client=client, now=clock, **options)

        yield make
