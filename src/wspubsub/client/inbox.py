"""What waits for the loop that iterates: messages and losses, in order."""

import asyncio
from collections import deque

from wspubsub.client.steps import Lost
from wspubsub.client.values import Message


class Inbox:
    """A queue for one reader, which ends.

    It has no bound of its own: the sequencer hands over what there is room for, and
    losses in a row become one.
    """

    def __init__(self) -> None:
        self._items: deque[Message | Lost] = deque()
        self._news = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None

    def put(self, item: Message | Lost) -> None:
        """Add a message or a loss."""
        last = self._items[-1] if self._items else None
        if isinstance(item, Lost) and isinstance(last, Lost):
            dropped = (last.dropped or 0) + (item.dropped or 0)
            self._items[-1] = Lost(last.after, item.before, dropped or None)
        else:
            self._items.append(item)
        self._news.set()

    def end(self, error: Exception | None) -> None:
        """Let the reader stop, or get an error, once it has taken what is there."""
        if not self._is_over:
            self._is_over, self._error = True, error
            self._news.set()

    async def take(self) -> Message | Lost | None:
        """Return the next one once there is one; None at the end.

        Raises:
            ClientError: It ended with this error.
        """
        while not self._items and not self._is_over:
            self._news.clear()
            await self._news.wait()
        if self._items:
            return self._items.popleft()
        if self._error is not None:
            raise self._error
        return None
