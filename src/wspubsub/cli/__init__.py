"""The command `wspubsub`."""

import signal
import sys
from types import FrameType

INTERRUPTED = 130

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status.

    0 is success, 1 a failure, 2 a mistake in the arguments, 130 an interruption.
    Whatever goes wrong is one line on the standard error stream.

    Args:
        arguments: What follows the command's name; None takes those of this process,
            which ends after it.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        # Half of the command's time may be this import, and Ctrl-C may come meanwhile.
        from wspubsub.cli.command import run_command

        return run_command(arguments)
    except KeyboardInterrupt:
        # `wspubsub dev` is meant to run until it is interrupted.
        words = sys.argv[1:] if arguments is None else arguments
        return 0 if words[:1] == ["dev"] else INTERRUPTED
    finally:
        for number, handler in before.items():
            # The interpreter has a little to do yet, which nobody should interrupt.
            is_over = arguments is None
            signal.signal(number, signal.SIG_IGN if is_over else handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
