"""Tasks that belong together, and of which none outlives its owner."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Tasks that are canceled together."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> "asyncio.Task[Any]":
        """Run a coroutine beside what runs already."""
        # An event loop keeps only weak references to its tasks.
        task = asyncio.ensure_future(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """Cancel all, except the one that calls this."""
        for task in self._running - {asyncio.current_task()}:
            task.cancel()

    async def close(self) -> None:
        """Cancel all, and wait until they have ended."""
        self.cancel()
        pending = self._running - {asyncio.current_task()}
        await asyncio.gather(*pending, return_exceptions=True)
