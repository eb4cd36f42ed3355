"""`wspubsub dev`: a handler behind the local gateway, until interrupted.

What it needs is imported when it runs: `wspubsub --help` must work without the extra
`local`.
"""

import argparse
import asyncio
import contextlib
import gc
import os
import shutil
import sys
from typing import TYPE_CHECKING

from wspubsub.cli.complaints import complain
from wspubsub.cli.stopping import Stop, run_until_stopped
from wspubsub.cli.terminal import restore_terminal
from wspubsub.errors import UsageError
from wspubsub.local import extras

if TYPE_CHECKING:
    from wspubsub.local.settings import LocalSettings

FAILED, WRONG_USE = 1, 2
POSTS_SECONDS = 0.5
"""How long the posts of a program outside are summed in the log."""


def run(options: argparse.Namespace) -> int:
    """Serve a handler until interrupted."""
    extras.require(*extras.GATEWAY_MODULES)
    if options.tls and options.cert is None:
        extras.require(*extras.TLS_MODULES)
    if options.runtime == "awslambdaric":
        extras.require("awslambdaric", install="awslambdaric")
    from wspubsub.cli.dev_settings import read_settings
    from wspubsub.handlers.environ import exempt_local

    os.environ.update(exempt_local(os.environ))
    try:
        settings = read_settings(options)
    except UsageError as error:
        complain(str(error))
        return WRONG_USE
    if settings.dynamodb_url is None or settings.queue is not None:
        extras.require(*extras.DYNAMODB_MODULES)
    _raise_file_limit()
    problems: list[OSError] = []
    with restore_terminal(settings.terminal):
        status = asyncio.run(
            run_until_stopped(lambda stop: _serve(settings, stop, problems, options))
        )
    if problems:
        raise problems[0]  # the command says what is wrong with its output
    return status or 0


async def _serve(
    settings: "LocalSettings",
    stop: Stop,
    problems: list[OSError],
    options: argparse.Namespace,
) -> int:
    from wspubsub.local.dev import LocalGateway
    from wspubsub.local.journal import Journal

    def end(error: OSError) -> None:
        problems.append(error)
        stop()

    journal = Journal(
        sys.stdout,
        as_json=options.json_logs,
        shows_messages=options.show_messages,
        later=lambda log: asyncio.get_running_loop().call_later(POSTS_SECONDS, log),
        find_columns=(
            (lambda: shutil.get_terminal_size().columns)
            if sys.stdout.isatty()
            else None
        ),
        is_colored=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
        on_broken=end,
    )
    async with LocalGateway(settings, journal) as gateway:
        # What has been imported stays, so it need not be searched for garbage again and
        # again as what is recorded piles up.
        gc.freeze()
        journal.log_ready(gateway.facts())
        return await gateway.run()


def _raise_file_limit() -> None:
    # Each client is an open file, and some systems begin with 256.
    try:
        import resource  # POSIX only
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
