"""Tasks with an owner: none is lost, none outlives its owner."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """A set of running tasks."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run a coroutine as a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def close(self) -> None:
        """Cancel all tasks except the one that calls this, and wait for them to end."""
        others = self._running - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler(
                {"message": "a task failed", "exception": error, "task": task}
            )


async def first_of(
    *futures: asyncio.Future[Any], timeout_seconds: float | None = None
) -> None:
    """Wait until one of several futures is done, or the time is up; cancels none."""
    await asyncio.wait(
        futures, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED
    )
