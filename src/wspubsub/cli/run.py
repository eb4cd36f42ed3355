"""`wspubsub run`: a program in the environment of the running gateway."""

import argparse
import os
import shutil
import signal
import subprocess
import sys

from wspubsub.cli.complaints import complain
from wspubsub.cli.numbers import port

NOT_FOUND, NOT_RUNNABLE, WRONG_USE = 127, 126, 2
"""As a shell has them."""

DESCRIPTION = """\
Run a program with the environment variables of the running gateway: the endpoint, the
table, the Region, and credentials that AWS does not accept. AWS SDKs in it find the
local services, so scripts, REPLs and cron jobs work as they would on AWS.

The program takes the place of this command, so it gets all signals, and the exit status
is its own; 127 if it is not found, 2 if no gateway runs.

Examples: `wspubsub run -- python nightly.py`, `wspubsub run -- python` for a REPL,
`wspubsub run -- aws dynamodb list-tables`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.set_defaults(run=run)
    add_port(parser)
    parser.add_argument(
        "program",
        nargs="+",
        metavar="COMMAND",
        help="the program and its arguments, behind -- if it has options",
    )


def add_port(group: argparse._ActionsContainer) -> None:
    """Add the option that chooses one of several gateways."""
    group.add_argument(
        "--port",
        type=port,
        metavar="N",
        help="port of the running gateway, if several run",
    )


def run(options: argparse.Namespace) -> int:
    """Run a program to its end and return its exit status."""
    from wspubsub.errors import UsageError
    from wspubsub.handlers.environ import program_environ
    from wspubsub.local.running import find_gateway

    try:
        gateway = find_gateway(options.port)
    except UsageError as error:
        complain(str(error))
        return WRONG_USE
    environ = program_environ(os.environ, gateway.surroundings)
    name = options.program[0]
    if shutil.which(name) is None:
        complain(f"cannot find a program {name!r}")
        return NOT_FOUND
    try:
        _become(options.program, environ)
    except OSError as error:
        complain(f"cannot run {name!r}: {error.strerror}")
    return NOT_RUNNABLE


def _become(program: list[str], environ: dict[str, str]) -> None:
    if os.name == "nt":  # pragma: no cover - there, a program cannot be replaced
        done = subprocess.run(program, env=environ, check=False)
        sys.exit(done.returncode)
    # The program takes the place of this process: so its exit status, its signals and
    # its terminal are its own.
    sys.stdout.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        # Python ignores them, and what is ignored stays so.
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(program[0], program, environ)
