"""`wspubsub dev` as a user starts it: a process whose log is read."""

import json
import os
import select
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[3]
APPS = ROOT / "tests" / "apps"
CHAT = ROOT / "examples" / "chat" / "app.py"
PATIENCE_SECONDS = 120.0
"""A machine that runs tests may stand still for a minute."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

Record = Mapping[str, Any]


def connect_patiently(url: str, **options: Any) -> ClientConnection:
    """Return a client that a busy machine, or a test that is silent, does not end.

    By default websockets stops to read after 16 messages that nobody has received,
    finds no pong then, and closes after 40 seconds.
    """
    patience = {"open_timeout": 40, "max_queue": None, "ping_interval": None}
    client: ClientConnection = connect(url, proxy=None, **{**patience, **options})
    return client


def make_trust(bundle: str) -> ssl.SSLContext:
    """Return what a client needs that connects to a gateway with `--tls`."""
    trust = ssl.create_default_context(cafile=bundle)
    # Python loses what one thread writes to a socket while another reads the session
    # tickets of TLS 1.3, as this client does (python/cpython#124984, #143756).
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    return trust


class DevGateway:
    """A running gateway and what it has logged.

    Args:
        process: Its process, logging JSON.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.records: list[Record] = []
        self._news = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        ready = self.wait_for(lambda record: record["kind"] == "ready")
        self.url: str = ready["url"]
        self.management_url: str = ready["management_url"]
        self.table: str = ready["table"]
        self.dynamodb_url: str = ready["dynamodb_url"]
        self.connect_command: str = ready["connect"]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].partition("/")[0])

    def client(self, query: str = "", **options: Any) -> ClientConnection:
        """Return a connected client."""
        return connect_patiently(self.url + query, **options)

    def wait_for(
        self, is_wanted: Callable[[Record], bool], *, count: int = 1
    ) -> Record:
        """Return the first (or so manieth) record that is wanted, once it is logged."""
        found: list[Record] = []

        def look() -> bool:
            found[:] = [each for each in self.records if is_wanted(each)]
            return len(found) >= count or self._is_over

        with self._news:
            self._news.wait_for(look, PATIENCE_SECONDS)
        assert len(found) >= count, f"never logged; the log is {self.records[-20:]}"
        return found[count - 1]

    def lines(self, containing: str) -> list[str]:
        """Return the handler's output lines that contain a text."""
        outputs = [each for each in self.records if each["kind"] == "output"]
        return [each["line"] for each in outputs if containing in each["line"]]

    def wait_for_line(self, containing: str) -> str:
        """Return the first line of the handler's output that contains a text."""
        record = self.wait_for(
            lambda each: each["kind"] == "output" and containing in each["line"]
        )
        return str(record["line"])

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it by a signal and return its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.records.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()


def command(*arguments: str) -> list[str]:
    """Return the command line of `wspubsub` with arguments."""
    return [sys.executable, "-m", "wspubsub", *arguments]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that has no settings for AWS but these."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return inherited | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **variables,
    }


@contextmanager
def dev(
    target: str,
    *arguments: str,
    cwd: Path = ROOT,
    environ: Mapping[str, str] = CREDENTIALS,
    stdin: int | None = None,
    stderr: IO[str] | None = None,
) -> Iterator[DevGateway]:
    """Run `wspubsub dev` on a free port; `stderr` is where it complains."""
    with subprocess.Popen(
        command("dev", target, "--port", "0", "--json-logs", *arguments),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        cwd=cwd,
        env=environment(environ),
    ) as process:
        try:
            gateway = DevGateway(process)
            yield gateway
            assert process.poll() is not None or gateway.stop() == 0
        finally:
            if process.poll() is None:
                process.kill()


def run(
    *arguments: str, cwd: Path = ROOT, environ: Mapping[str, str] = CREDENTIALS
) -> "subprocess.CompletedProcess[str]":
    """Run a `wspubsub` command to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
        env=environment(environ),
    )


def descendants(pid: int) -> set[int]:
    """Return the processes that a process has started, and those that they have."""
    parents = dict(_processes())
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {each for each, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def have_ended(pids: Iterable[int]) -> bool:
    """Return whether processes end soon, or have ended."""
    until = time.monotonic() + PATIENCE_SECONDS
    return all(_has_ended(pid, until) for pid in pids)


def _has_ended(pid: int, until: float) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        remaining = max(0.0, until - time.monotonic())
        return bool(select.select([descriptor], [], [], remaining)[0])
    finally:
        os.close(descriptor)


def _processes() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text()
            except OSError:
                continue  # it has ended in the meantime
            yield int(folder.name), int(status.rpartition(")")[2].split()[1])
