"""The terminal that a command was started in, if it was."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def find_terminal() -> str | None:
    """Return the path of the terminal on the standard input, or None."""
    try:
        return os.ttyname(sys.stdin.fileno())
    except (AttributeError, OSError, ValueError):
        return None  # not a terminal, closed, or a system where they have no paths


@contextmanager
def restore_terminal(path: str | None) -> Iterator[None]:
    """Restore the settings of a terminal at the end.

    Whoever edits a line there, such as a debugger, may be ended meanwhile.
    """
    if path is None:
        yield
        return
    import termios  # POSIX only, as are paths of terminals

    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
