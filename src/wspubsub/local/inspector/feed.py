"""The page's view of what is recorded: following, and clearing."""

import asyncio
from collections.abc import Callable

from wspubsub.local.inspector.entries import describe
from wspubsub.local.inspector.methods import Json, Method, read_number
from wspubsub.local.inspector.ring import Ring

MAX_WAIT_SECONDS = 25.0
ATTENTION_SECONDS = 60.0
"""How long after a page has asked it is taken to follow still."""

_LARGEST = 2**53


class Attention:
    """Knows whether somebody follows.

    Args:
        seconds: How long after it was last paid.

    Attributes:
        on_change: Called when somebody begins to follow, and when nobody does any
            more.
    """

    def __init__(self, seconds: float = ATTENTION_SECONDS) -> None:
        self._seconds = seconds
        self._end: asyncio.TimerHandle | None = None
        self.on_change: Callable[[bool], object] = bool
        self._is_paid = False

    def pay(self) -> None:
        """Note that somebody follows."""
        if self._end is None:
            self._is_paid = True
            self.on_change(self._is_paid)
        else:
            self._end.cancel()
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(self._seconds, self._lose)

    def _lose(self) -> None:
        self._end = None
        self._is_paid = False
        self.on_change(self._is_paid)


class Feed:
    """Passes entries on to pages.

    Args:
        ring: The entries.
        attention: Hears that somebody follows.
    """

    def __init__(self, ring: Ring, attention: Attention) -> None:
        self._ring = ring
        self._attention = attention

    @property
    def methods(self) -> dict[str, Method]:
        """What a page may ask."""
        return {"follow": self._follow, "clear": self._clear}

    async def _follow(self, arguments: Json) -> Json:
        """Return entries after a number, waiting for the first of them."""
        after = int(read_number(arguments, "after", default=0, least=0, most=_LARGEST))
        seconds = read_number(
            arguments, "wait", default=0, least=0, most=MAX_WAIT_SECONDS
        )
        self._attention.pay()
        await self._ring.wait(after, seconds)
        entries = self._ring.read(after)
        dropped = max(0, self._ring.first - after - 1)
        return {"entries": [describe(each) for each in entries], "dropped": dropped}

    def _clear(self, _arguments: Json) -> Json:
        self._ring.clear()
        return {"cleared": self._ring.first - 1}
