"""`examples/rooms/chat.py`, as people use it: in terminals, and over a bad network."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.sdks.rooms import APP, Rooms, make_token
from tests.support.servers.gateways import environment

pytestmark = [pytest.mark.integration, pytest.mark.slow]


class Terminal:
    """Somebody who types and reads."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def leave(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(20)

    def read_until(self, line: str) -> list[str]:
        """Return what is printed, up to this line."""
        assert self._process.stdout is not None
        printed: list[str] = []
        while line not in printed:
            read = self._process.stdout.readline()
            assert read, f"no {line!r}; there are {printed}"
            printed.append(read.rstrip("\n"))
        return printed


@contextmanager
def chat(rooms: Rooms, room: str, *options: str) -> Iterator[Terminal]:
    command = [sys.executable, str(APP.with_name("chat.py")), "--url", rooms.url]
    with subprocess.Popen(
        [*command, "--room", room, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment({"PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1"}),
    ) as process:
        try:
            yield Terminal(process)
        finally:
            process.kill()


def test_two_terminals_talk(rooms: Rooms, room: str) -> None:
    token = make_token("bob", info={"name": "Bob"})
    with chat(rooms, room, "--name", "Ann") as ann:
        ann.say("hello")
        ann.read_until("Ann: hello")
        with chat(rooms, room, "--token", token) as bob:
            assert bob.read_until("Ann: hello") == [
                "* connecting",
                "* connected",
                "Ann: hello",
            ]
            bob.say("hi")
            ann.read_until("* Bob has come")
            ann.read_until("Bob: hi")
            assert bob.leave() == 0
        ann.read_until("* Bob has left")


def test_what_was_said_in_the_meantime_is_shown_once(rooms: Rooms, room: str) -> None:
    with chat(rooms, room, "--name", "Ann") as ann:
        ann.say("one")
        ann.read_until("Ann: one")
        rooms.wire.cut()
        ann.read_until("* connecting")
        for text in ("two", "three"):
            rooms.call("publish", room, {"text": text})
        rooms.wire.mend()
        rooms.call("publish", room, {"text": "four"})

        shown = ann.read_until("somebody: four")

        said = [each for each in shown if each.startswith("somebody")]
        assert said == ["somebody: two", "somebody: three", "somebody: four"]


def test_who_is_banned_is_told(rooms: Rooms, room: str) -> None:
    token = make_token("mallory", info={"name": "Mallory"})
    with chat(rooms, room, "--token", token) as mallory:
        mallory.say("hello")
        mallory.read_until("Mallory: hello")
        rooms.call("disconnect", "mallory", reason="banned")

        mallory.read_until("* disconnected: banned (3503)")
