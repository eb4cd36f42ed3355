"""The store behind `PubSub` in memory: what is over does not pile up.

`tests/contracts` has what it does.
"""

import gc
import weakref
from collections.abc import Callable

import pytest

from tests.contracts.members import begin, open_session, session
from tests.support.growth import bytes_kept
from tests.support.virtual_time import Clock
from wspubsub import MemoryMemberStore
from wspubsub.subscriptions.members import TOMBSTONE_SECONDS

TIMES = 1000


def come_and_go(store: MemoryMemberStore, number: int) -> None:
    open_session(store, f"c{number}")
    store.end_session(f"c{number}")


def subscribe_for_a_while(store: MemoryMemberStore, number: int) -> None:
    # Whoever comes has what is over looked through.
    store.begin_session(session("b=", "bob"))
    begin(store, session(), number, topic=f"topic {number}", has_presence=True)
    store.end_subscription("a=", f"topic {number}", command=number)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1, TOMBSTONE_SECONDS + 1])
@pytest.mark.parametrize("act", [come_and_go, subscribe_for_a_while])
def test_what_is_over_is_forgotten_after_two_minutes(
    act: Callable[[MemoryMemberStore, int], None], seconds: float
) -> None:
    clock = Clock()
    store = MemoryMemberStore(now=clock, ttl_seconds=10_000_000)
    open_session(store)

    def act_and_wait(number: int) -> None:
        act(store, number)
        clock.advance(seconds)

    # Those of the last four minutes are still known, of all it would be 100 KB or more.
    assert bytes_kept(act_and_wait, TIMES) < 80_000


def test_what_is_over_is_known_for_two_minutes() -> None:
    clock = Clock()
    store = MemoryMemberStore(now=clock)
    ended = open_session(store, info='{"n":1}')
    known = store.read_session("a=").session
    assert known == ended
    watched = weakref.ref(known)
    store.end_session("a=")
    del known
    gc.collect()
    assert watched() is None

    clock.advance(TOMBSTONE_SECONDS - 1)
    open_session(store, "b=")
    assert store.read_session("a=").is_gone
    clock.advance(1)
    open_session(store, "c=")
    assert not store.read_session("a=").is_gone
