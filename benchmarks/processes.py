"""Processes that are measured or that serve, and how they are spoken with.

A child reads one JSON object a line and answers each with another; before that
it says hello, in one line as well. It ends when its standard input does.
"""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.machine import on_cores

ROOT = Path(__file__).parent.parent
ANSWER_SECONDS = 600.0
_END_SECONDS = 10.0

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a session token, as every Lambda function has",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""Nobody's; the key pair is the example in AWS's documentation."""


class Child:
    """A child process, on cores of its own.

    Args:
        command: What to run, from the repository's root.
        environ: Environment variables besides this process's own.
        cores: Where it runs.

    Raises:
        BenchmarkError: It does not come up.
    """

    def __init__(
        self, command: list[str], environ: Mapping[str, str], cores: frozenset[int]
    ) -> None:
        self._name = " ".join(command)
        with on_cores(cores):
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=clean(os.environ) | dict(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        if process.stdin is None or process.stdout is None:
            raise BenchmarkError(f"{self._name} has no pipes")
        self._process, self._stdin, self._stdout = (
            process,
            process.stdin,
            process.stdout,
        )
        self._received = b""
        try:
            self.hello = self._answer()
        except BenchmarkError:
            self.close()
            raise

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            BenchmarkError: There is none.
        """
        try:
            self._stdin.write(json.dumps(request).encode() + b"\n")
            self._stdin.flush()
        except OSError as error:
            raise BenchmarkError(f"{self._name} has ended: {error}") from error
        return self._answer()

    def close(self) -> None:
        """End the process."""
        try:
            self._stdin.close()
            self._process.wait(_END_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._stdout.close()

    def _answer(self) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if not selector.select(ANSWER_SECONDS):
                    raise BenchmarkError(f"{self._name} does not answer")
                data = os.read(self._stdout.fileno(), 1 << 16)
                if not data:
                    raise BenchmarkError(f"{self._name} has ended without an answer")
                self._received += data
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def child(
    command: list[str], environ: Mapping[str, str], cores: frozenset[int]
) -> Iterator[Child]:
    """Start a child and end it afterwards."""
    process = Child(command, environ, cores)
    try:
        yield process
    finally:
        process.close()


def requests() -> Iterator[dict[str, Any]]:
    """Yield what this child is asked."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(**values: Any) -> None:
    """Answer what this child was asked."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what was set for AWS, a proxy, or no bytecode."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("AWS_", "NODE_", "PYTHONDONTWRITE"))
        and "proxy" not in name.lower()
    } | CREDENTIALS
