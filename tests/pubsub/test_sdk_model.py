"""Whatever happens at the same time, and whatever fails: nothing is lost.

The clients are models of SDKs, which remember one position; the functions are the real
ones.
"""

import pytest

from tests.pubsub.sdk_model import World

STEPS = 150
SEEDS = [
    *range(8),
    *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 25)),
]


def count_lost(world: World) -> int:
    """Return how many messages clients lack that were not told of it."""
    world.play(STEPS)
    lost = 0
    for client in world.clients:
        assert client.from_offset is not None
        expected = set(range(client.from_offset + 1, world.newest() + 1))
        lost += len(expected.difference(client.got))
        assert client.told == 0
    return lost


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_that_remembers_one_position_has_everything(seed: int) -> None:
    world = World(seed)

    assert count_lost(world) == 0
    assert all(world.consistent)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_given_a_message_before_an_earlier_one(seed: int) -> None:
    world = World(seed)
    world.play(STEPS)

    assert [client.gaps for client in world.clients] == [set()] * 3


def find_doubles(world: World) -> list[int]:
    world.play(STEPS)
    return [offset for client in world.clients for offset in client.twice]


@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_fails_nobody_is_given_a_message_twice(seed: int) -> None:
    assert find_doubles(World(seed, failing=0)) == []


def test_unless_publishers_do_not_know_what_it_was_told() -> None:
    worlds = (World(seed, failing=0, without="told") for seed in range(100))

    assert any(map(find_doubles, worlds))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "failing"),
    [("strong reads", 3), ("holds", 3), ("traces", 3), ("marks", 10)],
)
def test_each_step_of_the_proof_is_needed(step: str, failing: int) -> None:
    worlds = (World(seed, failing=failing, without=step) for seed in range(100))

    assert any(map(count_lost, worlds))
