"""One run of the command, whose output may end in a full disk or a closed pipe."""

import contextlib
import errno
import io
import os
import sys

from wspubsub.cli.complaints import complain
from wspubsub.cli.parser import make_parser
from wspubsub.errors import WspubsubError

FAILED = 1

_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run_command(arguments: list[str] | None) -> int:
    """Run the command and return its exit status."""
    # The command must not fail because a terminal lacks some characters.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(arguments)
        finally:  # also after `--help`, which raises SystemExit
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _abandon_output()
        # A reader that has enough, such as `head`, is nothing to complain of.
        if error.errno != errno.EPIPE:
            complain(f"cannot write the output: {error.strerror}")
        return FAILED


def _run(arguments: list[str] | None) -> int:
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (WspubsubError, ImportError) as error:
        complain(str(error))
        return FAILED
    return status


def _abandon_output() -> None:
    # Otherwise the interpreter tries once more when it ends, and complains itself.
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
