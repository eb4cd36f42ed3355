"""Whatever happens on the way, a loop gets each message once, in order, or is told."""

import asyncio
import random
from typing import Any

import pytest

from tests.support.client.simulated import Server, VirtualTime, make_client, settle
from wspubsub import Position
from wspubsub.client import MessagesLostError, RefusedError, Subscription

STEPS = 80
TROUBLES = [
    RefusedError(100, "internal server error", is_temporary=True),
    RefusedError(111, "too many requests", is_temporary=True),
    TimeoutError("no answer in time"),
]


class Weather:
    """Does one bad thing after the other, as a seed has it.

    Args:
        seed: Which things, and in which order.
        can_lose: Whether the history may forget, or begin again.
    """

    def __init__(self, seed: int, *, can_lose: bool) -> None:
        self.server = Server()
        self.topic = self.server.topic()
        self.published: list[tuple[Position, int]] = []
        self._random = random.Random(seed)
        self._can_lose = can_lose
        self._is_cut = False

    async def change(self) -> None:
        things = [self.publish, self.publish, self.push, self.push, self.fail]
        things += [self.cut if not self._is_cut else self.mend]
        if self._can_lose:
            things += [self.trim, self.restart]
        self._random.choice(things)()
        if self._random.random() < 0.5:
            await settle()

    def publish(self) -> None:
        number = len(self.published)
        self.topic.publish(number)
        position = Position(self.topic.epoch, self.topic.newest)
        self.published.append((position, number))

    def push(self) -> None:
        """Let a few arrive: in any order, late, or again."""
        newest = sorted(self.topic.kept)[-6:]
        if newest and not self._is_cut:
            self.server.push(*self._random.choices(newest, k=3))

    def fail(self) -> None:
        self.server.failures["history"] = [self._random.choice(TROUBLES)]

    def cut(self) -> None:
        assert self.server.sdk is not None
        self.server.sdk.cut()
        self._is_cut = True

    def mend(self) -> None:
        assert self.server.sdk is not None
        if self._is_cut:
            self.server.sdk.mend()
        self._is_cut = False

    def trim(self) -> None:
        self.topic.trim(self.topic.newest - self._random.randrange(4))

    def restart(self) -> None:
        # Pushes do not say their epoch, and a new one begins after days of silence.
        if self._is_cut and self._random.random() < 0.3:
            self.topic.restart(f"{self.topic.epoch}a")


async def follow(room: Subscription, seen: list[Any], rng: random.Random) -> None:
    async for message in room:
        seen.append((message.position, message.data))
        if rng.random() < 0.3:
            await settle()


async def run(weather: Weather, seed: int, seen: list[Any]) -> None:
    time, rng = VirtualTime(), random.Random(seed)
    async with make_client(weather.server, time) as client:
        room = client.subscribe(
            "room", queue_size=rng.choice([1, 2, 5, 100]), on_lost=seen.append
        )
        following = asyncio.create_task(follow(room, seen, rng))
        await settle()
        for _ in range(STEPS):
            await weather.change()
        weather.mend()
        weather.publish()
        for _ in range(3):
            await time.advance(301)
        await settle()
        await room.aclose()
        await following


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_that_the_history_keeps(seed: int) -> None:
    weather, seen = Weather(seed, can_lose=False), list[Any]()

    asyncio.run(run(weather, seed, seen))

    assert seen == weather.published


@pytest.mark.parametrize("seed", range(12))
def test_what_is_lost_is_told_exactly(seed: int) -> None:
    weather, seen = Weather(seed, can_lose=True), list[Any]()

    asyncio.run(run(weather, seed, seen))

    following = Position("a", 1)
    for each in seen:
        if isinstance(each, MessagesLostError):
            assert each.after == following._replace(offset=following.offset - 1)
            assert each.before is not None
            following = each.before
        else:
            assert each in weather.published
            assert each[0] == following
            following = following._replace(offset=following.offset + 1)
    assert following == Position(weather.topic.epoch, weather.topic.newest + 1)
