"""One client of the gateway, and what it has sent that has to wait.

What a client sends goes to the model at once, as on AWS, until too much is in progress
for it. Then its messages are held back here, so that its control frames are still read:
it gets its pongs, and its leaving is noticed. Only what it sends beyond that waits in
the network, and all that a client sends which does not read what it is sent.
"""

import asyncio
import time
from collections import deque

from wspubsub.gateway import DataFrame
from wspubsub.local.apigateway.websocket import WebSocketConnection

MAX_WAITING_INVOCATIONS = 64
"""While this many invocations for a client have no result, its messages wait."""

MAX_HELD_BYTES = 262_144
"""While this much is held back, nothing is read from the client."""

_FRAME_BYTES = 256  # what a frame takes besides its payload


class Client:
    """A client whose handshake has arrived.

    Args:
        socket: Its connection.

    Attributes:
        since: When its handshake arrived, in seconds since the epoch.
        received, received_bytes: How many frames it has sent.
        sent, sent_bytes: How many messages it was sent.
    """

    def __init__(self, socket: WebSocketConnection) -> None:
        self.socket = socket
        self.since = time.time()
        self.received = self.received_bytes = 0
        self.sent = self.sent_bytes = 0
        self._invocations = 0
        self._held: deque[DataFrame] = deque()
        self._held_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._has_space = asyncio.Event()
        self._has_space.set()

    @property
    def must_wait(self) -> bool:
        """Whether its next frame has to be held back."""
        return bool(self._held) or not self._is_free

    @property
    def is_holding(self) -> bool:
        """Whether frames are held back."""
        return bool(self._held)

    def send(self, text: str) -> None:
        """Send it a message."""
        self.socket.send(text)
        self.sent += 1
        self.sent_bytes += len(text)

    def count_received(self, frame: DataFrame) -> None:
        """Note that it has sent a frame."""
        self.received += 1
        self.received_bytes += len(frame.data)

    def count(self, change: int) -> None:
        """Note that invocations for it have begun, or have ended."""
        self._invocations += change
        if self._invocations < MAX_WAITING_INVOCATIONS:
            self._has_room.set()
        else:
            self._has_room.clear()

    def hold(self, frame: DataFrame) -> None:
        """Hold a frame back."""
        self._held.append(frame)
        self._measure(len(frame.data) + _FRAME_BYTES)

    def take(self) -> DataFrame:
        """Return the oldest frame that was held back."""
        frame = self._held.popleft()
        self._measure(-len(frame.data) - _FRAME_BYTES)
        return frame

    async def wait_until_free(self) -> bool:
        """Wait until its next frame may go on; return False if the client is lost."""
        while not self._is_free:
            await self._has_room.wait()
            if not await self.socket.drain():
                return False
        return True

    async def wait_for_space(self) -> None:
        """Wait until more may be read from it."""
        await self._has_space.wait()

    def forget(self) -> None:
        """Let nobody wait any more: its connection has ended."""
        self._held.clear()
        self._has_room.set()
        self._has_space.set()

    @property
    def _is_free(self) -> bool:
        return self._has_room.is_set() and not self.socket.is_congested

    def _measure(self, change: int) -> None:
        self._held_bytes += change
        if self._held_bytes < MAX_HELD_BYTES:
            self._has_space.set()
        else:
            self._has_space.clear()
