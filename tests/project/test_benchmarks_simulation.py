"""The simulation behind `benchmarks scale`: its clock, its limits, its sums."""

import pytest
from benchmarks import lag
from benchmarks.scale import CAPPED, INLINE, QUEUE, RAISED, Case, simulate
from benchmarks.simulation.account import Account
from benchmarks.simulation.clock import VirtualClock


def test_functions_go_on_in_the_order_in_which_they_wake_up() -> None:
    clock = VirtualClock()
    seen: list[tuple[str, float]] = []

    def working(name: str, seconds: float) -> None:
        for _ in range(2):
            clock.sleep(seconds)
            seen.append((name, clock()))

    clock.spawn(lambda: working("slow", 3600.0))
    clock.spawn(lambda: working("quick", 1.0), after=0.5)
    clock.run()

    assert seen == [
        ("quick", 1.5),
        ("quick", 2.5),
        ("slow", 3600.0),
        ("slow", 7200.0),
    ]


def test_what_a_function_raises_comes_out_of_the_clock() -> None:
    clock = VirtualClock()

    def fail() -> None:
        clock.sleep(1)
        raise ValueError("wrong")

    clock.spawn(fail)
    with pytest.raises(ValueError, match="wrong"):
        clock.run()


def test_nobody_else_sleeps_in_virtual_time() -> None:
    with pytest.raises(RuntimeError, match="only a spawned function"):
        VirtualClock().sleep(1)


def test_an_account_grants_its_rate_and_a_burst() -> None:
    clock = VirtualClock()
    account = Account(clock, per_second=100, burst=50)

    first = account.granted(80)
    clock.now = 0.1
    second = account.granted(80)
    clock.now = 60.0
    third = account.granted(80)

    assert (first, second, third) == (50, 10, 50)


@pytest.mark.parametrize("tier", [QUEUE, CAPPED, RAISED])
def test_a_queue_reaches_everybody(tier: str) -> None:
    result = simulate(Case(tier, 20_000))

    assert result.delivered == 20_000
    assert result.call_seconds < 1 < result.seconds < 29
    assert result.usage.messages == 20_000
    assert result.usage.posts == 20_000 + result.usage.throttled


def test_a_queue_reaches_those_who_were_throttled_later() -> None:
    result = simulate(Case(QUEUE, 60_000))

    assert result.usage.throttled > 0
    assert result.delivered == 60_000


def test_one_function_reaches_as_many_as_its_time_allows() -> None:
    result = simulate(Case(INLINE, 300_000))

    report = result.report
    left = len(report.deferred) + len(report.throttled)
    assert 100_000 < result.delivered < 300_000
    assert report.delivered == result.delivered
    assert report.unread or result.delivered + left == 300_000


def test_the_quota_bounds_how_fast_it_goes() -> None:
    seconds = [simulate(Case(tier, 60_000)).seconds for tier in (QUEUE, RAISED)]

    assert seconds[0] > 60_000 / 10_000 - 1 > seconds[1]


def test_the_price_is_that_of_the_messages() -> None:
    usage = simulate(Case(QUEUE, 20_000)).usage

    assert 20_000e-6 < usage.dollars() < 20_000e-6 * 1.1


def test_a_busy_topic_stays_below_a_second_behind_because_messages_are_joined() -> None:
    case = lag.Case(500, 20, is_joined=True)

    result = lag.simulate(case, seconds=20.0)

    assert result.messages == 400
    assert result.longest_seconds < 1.0
    assert result.usage.throttled == 0
    # So many at once, each to everybody.
    assert result.delivered == 500 * result.usage.invocations < 500 * 200


def test_one_by_one_it_falls_further_and_further_behind() -> None:
    case = lag.Case(500, 20, is_joined=False)

    result = lag.simulate(case, seconds=20.0)

    assert result.delivered == 500 * 400
    assert result.final_seconds > 5.0
