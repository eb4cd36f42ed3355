"""The command `wspubsub`."""

import io
import sys

from wspubsub.cli.parser import make_parser
from wspubsub.cli.stopping import INTERRUPTED
from wspubsub.errors import WspubsubError


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status.

    0 is success, 1 a failure, 2 a mistake in the arguments, 130 an interruption.
    Whatever goes wrong is one line on the standard error stream.
    """
    options = make_parser().parse_args(arguments)
    # The command must not fail because a terminal lacks some characters.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options)
    except (WspubsubError, ImportError) as error:
        print(f"wspubsub: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status
