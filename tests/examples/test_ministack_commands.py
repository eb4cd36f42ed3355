"""The commands for a live deployment, against stacks in MiniStack."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.examples.ministack import REGION, MiniStack, ministack, template, zipped
from tests.support.servers.gateways import (
    APPS,
    command,
    connect_patiently,
    environment,
    run,
)

MEMBERS = APPS / "members.py"

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server(
    build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MiniStack]:
    """A MiniStack that has the code of the chat and of rooms with members."""
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        running.upload(zipped(build, MEMBERS))
        yield running


class Stack:
    """A stack, as the commands see it.

    Args:
        server: Where it is.
        name: Its name.
    """

    def __init__(self, server: MiniStack, name: str) -> None:
        self.environ = {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        # The output of the template leads to AWS.
        self.where = ("--stack", name, "--endpoint", server.endpoint(name))

    def read(self, *words: str) -> list[Any]:
        """Return the JSON that a command prints."""
        done = run(*words, "--json", *self.where, environ=self.environ)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_stack_is_looked_into_and_acted_on(server: MiniStack) -> None:
    url = server.deploy("chat", template())
    stack = Stack(server, "chat")

    with connect_patiently(url) as client:
        client.send(json.dumps({"type": "subscribe", "topic": "news"}))
        client.recv(120)
        [connection] = stack.read("connections")
        name = connection["connection"]
        assert "news" in connection["topics"]
        assert "news" in {each["topic"] for each in stack.read("topics")}
        assert [each["connection"] for each in stack.read("subscribers", "news")] == [
            name
        ]

        [report] = stack.read("publish", "news", "hello")
        assert (report["delivered"], client.recv(120)) == (1, "hello")
        stack.read("post", name, "psst")
        assert client.recv(120) == "psst"
        stack.read("disconnect", name)


class Member:
    """A client of the rooms, who is in `room:1`.

    Args:
        client: Its connection.
    """

    def __init__(self, client: ClientConnection) -> None:
        self._client = client
        self.ask("connect", {"token": "ann"})
        self.ask("subscribe", {"channel": "room:1"})

    def ask(self, kind: str, command: dict[str, Any]) -> None:
        """Send a command and wait for its reply."""
        self._client.send(json.dumps({"id": 1, kind: command}))
        self.find(kind)

    def find(self, kind: str) -> Any:
        """Return what comes next of a kind, a reply or a push."""
        while True:
            for line in str(self._client.recv(120)).splitlines():
                received = json.loads(line)
                received |= received.get("push", {})
                if kind in received:
                    return received[kind]


@pytest.fixture(scope="module")
def rooms(server: MiniStack) -> tuple[str, Stack]:
    """The URL of a stack with rooms, and the stack."""
    url = server.deploy("rooms", template(app=MEMBERS))
    return url, Stack(server, "rooms")


def test_who_is_present_can_be_seen_and_disconnected(rooms: tuple[str, Stack]) -> None:
    url, stack = rooms
    with connect_patiently(url) as client:
        ann = Member(client)

        [present] = stack.read("presence", "room:1")
        [closed] = stack.read("disconnect", "--user", "ann")

        assert (present["user"], present["is_stay"]) == ("ann", False)
        assert json.loads(present["info"]) == {"name": "Ann"}
        assert closed == {"closed": [present["connection"]], "gone": [], "failed": {}}
        assert ann.find("disconnect")["code"] == 3503
        with pytest.raises(ConnectionClosed):
            client.recv(120)


def test_the_log_of_a_stack_can_be_read_and_followed(rooms: tuple[str, Stack]) -> None:
    url, stack = rooms
    with connect_patiently(url) as client:
        ann = Member(client)  # whose subscription begins the log
        [report] = stack.read("publish", "room:1", '{"text": "one"}')
        epoch, offset = report["position"]
        assert ann.find("pub")["data"] == {"text": "one"}

        with subprocess.Popen(
            command(*("tail", "room:1", "--last", "1", "--json"), *stack.where),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(stack.environ),
        ) as tail:
            try:
                assert tail.stdout is not None
                first = json.loads(tail.stdout.readline())
                stack.read("publish", "room:1", '{"text": "two"}')
                second = json.loads(tail.stdout.readline())
                tail.send_signal(signal.SIGINT)
                rest, complaint = tail.communicate(timeout=120)
            finally:
                tail.kill()
        history = stack.read("history", "room:1", "--after", str(offset))

        assert (tail.returncode, rest, complaint) == (130, "", "")
        assert (first["epoch"], first["offset"]) == (epoch, offset)
        assert json.loads(first["data"]) == {"text": "one"}
        assert history == [second]
        assert second["offset"] == offset + 1
        assert json.loads(second["data"]) == {"text": "two"}
