"""A debugger in the handler, and what `breakpoint()` does without one."""

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.servers.gateways import dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]

APP = """
def handler(event, context):
    if event["requestContext"]["eventType"] == "MESSAGE":
        answer = "answered"
        breakpoint()
        return {"statusCode": 200, "body": answer}
    return {"statusCode": 200}
"""


class Terminal:
    """Somebody at a terminal.

    Args:
        keyboard: Descriptor of the end that a person has.
        device: Descriptor of the end that a program has.
    """

    def __init__(self, keyboard: int, device: int) -> None:
        self.keyboard = keyboard
        self.device = device

    def read_until(self, text: str) -> str:
        seen = ""
        while text not in seen:
            seen += os.read(self.keyboard, 1024).decode()
        return seen

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with _opened(*pty.openpty()) as terminal:
        yield terminal


@contextmanager
def _opened(keyboard: int, device: int) -> Iterator[Terminal]:
    try:
        yield Terminal(keyboard, device)
    finally:
        os.close(keyboard)
        os.close(device)


@pytest.mark.parametrize("runtime", ["builtin", "awslambdaric"])
def test_a_breakpoint_is_talked_to_in_the_terminal(
    tmp_path: Path, terminal: Terminal, runtime: str
) -> None:
    (tmp_path / "app.py").write_text(APP)
    before = termios.tcgetattr(terminal.device)

    with dev(
        *("app.py", "--two-way", "--debug", "--timeout", "1", "--runtime", runtime),
        cwd=tmp_path,
        stdin=terminal.device,
    ) as gateway:
        with gateway.client() as client:
            client.send("look at me")
            shown = terminal.read_until("(Pdb) ")
            terminal.type("event['body']\n")
            value = terminal.read_until("(Pdb) ")
            terminal.type("answer = 'changed'\n")
            terminal.read_until("(Pdb) ")
            terminal.type("continue\n")

            assert client.recv(10) == "changed"

            client.send("again")
            terminal.read_until("(Pdb) ")  # which changes the terminal's settings
        assert gateway.stop() == 0

    assert "app.py(6)handler()" in shown
    assert "'look at me'" in value
    assert termios.tcgetattr(terminal.device) == before


def test_a_breakpoint_without_a_terminal_is_passed_over_with_advice(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text(APP)

    with (
        dev("app.py", "--two-way", cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        client.send("x")

        assert client.recv(10) == "answered"
        line = gateway.wait_for_line("is passed over")
        assert "app.py, line 5, " in line
        assert "--debug" in line
