"""When positions are checked."""

import pytest

from wspubsub.client.pulse import CHECK_SECONDS, TICK_SECONDS, Pace, Pulse


def test_positions_are_checked_every_five_minutes() -> None:
    pulse = Pulse(0)
    ticks = range(1, int(2 * CHECK_SECONDS / TICK_SECONDS) + 1)

    due = [tick * TICK_SECONDS for tick in ticks if pulse.tick(tick * TICK_SECONDS)]

    assert due == [300, 600]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_has_jumped_makes_a_check_happen_at_once(jump: float) -> None:
    pulse = Pulse(10_000)
    pulse.tick(10_005)

    assert pulse.tick(10_005 + jump)
    assert not pulse.tick(10_010 + jump)


def test_what_may_happen_once_in_a_while_waits_for_its_turn() -> None:
    pace = Pace(60)

    assert [pace.take(now) for now in (0, 10, 200)] == [0, 50, 0]
