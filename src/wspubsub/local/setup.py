"""Runs a file of the user's before the functions start: it makes their tables."""

import sys
from pathlib import Path

from wspubsub.errors import UsageError
from wspubsub.handlers.environ import Surroundings, program_environ
from wspubsub.local.journal import Journal
from wspubsub.local.processes import ChildProcess, describe_exit
from wspubsub.local.settings import LocalSettings


async def run_setup(
    settings: LocalSettings, surroundings: Surroundings, journal: Journal
) -> None:
    """Run the Python file of the settings to its end, if they have one.

    Args:
        settings: Those of the gateway.
        surroundings: Where the local services are.
        journal: Logs what it prints.

    Raises:
        UsageError: It fails; the text has the last line that it printed.
    """
    file = settings.setup
    if file is None:
        return
    last = [""]

    def log(_stream: str, line: str) -> None:
        last[0] = line.strip() or last[0]
        journal.note(f"{file.name}: {line}")

    process = await ChildProcess.start(
        [sys.executable, str(file)],
        env=program_environ(settings.environ, surroundings),
        cwd=Path.cwd(),
        on_output=log,
    )
    try:
        code = await process.exited
        await process.settle_output()
    finally:
        await process.kill()
    if code:
        reason = last[0] or describe_exit(code)
        raise UsageError(f"--setup {file} failed, so nothing is served: {reason}")
