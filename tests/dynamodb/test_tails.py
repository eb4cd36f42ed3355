"""What a writer knows of the newest entries, and when it lets others go first."""

import pytest

from wspubsub import Position
from wspubsub.dynamodb.log_items import Tail
from wspubsub.dynamodb.tails import (
    LOOKS,
    MAX_IN_A_ROW,
    MAX_TOPICS,
    PAUSE_SECONDS,
    RAPID_SECONDS,
    Tails,
)
from wspubsub.dynamodb.tries import BASE_SECONDS, CAP_SECONDS

START = 1_800_000_000.0


def tail(offset: int, epoch: str = "e") -> Tail:
    return Tail(Position(epoch, offset), START, 2_000_000_000)


def longest_wait(tails: Tails, now: float = START) -> float:
    """Return the longest of many waits, which are drawn."""
    return max(tails.seconds_to_wait("news", now) for _ in range(400))


def test_nothing_is_known_of_a_topic_that_was_never_written() -> None:
    tails = Tails()

    assert tails.get("news") is None
    assert tails.seconds_to_wait("news", START) == 0


@pytest.mark.parametrize(
    ("second", "known"),
    [(tail(4), 5), (tail(5), 5), (tail(6), 6), (tail(2, "other"), 2)],
)
def test_the_newest_of_an_epoch_is_remembered(second: Tail, known: int) -> None:
    tails = Tails()

    for written in (tail(5), second):
        tails.win("news", written, losses=0, now=START)

    newest = tails.get("news")
    assert newest is not None
    assert newest.position.offset == known


def test_whoever_has_lost_looks_until_it_has_been_alone_for_a_while() -> None:
    tails = Tails()
    tails.win("news", tail(5), losses=0, now=START)
    tails.lose("news")

    for _ in range(LOOKS - 1):
        tails.compare("news", tail(5))
        assert tails.get("news") is None
    tails.compare("news", tail(5))

    assert tails.get("news") == tail(5)
    tails.compare("news", tail(5))
    assert tails.get("news") == tail(5)


def test_whoever_finds_another_s_entry_goes_on_looking() -> None:
    tails = Tails()
    tails.win("news", tail(5), losses=0, now=START)

    tails.compare("news", tail(6))

    assert tails.get("news") is None


@pytest.mark.parametrize(
    ("losses", "seconds"),
    [
        (0, 0.0),
        (1, BASE_SECONDS),
        (2, 2 * BASE_SECONDS),
        (3, 4 * BASE_SECONDS),
        (60, CAP_SECONDS),
    ],
)
def test_whoever_has_waited_long_lets_the_others_go_first_for_as_long(
    losses: int, seconds: float
) -> None:
    tails = Tails()

    tails.win("news", tail(5), losses=losses, now=START)

    assert 0.9 * seconds <= longest_wait(tails) <= seconds
    assert longest_wait(tails, START + seconds / 2) <= seconds / 2
    assert longest_wait(tails, START + seconds) == 0
    assert longest_wait(tails, START - 60) <= seconds


def test_a_writer_that_is_quick_pauses_now_and_then() -> None:
    tails = Tails()
    waits = []

    for number in range(2 * MAX_IN_A_ROW + 1):
        now = START + number * RAPID_SECONDS / 2
        tails.win("news", tail(number), losses=0, now=now)
        waits.append(longest_wait(tails, now))

    pauses = [number for number, wait in enumerate(waits) if wait]
    assert pauses == [MAX_IN_A_ROW, 2 * MAX_IN_A_ROW]
    assert 0.9 * PAUSE_SECONDS <= waits[MAX_IN_A_ROW] <= PAUSE_SECONDS


@pytest.mark.parametrize("step", [RAPID_SECONDS * 1.01, -1.0])
def test_a_writer_that_takes_its_time_does_not(step: float) -> None:
    tails = Tails()

    for number in range(MAX_IN_A_ROW + 2):
        now = START + number * step
        tails.win("news", tail(number), losses=0, now=now)
        assert longest_wait(tails, now) == 0


def test_only_the_topics_used_last_are_remembered() -> None:
    tails = Tails()
    for number in range(MAX_TOPICS):
        tails.win(f"topic {number}", tail(1), losses=0, now=START)
    tails.win("topic 0", tail(2), losses=0, now=START)

    tails.win("one more", tail(1), losses=0, now=START)

    assert tails.get("topic 0") == tail(2)
    assert tails.get("topic 1") is None
    assert tails.get("topic 2") == tail(1)
