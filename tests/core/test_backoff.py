"""How long to wait before the next attempt, and how often there is one."""

from itertools import islice

import pytest

from wspubsub.backoff import attempts, full_jitter


class Time:
    """Time that passes by sleeping alone."""

    def __init__(self, *, end: float) -> None:
        self.now = 0.0
        self.end = end
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def left(self) -> float:
        return self.end - self.now


def test_the_longest_delay_doubles_up_to_the_cap() -> None:
    delays = full_jitter(lambda: 1.0, base_seconds=0.5, cap_seconds=3.0)

    assert list(islice(delays, 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_by_default_it_doubles_from_a_twentieth_of_a_second_to_two() -> None:
    delays = list(islice(full_jitter(lambda: 1.0), 8))

    assert delays == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_the_whole_delay_is_drawn() -> None:
    assert list(islice(full_jitter(lambda: 0.0), 3)) == [0.0, 0.0, 0.0]
    assert all(0 <= delay <= 2 for delay in islice(full_jitter(), 20))


def test_attempts_end_after_the_last_one() -> None:
    time = Time(end=0.0)

    numbers = list(attempts(time.sleep, most=3, delays=iter([0.5, 0.25])))

    assert numbers == [1, 2, 3]
    assert time.slept == [0.5, 0.25]


def test_attempts_do_not_wait_for_one_that_would_come_too_late() -> None:
    time = Time(end=1.0)

    numbers = list(attempts(time.sleep, left=time.left, delays=iter([0.25, 0.25, 0.5])))

    assert numbers == [1, 2, 3]
    assert time.slept == [0.25, 0.25]


@pytest.mark.parametrize(("end", "numbers"), [(1.0, [1]), (1.5, [1, 2])])
def test_attempts_end_when_waiting_took_longer_than_asked(
    end: float, numbers: list[int]
) -> None:
    time = Time(end=end)

    def freeze(_seconds: float) -> None:
        time.now += 1.0

    assert list(attempts(freeze, left=time.left, most=2)) == numbers


def test_attempts_wait_with_full_jitter_by_default() -> None:
    time = Time(end=0.0)

    assert list(attempts(time.sleep, most=4)) == [1, 2, 3, 4]

    assert len(time.slept) == 3
    assert time.slept[0] <= 0.05
    assert time.slept[2] <= 0.2
