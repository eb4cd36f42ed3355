"""Somebody who follows a README: types its commands, one terminal for what goes on."""

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.deployments.readme import Block

COMMAND_SECONDS = 240
READY_SECONDS = 60

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
        self._going: list[_Going] = []

    def follow(self, block: Block) -> str:
        """Run a block and return what it printed; it must succeed."""
        if block.until is not None:
            going = _Going(self._started(block), block)
            self._going.append(going)
            return going.wait()
        with self._started(block) as shell:
            output, _ = shell.communicate(timeout=COMMAND_SECONDS)
        assert shell.returncode == 0, f"line {block.line}: {block.commands}\n{output}"
        return output

    def stop(self) -> None:
        """Press Ctrl-C in all terminals, in the one that was opened last first."""
        failures = [each.interrupt() for each in reversed(self._going)]
        assert not any(failures), "\n".join(filter(None, failures))

    def _started(self, block: Block) -> "subprocess.Popen[str]":
        script = _SCRIPT.format(
            notes=shlex.quote(str(self._notes)), commands=block.commands
        )
        return subprocess.Popen(  # noqa: S603 - what our own READMEs say
            ["/bin/bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environ,
            start_new_session=True,
        )


class _Going:
    """A command that goes on until Ctrl-C."""

    def __init__(self, shell: "subprocess.Popen[str]", block: Block) -> None:
        self._shell, self._block = shell, block
        self._output: list[str] = []
        self._news = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def wait(self) -> str:
        """Return what was printed once the expected text is there."""
        wanted = self._block.until or ""
        with self._news:
            self._news.wait_for(
                lambda: self._is_over or wanted in "".join(self._output), READY_SECONDS
            )
            output = "".join(self._output)
        if wanted not in output or self._is_over:
            self.interrupt()
            raise AssertionError(
                f"line {self._block.line}: {self._block.commands} has not printed "
                f"{wanted!r}:\n{output}"
            )
        return output

    def interrupt(self) -> str:
        """Press Ctrl-C and return what is wrong with how it ends."""
        if self._shell.poll() is None:
            os.killpg(self._shell.pid, signal.SIGINT)
        try:
            self._shell.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._thread.join(READY_SECONDS)
        if self._shell.returncode in {0, 130, -signal.SIGINT}:
            return ""
        return (
            f"{self._block.commands} ended with {self._shell.returncode}:\n"
            f"{''.join(self._output)}"
        )

    def _read(self) -> None:
        assert self._shell.stdout is not None
        with self._shell.stdout as lines:
            for line in lines:
                with self._news:
                    self._output.append(line)
                    self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()
