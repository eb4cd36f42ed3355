"""Starts the command `wspubsub`.

It stands outside the package so that Ctrl-C is quiet while that is being imported.
"""

import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command and return its exit status."""
    try:
        from wspubsub.cli import main as run  # noqa: PLC0415 - as said
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
        return 0 if sys.argv[1:2] == ["dev"] else INTERRUPTED
    return run()
