"""Whatever happens at the same time, and whatever fails: nothing is lost.

The clients are models of SDKs, which remember one position; the functions are the real
ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.pubsub.sdk_model import World
from wspubsub.pubsub.holds import Hold
from wspubsub.pubsub.posting import MemberDelivery

STEPS = 150


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


@pytest.mark.parametrize("seed", range(40))
def test_a_client_that_remembers_one_position_has_everything(seed: int) -> None:
    world = World(seed)

    assert count_lost(world) == 0
    assert all(world.consistent)


@pytest.mark.parametrize("seed", range(40))
def test_nobody_is_given_a_message_before_an_earlier_one(seed: int) -> None:
    world = World(seed)
    world.play(STEPS)

    assert [client.gaps for client in world.clients] == [set()] * 3


def test_members_that_are_read_late_lose_messages() -> None:
    worlds = (World(seed, is_late=True) for seed in range(40))

    assert any(map(count_lost, worlds))


def _mark_nobody(*_: Any) -> Mapping[str, str]:
    return {}


def _read_once(*_: Any) -> None:
    """Leave out the second read."""


@pytest.mark.parametrize(
    ("owner", "name", "without"),
    [
        (MemberDelivery, "settle", _mark_nobody),
        (Hold, "read", _read_once),
    ],
)
def test_each_step_of_the_proof_is_needed(
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    without: Callable[..., object],
) -> None:
    monkeypatch.setattr(owner, name, without)

    assert any(count_lost(World(seed)) for seed in range(60))
