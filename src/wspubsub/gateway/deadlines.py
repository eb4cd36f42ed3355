"""Which of many instants comes first, when most of them keep moving later.

Every message postpones its connection's idle timeout, so a postponement must cost
nothing: it is only noted, and the queue is corrected when the old instant comes up.
"""

import heapq
from collections.abc import Iterator


class Deadlines:
    """Instants by key, the earliest first."""

    __slots__ = ("_at", "_queue")

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []

    def set(self, key: str, at: float) -> None:
        """Set the instant of a key, whether or not it had one."""
        earlier = self._at.get(key)
        self._at[key] = at
        if earlier is None or at < earlier:
            heapq.heappush(self._queue, (at, key))

    def drop(self, key: str) -> None:
        """Forget a key; does nothing if the key has no instant."""
        self._at.pop(key, None)

    def next(self) -> float | None:
        """Return the earliest instant, or None."""
        while self._queue:
            queued, key = self._queue[0]
            at = self._at.get(key)
            if at == queued:
                return at
            if at is None:
                heapq.heappop(self._queue)
            else:
                heapq.heapreplace(self._queue, (at, key))
        return None

    def due(self, now: float) -> Iterator[str]:
        """Remove and return, in order, the keys whose instant has come."""
        at = self.next()
        while at is not None and at <= now:
            key = heapq.heappop(self._queue)[1]
            del self._at[key]
            yield key
            at = self.next()
