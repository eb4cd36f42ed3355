"""The event loop that `async def` handlers share for the life of the environment.

What an invocation leaves open on it, such as the connections of an HTTP client that
is kept in a global, still works in the next one. The loop runs in the thread of the
caller, who waits for the handler, and stands still in between.
"""

import asyncio
import atexit
import os
from collections.abc import Awaitable
from concurrent.futures import Future
from contextvars import Context, copy_context
from threading import Lock, Thread
from typing import TypeVar

ResultT = TypeVar("ResultT")

_in_use = Lock()
# By process: one that was forked must not touch its parent's loop.
_runners: dict[int, asyncio.Runner] = {}


def wait_for(awaitable: Awaitable[ResultT]) -> ResultT:
    """Return the result of an awaitable.

    A thread whose own loop is running, as in a test that is `async def` itself, cannot
    run another one: it has a thread made that does, and waits for it.
    """
    context = copy_context()
    if not _is_running():
        return _run(awaitable, context)
    outcome: Future[ResultT] = Future()

    def run() -> None:
        try:
            outcome.set_result(_run(awaitable, context))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    Thread(target=run, name="wspubsub async handler", daemon=True).start()
    return outcome.result()


def _run(awaitable: Awaitable[ResultT], context: Context) -> ResultT:
    async def wait() -> ResultT:
        try:
            return await awaitable
        except asyncio.CancelledError as error:
            raise RuntimeError("an async function was canceled") from error

    if not _in_use.acquire(blocking=False):
        # Not waited for: whoever uses it may be waiting for this very call.
        with _new_runner() as runner:
            return runner.run(wait(), context=context)
    try:
        return _get_shared_runner().run(wait(), context=context)
    finally:
        _in_use.release()


def _get_shared_runner() -> asyncio.Runner:
    process = os.getpid()
    if process not in _runners:
        runner = _runners[process] = _new_runner()
        atexit.register(_close, runner, process)
    return _runners[process]


def _new_runner() -> asyncio.Runner:
    # With a factory it leaves alone what the thread has set as its current loop.
    return asyncio.Runner(loop_factory=asyncio.new_event_loop)


def _close(runner: asyncio.Runner, process: int) -> None:
    if os.getpid() == process and _in_use.acquire(blocking=False):
        runner.close()


def _is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
