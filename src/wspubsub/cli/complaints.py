"""What the command says on the standard error stream, in a line each."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

SLOW_SECONDS = 3.0
"""A step that takes longer than this says what it is doing."""


def complain(text: str) -> None:
    """Say what went wrong."""
    _say("error", text)


def warn(text: str) -> None:
    """Say what may go wrong."""
    _say("warning", text)


@contextlib.contextmanager
def say_if_slow(
    text: str,
    *,
    seconds: float = SLOW_SECONDS,
    on_said: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Say what the user is waiting for, if a block takes long."""

    def say() -> None:
        _say("waiting", text)
        on_said()

    timer = threading.Timer(seconds, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say(kind: str, text: str) -> None:
    # Whoever reads it may be gone, or the disk full.
    with contextlib.suppress(OSError):
        print(f"wspubsub: {kind}: {text}", file=sys.stderr, flush=True)
