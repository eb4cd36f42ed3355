"""Whatever happens, each handler of our clients sees its topic's log, in order.

Connections vanish, functions are killed, posts fail, arrive late or twice, laptops
sleep. Nothing is trimmed, so nobody is told that anything is lost, whatever carries the
messages; and presence shows who is there.
"""

import logging
import sys
from random import Random

import pytest

from tests.chaos.world import World

BY_STREAM = pytest.mark.parametrize(
    "by_stream", [True, False], ids=["stream", "inline"]
)


@pytest.fixture(autouse=True)
def _without_warnings(caplog: pytest.LogCaptureFixture) -> None:
    # Posts fail here by the thousand.
    caplog.set_level(logging.CRITICAL, "wspubsub")


@pytest.fixture(autouse=True)
def _decided_by_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.urandom", Random(0).randbytes)


def check_handed(world: World) -> int:
    """Check what each handler was handed against the log, and count it."""
    logs = {topic: world.read_log(topic) for topic in world.topics}
    count = 0
    for client in world.clients:
        for reader in client.readers:
            assert reader.lost == []
            assert reader.start is not None
            expected = [e for e in logs[reader.topic] if e[0] > reader.start.offset]
            assert reader.handed == expected, (client.user, reader.topic)
            count += len(expected)
    return count


def check_presence(world: World) -> None:
    """Check that presence shows who is there, once somebody has spoken."""
    gone = world.clients[::10]
    for client in gone:
        client.vanish()
    world.time.passed += 60.0
    world.say_everywhere()
    for topic in world.topics:
        here = {
            client.connection.id
            for client in world.clients
            if client not in gone and topic in client.sdk.topics and client.connection
        }
        assert set(world.pubsub.presence(topic)) == here


def count_troubled(world: World) -> int:
    """Return how many handlers a bare SDK would have shown duplicates or holes."""
    every = [reader for client in world.clients for reader in client.readers]
    return sum(each.came != [offset for offset, _ in each.handed] for each in every)


@BY_STREAM
@pytest.mark.parametrize("seed", range(3))
def test_each_handler_sees_the_log_in_order(seed: int, by_stream: bool) -> None:
    world = World(seed, clients=8, topics=3, by_stream=by_stream)
    world.play(600)

    assert check_handed(world)
    check_presence(world)


@pytest.mark.slow
@BY_STREAM
def test_two_hundred_clients_and_twenty_topics(
    by_stream: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(2, clients=200, topics=20, by_stream=by_stream)
    world.play(12_000)

    handed = check_handed(world)
    troubled = count_troubled(world)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{handed} messages handed over, none told to be lost; {troubled} of "
            f"600 handlers had trouble on the way; {dict(world.faults)}\n"
        )
    # How many varies between 20 and 450: whatever begins while a function waits has
    # others begin, and whether that grows to an avalanche is decided by little.
    assert handed > 10_000
    assert troubled
    assert not [each for each in world.kinds_of_faults if not world.faults[each]]
    check_presence(world)
