"""Centrifugo's SDKs as they are published, driven from a test.

Each SDK runs in a process of its own, which takes requests and reports what the SDK
does, one JSON object a line: `{"id": 1, "do": "rpc", ...}` is answered with
`{"reply": 1, "result": ...}` or `{"reply": 1, "error": {...}}`, and what happens is
`{"event": "publication", "client": "a", "channel": "news", ...}`.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.gateways import ROOT, environment

PATIENCE_SECONDS = 120.0
SDKS = ("centrifuge", "centrifuge-python")
_FOLDER = Path(__file__).parent
_names = count(1)

Event = Mapping[str, Any]


class SdkError(Exception):
    """What an SDK's call failed with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Driver:
    """A process that is asked line by line.

    Args:
        process: Reads requests, and writes replies and events.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._ids = count(1)
        self._replies: dict[int, Any] = {}
        self._events: list[Event] = []
        self._taken: list[Event] = []
        self._news = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, do: str, **arguments: Any) -> Any:
        """Have something done and return what comes of it.

        Raises:
            SdkError: The SDK, or the server, refused.
        """
        number = next(self._ids)
        self._say({"id": number, "do": do, **arguments})
        with self._news:
            self._news.wait_for(
                lambda: number in self._replies or self._is_over, PATIENCE_SECONDS
            )
            assert number in self._replies, f"{do} was never answered"
            reply = self._replies.pop(number)
        if "error" in reply:
            raise SdkError(reply["error"]["code"], reply["error"]["message"])
        return reply["result"]

    def expect(self, event: str, **fields: Any) -> Event:
        """Return the next event of this kind with these fields, once it has come."""
        wanted = {"event": event, **fields}

        def find() -> Event | None:
            return next((e for e in self._events if wanted.items() <= e.items()), None)

        with self._news:
            self._news.wait_for(lambda: find() or self._is_over, PATIENCE_SECONDS)
            found = find()
            theirs = {"client": fields.get("client")}.items()
            others = [each for each in self._events if theirs <= each.items()]
            assert found is not None, f"no {wanted}; there are {others}"
            self._events.remove(found)
            self._taken.append(found)
            return found

    def comes(self, event: str, *, seconds: float, **fields: Any) -> bool:
        """Return whether an event of this kind comes, or has come, in time."""
        wanted = {"event": event, **fields}
        with self._news:
            return self._news.wait_for(
                lambda: any(wanted.items() <= each.items() for each in self._events),
                seconds,
            )

    def pending(self, event: str, **fields: Any) -> list[Event]:
        """Return the events that have come and that no `expect` has taken."""
        wanted = {"event": event, **fields}
        with self._news:
            return [each for each in self._events if wanted.items() <= each.items()]

    def come(self, event: str, **fields: Any) -> list[Event]:
        """Return all events that have come, in no order."""
        wanted = {"event": event, **fields}
        with self._news:
            every = [*self._taken, *self._events]
            return [each for each in every if wanted.items() <= each.items()]

    def _say(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            record = json.loads(line)
            with self._news:
                if "reply" in record:
                    self._replies[record["reply"]] = record
                else:
                    self._events.append(record)
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()


class SdkClient:
    """A client of an SDK.

    Args:
        driver: The SDK's process.
        name: Which of its clients.

    Attributes:
        id: The ID of the connection, once `connect` has made it.
    """

    def __init__(self, driver: Driver, name: str) -> None:
        self._driver = driver
        self.name = name
        self.id = ""

    def call(self, do: str, **arguments: Any) -> Any:
        return self._driver.call(do, client=self.name, **arguments)

    def connect(self) -> Event:
        """Connect and return what the SDK says once it is connected."""
        self.call("connect")
        connected = self.expect("connected")
        self.id = connected["id"]
        return connected

    def subscribe(self, *channels: str, **options: Any) -> Event:
        """Subscribe and return what the SDK says of the last one."""
        self.call("subscribe", channels=channels, **options)
        return [self.expect("subscribed", channel=each) for each in channels][-1]

    def history(
        self,
        channel: str,
        *,
        limit: int = 0,
        since: Mapping[str, Any] | None = None,
        reverse: bool = False,
    ) -> Mapping[str, Any]:
        page: Mapping[str, Any] = self.call(
            "history", channel=channel, limit=limit, since=since, reverse=reverse
        )
        return page

    def expect(self, event: str, **fields: Any) -> Event:
        return self._driver.expect(event, client=self.name, **fields)

    def comes(self, event: str, *, seconds: float, **fields: Any) -> bool:
        return self._driver.comes(event, seconds=seconds, client=self.name, **fields)

    def pending(self, event: str, **fields: Any) -> list[Event]:
        return self._driver.pending(event, client=self.name, **fields)

    def come(self, event: str, **fields: Any) -> list[Event]:
        return self._driver.come(event, client=self.name, **fields)


class Sdk:
    """An SDK, and the clients that a test has of it.

    Args:
        name: As its registry has it.
        driver: Its process.
    """

    def __init__(self, name: str, driver: Driver) -> None:
        self.name = name
        self._driver = driver
        self._clients: list[SdkClient] = []

    def open(self, url: str, **options: Any) -> SdkClient:
        """Return a client that is not connected yet.

        Args:
            url: The WebSocket API's.
            options: `token`, `tokens` (what `getToken` returns, in this order), `data`;
                `timeout` and `max_ping_delay` in seconds.
        """
        client = SdkClient(self._driver, f"c{next(_names)}")
        client.call("open", url=url, **options)
        self._clients.append(client)
        return client

    def close_all(self) -> None:
        for client in self._clients:
            client.call("disconnect")
        self._clients.clear()


def settle(*clients: SdkClient) -> None:
    """Wait until clients have handled all that was sent to them before."""
    for client in clients:
        client.call("rpc", method="echo", data=0)


@contextmanager
def drive(
    command: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[Driver]:
    """Run a process that is asked line by line."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(variables or {}),
    ) as process:
        try:
            yield Driver(process)
        finally:
            process.kill()


@contextmanager
def run_sdk(name: str) -> Iterator[Sdk]:
    """Run an SDK; where Node or its packages are missing, skip, but never in CI."""
    if name == "centrifuge":
        command = [find_node(), str(_FOLDER / "centrifuge_driver.cjs"), find_modules()]
    else:
        command = [sys.executable, str(_FOLDER / "centrifuge_python_driver.py")]
    with drive(command) as driver:
        yield Sdk(name, driver)


def find_node() -> str:
    """Return where Node is."""
    node = shutil.which("node")
    if node is None and "CI" not in os.environ:
        pytest.skip("Node is not installed")
    assert node is not None, "CI has Node"
    return node


def find_modules() -> str:
    """Return the folder with npm's packages that the tests need."""
    modules = os.environ.get("WSPUBSUB_TEST_NODE_MODULES")
    if modules is None and "CI" not in os.environ:
        pytest.skip("set WSPUBSUB_TEST_NODE_MODULES to a folder with centrifuge and ws")
    assert modules is not None, "CI sets WSPUBSUB_TEST_NODE_MODULES"
    return modules
