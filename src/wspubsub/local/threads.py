"""Blocking calls, in threads that nobody has to wait for.

`asyncio.to_thread` makes the end of the program wait for its threads, but a user who
has pressed Ctrl-C should not wait for a server that does not answer.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_thread(call: Callable[[], ResultT]) -> ResultT:
    """Return what a call returns, or raise what it raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ResultT] = loop.create_future()

    def settle(settled: Callable[[], None]) -> None:
        # The loop may have ended in the meantime.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if future.done() else settled())

    def run() -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - raised to whoever waits
            caught = error
            settle(lambda: future.set_exception(caught))
        else:
            settle(lambda: future.set_result(result))

    threading.Thread(target=run, daemon=True).start()
    return await future
