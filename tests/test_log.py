"""The log in memory and its records, beyond the contract in tests/contracts."""

import dataclasses
import gc
import math
import weakref

import pytest

from tests.contracts.tables import Clock
from wspubsub import History, LoggedMessage, MemoryTopicLog, Position, UsageError


def test_what_has_expired_does_not_pile_up() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=History(ttl_seconds=60), now=clock)
    watched = weakref.ref(log.append("news", b"x", key="k").message)
    clock.advance(60 + 3600)

    log.append("sport", b"y")

    gc.collect()
    assert watched() is None
    assert log.append("news", b"z", key="k").message.position.offset == 1


def test_trimmed_messages_are_dropped_at_once() -> None:
    log = MemoryTopicLog(history=History(limit=2))
    watched = weakref.ref(log.append("news", b"x", key="k").message)

    for _ in range(2):
        log.append("news", b"y")

    gc.collect()
    assert watched() is None
    assert not log.append("news", b"x", key="k").is_new


def test_a_sweep_leaves_what_is_kept() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=History(ttl_seconds=60), now=clock)
    clock.advance(30)
    first = log.append("news", b"x", key="k").message
    clock.advance(31)

    log.append("sport", b"y")

    assert log.read("news").messages == (first,)
    assert not log.append("news", b"x", key="k").is_new


def test_the_default_clock_is_the_system_s() -> None:
    log = MemoryTopicLog()

    log.append("news", b"x")

    assert len(log.read("news").messages) == 1


def test_a_message_does_not_show_its_data() -> None:
    message = MemoryTopicLog().append("news", b"secret").message

    assert "secret" not in repr(message)
    assert dataclasses.replace(message, id="1").id == "1"
    assert message == LoggedMessage(
        topic="news",
        position=Position(message.position.epoch, 1),
        id=message.id,
        data=b"secret",
        published_at=message.published_at,
    )


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", True])
def test_a_history_keeps_a_number_of_messages(limit: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        History(limit=limit)


@pytest.mark.parametrize("seconds", [0, 0.5, -1, math.inf, math.nan, "60", None])
def test_a_history_is_kept_for_a_while(seconds: float) -> None:
    with pytest.raises(UsageError, match="1 second or longer"):
        History(ttl_seconds=seconds)


def test_a_history_has_defaults() -> None:
    assert History() == History(limit=1000, ttl_seconds=86_400)
    assert dataclasses.replace(History(), limit=5).limit == 5
