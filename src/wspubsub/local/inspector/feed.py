"""The page's view of what is recorded: following, and clearing."""

from wspubsub.local.inspector.entries import describe
from wspubsub.local.inspector.methods import Json, Method, read_number
from wspubsub.local.inspector.ring import Ring

MAX_WAIT_SECONDS = 25.0
_LARGEST = 2**53


class Feed:
    """Passes entries on to pages.

    Args:
        ring: The entries.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

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
        await self._ring.wait(after, seconds)
        entries = self._ring.read(after)
        dropped = max(0, self._ring.first - after - 1)
        return {"entries": [describe(each) for each in entries], "dropped": dropped}

    def _clear(self, _arguments: Json) -> Json:
        self._ring.clear()
        return {}
