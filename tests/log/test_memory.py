"""The log in memory and its records, beyond the contract in tests/contracts."""

import dataclasses
import gc
import json
import math
import tracemalloc
import weakref

import pytest

from tests.support.growth import bytes_kept
from tests.support.virtual_time import Clock
from wspubsub import (
    History,
    LoggedMessage,
    MemoryTopicLog,
    MessageError,
    Position,
    UsageError,
)
from wspubsub.log import replays
from wspubsub.log.replays import Log, Newest

MINUTE = History(ttl_seconds=60, position_ttl_seconds=60)


def test_what_has_expired_does_not_pile_up() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=MINUTE, now=clock)
    watched = weakref.ref(log.append("news", b"x", key="k").message)
    clock.advance(60 + 3600)

    log.append("sport", b"y")

    gc.collect()
    assert watched() is None
    assert log.append("news", b"z", key="k").message.position.offset == 1


def test_a_topic_goes_on_counting_for_an_hour_after_its_last_message() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=MINUTE, now=clock)
    log.append("news", b"x")
    clock.advance(60 + 3599)

    log.append("sport", b"y")

    # An entry that begins an epoch comes before it.
    assert log.append("news", b"z").message.position.offset == 3


def test_a_topic_that_goes_on_is_not_swept_with_its_first_message() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=MINUTE, now=clock)
    log.append("news", b"x")
    clock.advance(50)
    log.append("news", b"y")
    clock.advance(10 + 3600)

    log.append("sport", b"z")

    assert log.append("news", b"z").message.position.offset == 4


def test_what_has_expired_is_swept_when_the_next_sweep_is_due() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=MINUTE, now=clock)
    log.append("news", b"x")
    for seconds in (3600, 60):
        clock.advance(seconds)
        log.append("sport", b"y")

    assert log.append("news", b"z").message.position.offset == 1


def test_a_message_that_is_no_longer_served_is_dropped_and_its_position_stays() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=History(ttl_seconds=60), now=clock)
    message = log.append("news", b"x").message
    watched, position = weakref.ref(message), message.position
    del message
    clock.advance(60)

    log.append("sport", b"y")

    gc.collect()
    assert watched() is None
    assert log.position("news") == position


def test_a_topic_that_has_no_history_any_more_is_dropped() -> None:
    clock = Clock()
    histories: dict[str, History] = {"*": MINUTE}
    log = MemoryTopicLog(
        history=lambda topic: None if topic in histories else MINUTE, now=clock
    )
    watched = weakref.ref(log.append("news", b"x", key="k").message)
    histories["news"] = MINUTE
    clock.advance(60)

    log.append("sport", b"y")

    gc.collect()
    assert watched() is None


def test_expired_messages_go_with_the_next_one_of_their_topic() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=History(ttl_seconds=60), now=clock)
    watched = weakref.ref(log.append("news", b"x").message)
    clock.advance(60)

    log.append("news", b"y")

    gc.collect()
    assert watched() is None


def test_it_does_not_grow_with_topics_and_keys_of_the_past() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=MINUTE, now=clock)

    def append_later(number: int) -> None:
        clock.advance(600)
        log.append(f"topic {number}", b"x", key=f"key {number}")

    assert bytes_kept(append_later, times=1000) < 50_000


def test_keys_that_have_expired_do_not_pile_up() -> None:
    clock = Clock()
    log = MemoryTopicLog(history=History(limit=1, ttl_seconds=60), now=clock)

    def append_many(first: int) -> int:
        for number in range(first, first + 2000):
            log.append("news", b"x", key=f"{number:0200}")
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = append_many(0)
        clock.advance(59)
        during = append_many(2000)
        clock.advance(1)
        log.append("news", b"x")
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert during > before * 1.5
    assert after < during * 0.75
    assert not log.append("news", b"x", key=f"{3999:0200}").is_new


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


EPOCH = "8d7f3a12c0b94e65"


@pytest.mark.parametrize(
    "position",
    [Position(EPOCH, 1), Position("", 0), Position("x" * 64, 2**53 - 1), None],
)
def test_a_position_comes_back_as_it_was_sent(position: Position | None) -> None:
    sent = json.dumps(position)

    assert Position.parse(sent) == position
    assert Position.parse(json.loads(sent)) == position
    assert Position.parse(position) == position
    assert type(Position.parse(sent)) is type(position)


@pytest.mark.parametrize(
    "nonsense",
    [
        3,
        "",
        "x",
        EPOCH,
        "[",
        "5",
        [],
        [EPOCH],
        [EPOCH, "5"],
        [EPOCH, 5.0],
        [EPOCH, True],
        [EPOCH, -1],
        [EPOCH, 2**53],
        [EPOCH, 5, 5],
        [5, EPOCH],
        ["x" * 65, 5],
        {"epoch": EPOCH, "offset": 5},
        f'["{EPOCH}", {"9" * 5000}]',
        f'["{EPOCH}", 1e999]',
        '["\\ud800", 5]',
        "[" * 100_000,
        b"[]",
    ],
)
def test_a_position_that_never_was_sent_is_the_client_s_mistake(
    nonsense: object,
) -> None:
    with pytest.raises(MessageError) as caught:
        Position.parse(nonsense)

    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", True])
def test_a_history_keeps_a_number_of_messages(limit: int) -> None:
    with pytest.raises(UsageError, match="limit"):
        History(limit=limit)


@pytest.mark.parametrize("seconds", [0, 0.5, -1, math.inf, math.nan, True, "60", None])
def test_a_history_is_kept_for_a_while(seconds: float) -> None:
    with pytest.raises(UsageError, match="number of seconds, 1 or more"):
        History(ttl_seconds=seconds)


def test_the_shortest_history_is_one_message_for_one_second() -> None:
    shortest = History(limit=1, ttl_seconds=1)

    assert (shortest.limit, shortest.ttl_seconds) == (1, 1)


@pytest.mark.parametrize("seconds", [59, 0, math.inf, math.nan, True, "60"])
def test_a_position_is_known_as_long_as_messages_are_served(seconds: float) -> None:
    with pytest.raises(UsageError, match=r"at least ttl_seconds \(60\)"):
        History(ttl_seconds=60, position_ttl_seconds=seconds)

    assert History(ttl_seconds=60, position_ttl_seconds=60).position_ttl_seconds == 60


@pytest.mark.parametrize(
    ("since", "limit", "offsets"),
    [(None, 100, range(5, 0, -1)), (None, 2, range(5, 3, -1)), (0, 100, range(1, 6))],
)
def test_no_offset_is_asked_for_that_was_never_given(
    since: int | None, limit: int, offsets: range
) -> None:
    asked: list[range] = []

    def fetch(wanted: range) -> list[LoggedMessage]:
        asked.append(wanted)
        return []

    log = Log(Newest(Position(EPOCH, 5), is_served=True), 1000, fetch)
    replays.read(log, None if since is None else Position(EPOCH, since), limit)

    assert asked == [offsets]


def test_ids_and_epochs_are_long_enough_to_be_drawn_once() -> None:
    message = MemoryTopicLog().append("news", b"x").message

    assert len(message.id) == 24
    assert len(message.position.epoch) == 16


def test_a_history_has_defaults() -> None:
    assert History() == History(
        limit=1000, ttl_seconds=86_400, position_ttl_seconds=604_800
    )
    assert History(ttl_seconds=604_801).position_ttl_seconds == 604_801
    assert dataclasses.replace(History(), limit=5).limit == 5
