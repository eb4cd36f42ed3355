"""Commands that run until a signal stops them."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from wspubsub.cli import SIGNALS

Stop = Callable[[], None]
ResultT = TypeVar("ResultT")


async def run_until_stopped(
    work: Callable[[Stop], Coroutine[Any, Any, ResultT]],
) -> ResultT | None:
    """Return what some work returns, or None if it was stopped first.

    A second signal does not disturb what the first one has begun to tidy up.
    """
    is_stopping = False

    def stop() -> None:
        nonlocal is_stopping
        if not is_stopping:
            is_stopping = True
            task.cancel()

    task = asyncio.create_task(work(stop))
    loop = asyncio.get_running_loop()
    # Where there are no signal handlers, asyncio.run itself takes Ctrl-C.
    with contextlib.suppress(NotImplementedError):
        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        # A loop that closes ends their pipe before it lets go of them.
        for number in SIGNALS:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)
