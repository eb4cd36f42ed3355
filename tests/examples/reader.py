"""Somebody who follows a README: types its commands, one terminal for what goes on."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.examples.readme import Block
from tests.examples.terminal import Terminal

COMMAND_SECONDS = 240

# What a command leaves behind for the next: its folder and its variables.
_SCRIPT = """\
set -euo pipefail
. {notes}/env
cd "$(cat {notes}/cwd)"
trap 'pwd > {notes}/cwd; export -p > {notes}/env' EXIT
{commands}
"""


class Reader:
    """Runs blocks as they stand, in order, as in one shell.

    Args:
        start: Folder in which the first block runs.
        notes: Folder for what is remembered between blocks.
        environ: The shell's environment.
        variables: A file that sets variables, left behind by another reader.
    """

    def __init__(
        self,
        start: Path,
        notes: Path,
        environ: Mapping[str, str],
        variables: Path | None = None,
    ) -> None:
        notes.mkdir()
        (notes / "cwd").write_text(str(start))
        (notes / "env").write_text(variables.read_text() if variables else "")
        self._notes, self._environ = notes, environ
        self._terminals: list[Terminal] = []

    def follow(self, block: Block) -> str:
        """Run a block and return what it printed; it must succeed."""
        if block.until is not None:
            name = f"line {block.line}: {block.commands}"
            terminal = Terminal(self._started(block), name)
            self._terminals.append(terminal)
            return terminal.wait_for(block.until)
        with self._started(block) as shell:
            output, _ = shell.communicate(timeout=COMMAND_SECONDS)
        assert shell.returncode == 0, f"line {block.line}: {block.commands}\n{output}"
        return output

    def stop(self) -> None:
        """Press Ctrl-C in all terminals, in the one that was opened last first."""
        failures = [each.interrupt() for each in reversed(self._terminals)]
        assert not any(failures), "\n".join(filter(None, failures))

    def _started(self, block: Block) -> "subprocess.Popen[str]":
        script = _SCRIPT.format(
            notes=shlex.quote(str(self._notes)), commands=block.commands
        )
        return subprocess.Popen(
            ["/bin/bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environ,
            start_new_session=True,
        )
