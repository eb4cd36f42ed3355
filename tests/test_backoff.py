"""How long to wait before the next attempt."""

from itertools import islice

from wspubsub.backoff import full_jitter


def test_the_longest_delay_doubles_up_to_the_cap() -> None:
    delays = full_jitter(lambda: 1.0, base_seconds=0.5, cap_seconds=3.0)

    assert list(islice(delays, 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_whole_delay_is_drawn() -> None:
    assert list(islice(full_jitter(lambda: 0.0), 3)) == [0.0, 0.0, 0.0]
    assert all(0 <= delay <= 2 for delay in islice(full_jitter(), 20))
