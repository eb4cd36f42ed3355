"""Limits of a connection, and what it may publish."""

import pytest

from wspubsub import UsageError
from wspubsub.pubsub.limits import MAX_REMEMBERED, Limits, Throttle


@pytest.mark.parametrize("name", ["topics", "publications_per_second", "info_bytes"])
def test_a_limit_is_above_zero(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} must be greater than 0"):
        Limits(**{name: 0})


def test_a_connection_publishes_so_many_in_a_second() -> None:
    now = [0.0]
    throttle = Throttle(2.0, lambda: now[0])

    assert [throttle.take("a") for _ in range(3)] == [True, True, False]
    assert throttle.take("b")
    now[0] = 0.5
    assert [throttle.take("a") for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert [throttle.take("a") for _ in range(3)] == [True, True, False]


def test_less_than_one_in_a_second_is_one_in_several() -> None:
    now = [0.0]
    throttle = Throttle(0.5, lambda: now[0])

    assert [throttle.take("a") for _ in range(2)] == [True, False]
    now[0] = 2.0
    assert throttle.take("a")


def test_without_a_limit_everything_is_let_through() -> None:
    throttle = Throttle(None, lambda: 0.0)

    assert all(throttle.take("a") for _ in range(1000))


def test_the_memory_of_connections_is_bounded() -> None:
    throttle = Throttle(1.0, lambda: 0.0)
    assert throttle.take("first")
    for number in range(MAX_REMEMBERED):
        throttle.take(str(number))

    assert throttle.take("first"), "it was forgotten, being the oldest"
    assert not throttle.take(str(MAX_REMEMBERED - 1))
