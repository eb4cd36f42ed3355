"""What `breakpoint()` does in a worker, whose standard streams belong to the gateway.

The bootstrap loads this file by its path, so it needs nothing but the standard library.
"""

import os
import sys
import traceback


def pass_over() -> None:
    """Let `breakpoint()` say what it needs, and go on.

    `PYTHONBREAKPOINT` names a debugger that needs no terminal, or none; it is left
    alone.
    """
    if not os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook = _explain


def use_terminal(path: str) -> None:
    """Make a terminal the standard streams, so that a debugger can be talked to."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    for stream in range(3):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def _explain(*_arguments: object, **_options: object) -> None:
    place = traceback.extract_stack(limit=2)[0]
    sys.stderr.write(
        f"breakpoint() in {place.filename}, line {place.lineno}, is passed over: it "
        "needs a terminal; start the gateway in one, with --debug\n"
    )
