"""Thousands of random frames: each is answered, and nobody gets what is not theirs."""

import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pubsub.hostile import (
    SECRET,
    USERS,
    FlakyMembers,
    Frames,
    make_application,
    may_enter,
)
from tests.support.pubsub_clients import SKIP, Client, World, publications
from wspubsub.messages import read_json

FRAMES = 250
MANY_FRAMES = 100_000
KEPT = 6

REPLIES = [
    "subscribe",
    "unsubscribe",
    "publish",
    "presence",
    "history",
    "rpc",
    "ping",
    "push",
    "error",
]


class Attack:
    """Clients that send random frames to an application, next to one that does not."""

    def __init__(self, seed: int, **options: Any) -> None:
        self.draw = random.Random(seed)
        self.members = FlakyMembers(self.draw)
        self.world = World(members=self.members, **options)
        make_application(self.world)
        self.frames = Frames(self.draw)
        self.witness = self.world.connect("bob")
        assert "subscribe" in self.witness.subscribe("room:witness")
        self.witness.receive()
        self.clients: list[Client] = []
        self.users: dict[str, str] = {}
        self.kinds: Counter[str] = Counter()

    def send(self) -> None:
        """Let one client send one frame, and check what comes back to all."""
        client = self._pick()
        others = {each.id: each.wire.is_open for each in self.clients}
        others.pop(client.id)
        text = self.frames.make()
        client.wire.send(text)
        self._publish()
        parts = list(self._receive(client))
        if client.wire.is_open:
            check_replies(text, parts)
        self._check(client, parts)
        self.kinds.update(kind for part in parts for kind in part)
        for other in self.clients:
            if other is not client:
                assert not others[other.id] or other.wire.is_open
                self._check(other, list(self._receive(other)))

    def _publish(self) -> None:
        chance, self.members.chance = self.members.chance, 0.0
        for user in ("ada", "bob", "é"):
            for kind in ("user", "own"):
                self.world.pubsub.publish(f"{kind}:{user}", f"for {user} only")
        self.members.chance = chance

    def _pick(self) -> Client:
        self.clients = [each for each in self.clients if each.wire.is_open]
        if len(self.clients) > KEPT:
            client = self.clients.pop(0)
            self.draw.choice((client.wire.close, client.wire.kill))()
        if len(self.clients) < KEPT:
            client = self.world.open()
            self.clients.append(client)
            token = self.draw.choice((*USERS, "ada", "ada"))
            if self.draw.random() < 0.9:
                client.send(
                    {"connect": {"token": token}},
                    {"subscribe": {"channel": "room:1"}},
                    {"subscribe": {"channel": "room:2"}},
                )
                self._check(client, list(self._receive(client)), token)
        self.clients = [each for each in self.clients if each.wire.is_open]
        return self.draw.choice(self.clients) if self.clients else self._pick()

    def _receive(self, client: Client) -> Iterator[Any]:
        for message in client.wire.receive_all():
            assert SECRET not in message
            for line in message.split("\n"):
                part = json.loads(line)
                if part != SKIP:
                    yield part

    def _check(
        self, client: Client, parts: list[Any], token: str | None = None
    ) -> None:
        state = self.members_of(client)
        if state is not None:
            self.users[client.id] = state
        user = self.users.get(client.id, token or "")
        for part in parts:
            push = part.get("push", {})
            assert may_enter(user, push.get("channel", "")), (user, part)
            for channel in part.get("connect", {}).get("subs", {}):
                assert may_enter(user, channel), (user, part)

    def members_of(self, client: Client) -> str | None:
        chance, self.members.chance = self.members.chance, 0.0
        session = self.members.read_session(client.id).session
        self.members.chance = chance
        return None if session is None else session.user

    def check_end(self) -> None:
        """Check what is stored, and that the bystander has been left alone."""
        self.members.chance = 0.0
        assert self.world.errors == []
        for user in USERS:
            for kind in ("user", "own"):
                if user and ":" not in user:
                    for member in self.members.members(f"{kind}:{user}"):
                        found = self.members.read_session(member.connection_id)
                        assert found.session is None or found.session.user == user
        for kind in REPLIES:
            # Or else nothing was tested.
            assert self.kinds[kind], kind
        assert self.witness.wire.is_open
        self.witness.receive()
        said = self.witness.ask(publish={"channel": "room:witness", "data": "here"})
        assert "publish" in said
        assert publications([{"push": each} for each in self.witness.pushes]) == [
            "here"
        ]


def check_replies(text: str, parts: list[Any]) -> None:
    """Check that each command with an ID has exactly one reply."""
    commands = [read_json(line) for line in text.strip().split("\n") if line.strip()]
    asked = Counter(command["id"] for command in commands if command.get("id"))
    got = Counter(part["id"] for part in parts if "id" in part)
    if commands and "connect" in commands[0]:
        (first, *_) = [part for part in parts if "id" in part]
        if "error" in first:
            # What follows a refused connect is not executed.
            assert got == Counter([commands[0]["id"]])
            return
    assert got == asked, (text, parts)


@pytest.fixture(autouse=True)
def _without_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    # Rules fail here by the thousand.
    caplog.set_level(logging.CRITICAL, "wspubsub")


@pytest.mark.parametrize(
    "seed",
    [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 4))],
)
def test_every_command_is_answered_and_nobody_gets_what_is_not_theirs(
    seed: int,
) -> None:
    attack = Attack(seed)
    for _ in range(FRAMES):
        attack.send()
    attack.check_end()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_it_is_so_while_the_store_fails(seed: int) -> None:
    attack = Attack(seed)
    attack.members.chance = 0.1
    for _ in range(FRAMES):
        attack.send()
    attack.check_end()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 116))
def test_a_hundred_thousand_frames_end_nobody_else(seed: int) -> None:
    attack = Attack(seed)
    for _ in range(MANY_FRAMES // 16):
        attack.send()
    attack.check_end()
