"""A way to a client with a limit of bytes a second."""

import asyncio
from collections import deque

TICK_SECONDS = 0.05
"""How often a piece is passed on."""


class Pace:
    """Holds back what is sent to one client, as a client does that reads slowly.

    Args:
        writer: Where it goes.

    Attributes:
        bytes_per_second: The limit, or None.
        held_bytes: What is held back.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.bytes_per_second: float | None = None
        self._held: deque[bytes] = deque()
        self._credit = 0.0
        self._is_ending = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_free = asyncio.Event()
        self._is_free.set()
        self.held_bytes = 0

    def set(self, bytes_per_second: float | None) -> None:
        """Limit what passes from now on; None lifts the limit."""
        self.bytes_per_second = bytes_per_second
        self._credit = 0.0
        self._pass_on(0.0)

    def write(self, data: bytes) -> None:
        """Send data after what is held back."""
        self._held.append(data)
        self.held_bytes += len(data)
        self._is_free.clear()
        self._pass_on(0.0)

    def end(self) -> None:
        """Close the connection after what is held back."""
        self._is_ending = True
        self._pass_on(0.0)

    async def drain(self) -> None:
        """Wait until nothing is held back, or the connection has gone."""
        await self._is_free.wait()

    def forget(self) -> None:
        """Hold nothing back any more: the connection has gone."""
        self._held.clear()
        self.held_bytes = 0
        self._is_free.set()

    def _pass_on(self, seconds: float) -> None:
        if self._writer.is_closing():
            self.forget()
            return
        self._earn(seconds)
        while self._held and self._credit >= 1:
            data = self._held.popleft()
            piece, rest = data[: int(self._credit)], data[int(self._credit) :]
            if self.bytes_per_second is not None:
                self._credit -= len(piece)
            self.held_bytes -= len(piece)
            self._writer.write(piece)
            if rest:
                self._held.appendleft(rest)
        if self._held:
            self._schedule()
            return
        self._is_free.set()
        if self._is_ending:
            self._writer.close()

    def _earn(self, seconds: float) -> None:
        if self.bytes_per_second is None:
            self._credit = float(2**31)
        else:
            # What is not used in a second is not saved up.
            most = max(1.0, self.bytes_per_second)
            self._credit = min(most, self._credit + seconds * self.bytes_per_second)

    def _schedule(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._pass_on(TICK_SECONDS)
