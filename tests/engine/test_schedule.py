"""Whose trouble a failure is, and for how long: the schedule in virtual time."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest

from wspubsub.engine.schedule import (
    PATIENCE_SECONDS,
    Attempt,
    Progress,
    Schedule,
    longest_delay,
)
from wspubsub.engine.window import FIRST_SIZE, LEAST_SIZE, Window

ROUND_TRIP = 0.012
TOO_MANY = 7
"""So many failures one after another are more than a tenth of the last answers."""

MOST = 128

Answer = Callable[[str, float], bool | None]
"""Whether a request that is sent now succeeds; None if it is never answered."""


class Run:
    """A run against an API that answers after a round trip.

    Attributes:
        requests: How often each was sent.
        ends: When each got through.
        given_up: Who did not, with how often it had failed.
        most_in_flight: How many were under way at the same time.
    """

    def __init__(self, answer: Answer, *, read_seconds: float = 5.0) -> None:
        self.now = 100.0
        self.requests: Counter[str] = Counter()
        self.ends: dict[str, float] = {}
        self.given_up: dict[str, int] = {}
        self.most_in_flight = 0
        self._answer = answer
        self._read_seconds = read_seconds
        self._flying: dict[Attempt, tuple[float, bool | None]] = {}

    @property
    def last_success(self) -> float:
        return max(self.ends.values(), default=math.nan)

    def post(
        self,
        tags: Iterable[str],
        *,
        seconds: float = 25.0,
        progress: Progress | None = None,
        patience_seconds: float | None = None,
        draw: Callable[[], float] = lambda: 0.5,
    ) -> float:
        """Run to the end, and return how long it took."""
        begun = self.now
        schedule = Schedule(
            tags,
            Attempt,
            most=MOST,
            deadline=begun + seconds,
            clock=lambda: self.now,
            draw=draw,
            progress=progress,
            patience_seconds=patience_seconds,
        )
        while not schedule.is_over(self.now):
            self._send(schedule)
            if schedule.is_done():
                return self.now - begun
            self._pass(schedule)
        for attempt in [*schedule.left(), *self._flying]:
            self.given_up[attempt.tag] = attempt.failures
        self._flying.clear()
        self.given_up.update(dict.fromkeys(schedule.take_untried(), 0))
        return self.now - begun

    def _send(self, schedule: Schedule[Attempt]) -> None:
        while (attempt := schedule.take(self.now)) is not None:
            self.requests[attempt.tag] += 1
            succeeds = self._answer(attempt.tag, self.now)
            seconds = self._read_seconds if succeeds is None else ROUND_TRIP
            self._flying[attempt] = (self.now + seconds, succeeds)
        self.most_in_flight = max(self.most_in_flight, len(self._flying))

    def _pass(self, schedule: Schedule[Attempt]) -> None:
        woken = schedule.wakes_at(self.now)
        self.now = min([woken, *(at for at, _ in self._flying.values())])
        for attempt, (at, succeeds) in list(self._flying.items()):
            if at > self.now:
                continue
            del self._flying[attempt]
            if succeeds:
                schedule.succeed(attempt, self.now)
                self.ends[attempt.tag] = self.now
            elif not schedule.fail(attempt, self.now):
                self.given_up[attempt.tag] = attempt.failures


def names(number: int, name: str = "c") -> list[str]:
    return [f"{name}{each}" for each in range(number)]


def mixed(healthy: int, slow: int) -> list[str]:
    """Return the slow ones spread evenly among the healthy."""
    ids = names(healthy)
    step = healthy // slow
    for number in range(slow):
        ids.insert(number * (step + 1), f"slow{number}")
    return ids


def reads(tag: str, _now: float) -> bool:
    return not tag.startswith("slow")


def answers(tag: str, _now: float) -> bool | None:
    return None if tag.startswith("slow") else True


def nobody(_tag: str, _now: float) -> bool:
    return False


def everybody(_tag: str, _now: float) -> bool:
    return True


@pytest.mark.parametrize("answer", [reads, answers], ids=["429", "silence"])
def test_a_hundred_of_ten_thousand_that_do_not_read_slow_nobody_down(
    answer: Answer,
) -> None:
    alone, together = Run(everybody), Run(answer)
    alone.post(names(9_900), progress=Progress())

    together.post(mixed(9_900, 100), progress=Progress())

    assert together.ends.keys() == set(names(9_900))
    assert together.last_success - 100 <= 1.5 * (alone.last_success - 100)
    assert together.now - together.last_success <= 3
    assert together.given_up.keys() == set(names(100, "slow"))


def test_even_if_a_third_does_not_read_all_others_are_reached() -> None:
    run = Run(reads)

    run.post(mixed(7_000, 3_000), progress=Progress())

    assert run.ends.keys() == set(names(7_000))


def test_who_does_not_read_is_tried_two_or_three_times_more_at_the_end() -> None:
    run = Run(reads)

    run.post(mixed(9_900, 100), progress=Progress())

    tries = {run.requests[each] for each in names(100, "slow")}
    assert tries <= {3, 4}
    assert run.requests["c5"] == 1


def test_slow_ones_at_the_beginning_hold_up_the_others_for_less_than_a_second() -> None:
    run = Run(reads)

    run.post([*names(100, "slow"), *names(9_900)], progress=Progress())

    assert len(run.ends) == 9_900
    assert run.last_success - 100 < 2


def test_one_slow_subscriber_among_few_costs_two_seconds() -> None:
    run = Run(reads)

    seconds = run.post(["a", "b", "slow"], progress=Progress())

    assert run.ends.keys() == {"a", "b"}
    assert 1 < seconds <= PATIENCE_SECONDS + ROUND_TRIP


def test_a_failure_that_passes_is_tried_again_soon() -> None:
    run = Run(lambda tag, now: tag != "a" or now > 100)

    seconds = run.post(["a", "b"], progress=Progress())

    assert run.requests["a"] == 2
    assert seconds == pytest.approx(0.1 + 2 * ROUND_TRIP)


def test_when_nobody_gets_through_the_run_goes_on_until_its_deadline() -> None:
    run = Run(nobody)

    seconds = run.post(["a", "b"], progress=Progress(), seconds=25)

    assert 23 < seconds <= 25
    assert run.given_up.keys() == {"a", "b"}
    assert run.requests["a"] > 10


def test_when_nobody_gets_through_few_requests_are_made_and_few_ids_are_taken() -> None:
    taken = itertools.count()
    ids = (f"c{next(taken)}" for _ in range(20_000))
    run = Run(nobody)

    run.post(itertools.islice(ids, 0, None), progress=Progress(), seconds=8)

    assert run.requests.total() < 400
    assert run.most_in_flight <= FIRST_SIZE


def test_after_an_outage_the_run_is_soon_as_fast_as_before() -> None:
    run = Run(lambda _tag, now: not 100.1 < now < 103)

    run.post(names(20_000), progress=Progress())

    assert len(run.ends) == 20_000
    assert run.last_success < 103 + 2 + 20_000 / MOST * ROUND_TRIP * 1.5


def test_an_outage_at_the_end_is_nobody_s_own_trouble() -> None:
    run = Run(lambda _tag, now: not 100.5 < now < 110)

    run.post(names(6_000), progress=Progress())

    assert len(run.ends) == 6_000
    assert run.last_success > 110


def test_a_throttled_account_gets_less_and_everybody_is_reached() -> None:
    granted: Counter[int] = Counter()

    def bears_2_000_a_second(_tag: str, now: float) -> bool:
        granted[int(now * 20)] += 1
        return granted[int(now * 20)] <= 100

    run = Run(bears_2_000_a_second)

    seconds = run.post(names(10_000), progress=Progress(), draw=uneven())

    assert len(run.ends) == 10_000
    assert seconds < 1.5 * 10_000 / 2_000
    assert run.requests.total() < 10_000 * 1.5


def uneven() -> Callable[[], float]:
    numbers = itertools.cycle([0.1, 0.9, 0.5, 0.3, 0.7])
    return lambda: next(numbers)


def test_an_api_that_is_slow_for_all_is_waited_for() -> None:
    progress = Progress()
    before = Run(everybody)
    before.post(["a"], progress=progress)
    slow = Run(lambda _tag, _now: None, read_seconds=4.0)
    slow.now = before.now

    seconds = slow.post(["a", "b"], progress=progress)

    assert seconds >= 4


def test_a_silent_retry_is_not_waited_for() -> None:
    # The silent one has timed out before the others were through.
    run = Run(answers, read_seconds=0.1)

    run.post(mixed(9_900, 1), progress=Progress())

    assert run.requests["slow0"] > 1
    assert run.now - run.last_success <= PATIENCE_SECONDS + ROUND_TRIP


def test_silent_ones_at_the_beginning_do_not_hold_up_the_others_to_the_end() -> None:
    run = Run(answers, read_seconds=5.0)

    run.post([*names(40, "slow"), *names(1_000)], progress=Progress())

    assert len(run.ends) == 1_000
    assert run.last_success - 100 < 3


def test_when_nobody_answers_few_requests_are_made() -> None:
    run = Run(lambda _tag, _now: None)

    run.post(names(20_000), progress=Progress(), seconds=25)

    assert run.most_in_flight <= 6 * FIRST_SIZE
    assert run.requests.total() < 400


def schedule_of(
    tags: Iterable[str], clock: Callable[[], float], progress: Progress | None = None
) -> Schedule[Attempt]:
    return Schedule(
        tags,
        Attempt,
        most=MOST,
        deadline=130.0,
        clock=clock,
        draw=lambda: 1.0,
        progress=progress,
    )


def test_what_was_due_is_tried_although_time_has_jumped_past_the_end() -> None:
    now = [100.0]
    schedule = schedule_of(["a", "b"], lambda: now[0], Progress())
    first, second = schedule.take(100.0), schedule.take(100.0)
    assert first is not None
    assert second is not None
    assert schedule.take(100.0) is None
    schedule.succeed(second, 100.1)
    schedule.fail(first, 100.1)
    now[0] = 110.0

    is_over_before = schedule.is_over(110.0)
    again = schedule.take(110.0)

    assert again is first
    assert not is_over_before
    assert [schedule.is_over(at) for at in (110.2, 110.25)] == [False, True]
    assert schedule.wakes_at(110.0) == 110.25


def test_what_has_become_due_meanwhile_is_not_slept_over() -> None:
    schedule = schedule_of(["a"], lambda: 100.0)
    attempt = schedule.take(100.0)
    assert attempt is not None
    schedule.fail(attempt, 100.0)

    assert schedule.take(100.1) is None
    assert schedule.wakes_at(100.1) == 100.2
    assert schedule.wakes_at(100.3) == 100.3
    assert schedule.take(100.3) is attempt


def test_the_time_that_the_next_name_takes_is_nobody_s_own() -> None:
    now = [100.0]

    def ids() -> Iterator[str]:
        yield "a"
        now[0] = 105.0
        yield "b"
        now[0] = 115.0

    schedule = schedule_of(ids(), lambda: now[0], Progress())
    first, second = schedule.take(100.0), schedule.take(100.0)
    assert first is not None
    assert second is not None
    schedule.succeed(first, 105.0)
    schedule.fail(second, 105.0)

    assert second.sent_at == 105.0
    assert schedule.take(105.0) is None
    assert not schedule.is_over(115.0)
    assert schedule.take(115.0) is second


def test_a_name_that_comes_after_the_deadline_is_not_tried() -> None:
    now = [100.0]

    def ids() -> Iterator[str]:
        yield "a"
        now[0] = 130.0
        yield "b"
        yield "c"

    schedule = schedule_of(ids(), lambda: now[0])
    first = schedule.take(100.0)
    assert first is not None

    assert schedule.take(100.0) is None
    assert schedule.is_over(130.0)
    assert list(schedule.take_untried()) == ["b", "c"]


def test_silent_ones_take_no_room_from_others_up_to_a_limit() -> None:
    run = Run(answers, read_seconds=5.0)

    run.post(mixed(9_000, 1_000), progress=Progress(), seconds=4)

    assert run.most_in_flight == 2 * MOST


def test_a_success_of_a_moment_ago_makes_a_lone_failure_its_own() -> None:
    progress = Progress()
    run = Run(reads)
    run.post(["a"], progress=progress)
    run.now += 10

    soon_after = run.post(["slow"], progress=progress)
    run.now += 11
    long_after = run.post(["slow"], progress=progress)

    assert soon_after <= PATIENCE_SECONDS
    assert long_after > 20


def test_patience_that_is_given_ends_the_run_whoever_gets_through() -> None:
    for answer in (reads, nobody):
        run = Run(answer)

        seconds = run.post(["slow", "b"], progress=Progress(), patience_seconds=0.25)

        assert seconds <= 0.25 + ROUND_TRIP
        assert "slow" in run.given_up
        assert run.requests["slow"] == 2


def test_without_progress_one_is_tried_until_the_deadline() -> None:
    run = Run(reads)

    seconds = run.post(["slow", "b"])

    assert seconds > 20


def test_delays_grow_to_two_seconds() -> None:
    delays = [longest_delay(failures) for failures in (1, 2, 3, 4, 10_000)]

    assert delays == [0.2, 1.0, 2.0, 2.0, 2.0]


def fail(window: Window, times: int, sent_in: int) -> list[bool]:
    return [window.fail(sent_in) for _ in range(times)]


def test_the_window_doubles_with_each_round_trip_up_to_its_limit() -> None:
    window = Window(40)
    assert window.size == FIRST_SIZE == 16

    for _ in range(FIRST_SIZE):
        window.succeed(0)
    assert window.size == 2 * FIRST_SIZE

    for _ in range(100):
        window.succeed(0)
    assert window.size == 40


def test_the_window_halves_when_a_tenth_fails_and_then_grows_slowly() -> None:
    window = Window(128)
    for _ in range(200):
        window.succeed(0)

    assert fail(window, TOO_MANY - 1, 0) == [False] * (TOO_MANY - 1)
    assert (window.size, window.round) == (128, 0)
    assert fail(window, 1, 0) == [False]
    assert (window.size, window.round) == (64, 1)

    window.succeed(1)
    assert window.size == 64 + 1 / 64


def test_the_window_shrinks_once_for_what_was_sent_together() -> None:
    window = Window(128)
    for _ in range(200):
        window.succeed(0)

    fail(window, 100, 0)

    assert window.size == 64


def test_the_window_starts_again_when_nobody_gets_through() -> None:
    window = Window(128)
    for _ in range(200):
        window.succeed(0)
    fail(window, TOO_MANY, 0)

    assert fail(window, TOO_MANY, 1) == [*[False] * (TOO_MANY - 1), True]
    assert (window.size, window.round) == (FIRST_SIZE, 2)

    for _ in range(64 - FIRST_SIZE + 1):
        window.succeed(2)
    assert window.size == 64 + 1 / 64


def test_an_old_answer_says_nothing_of_this_round() -> None:
    window = Window(128)
    for _ in range(200):
        window.succeed(0)
    fail(window, TOO_MANY, 0)
    window.succeed(0)

    assert fail(window, TOO_MANY, 1)[-1]


def test_one_failure_in_fifty_leaves_the_window_as_it_is() -> None:
    window = Window(128)

    for _ in range(500):
        for _ in range(49):
            window.succeed(0)
        window.fail(0)

    assert (window.size, window.round) == (128, 0)


def test_the_window_goes_down_to_one_while_most_fail() -> None:
    window = Window(128)
    for _ in range(200):
        window.succeed(0)

    sizes = []
    for number in range(8):
        window.succeed(number)
        fail(window, TOO_MANY + 1, number)
        sizes.append(window.size)

    # The first round has had 200 successes, the others one each.
    assert sizes[0] == 64
    assert sizes[1:6] == pytest.approx([32, 16, 8, 4, 2], rel=0.2)
    assert 1 <= sizes[-1] < 1.1


def test_the_window_keeps_its_least_size_while_half_get_through() -> None:
    window = Window(128)

    while window.round < 8:
        window.succeed(window.round)
        window.fail(window.round)

    assert LEAST_SIZE == 4
    assert LEAST_SIZE <= window.size < 2 * LEAST_SIZE


def test_blocked_the_window_does_not_grow() -> None:
    window = Window(128)
    for number in range(6):
        window.succeed(number)
        fail(window, TOO_MANY + 1, number)
    size = window.size
    assert size < FIRST_SIZE

    assert fail(window, TOO_MANY, window.round)[-1]
    assert window.size == size


def test_the_window_never_closes() -> None:
    window = Window(4)

    for number in range(20):
        fail(window, TOO_MANY, number)

    assert window.size == 4


def test_few_requests_are_made_while_nobody_gets_through_at_the_end() -> None:
    run = Run(nobody)

    run.post(names(300), progress=Progress(), seconds=60)

    assert run.requests.keys() == set(names(300))
    assert run.requests.total() < 300 + 60 * FIRST_SIZE
