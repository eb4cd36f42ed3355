"""Reading a topic, with pauses: opened when somebody reads, closed when nobody does.

    closed ── take, enter ──> open ── close ──> closed
                               └── leave ──> left ── soon ──> closed
                                              └── take ──> open again

Each time that it is opened, it goes on behind the last message that was taken.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from wspubsub.client.callbacks import settle
from wspubsub.client.errors import MessagesLostError
from wspubsub.client.feed import Feed, FeedOptions
from wspubsub.client.steps import Lost
from wspubsub.client.values import Message
from wspubsub.errors import UsageError
from wspubsub.log.rules import Position

OnLost = Callable[[MessagesLostError], Awaitable[object] | object]
"""Is told what is lost, before the first message that comes after it."""


class Feeds(Protocol):
    """Opens and closes what is read."""

    async def open_feed(self, reading: "Reading", since: Position | None) -> Feed:
        """Subscribe, and return what comes."""

    async def close_feed(self, feed: Feed) -> None:
        """Unsubscribe, and leave no task behind."""

    def close_feed_soon(self, reading: "Reading") -> None:
        """Let it be closed, unless somebody takes from it before."""


class Reading:
    """Reads one topic.

    Args:
        feeds: Opens and closes what is read.
        topic: The topic.
        options: What the application wants.
        since: Position behind which it begins; None for where the topic stands.
        on_lost: Is told what is lost; None to raise it.

    Attributes:
        topic: The topic.
        options: What the application wants.
        feed: What is read; None while it is closed.
    """

    def __init__(
        self,
        feeds: Feeds,
        topic: str,
        options: FeedOptions,
        *,
        since: Position | None = None,
        on_lost: OnLost | None = None,
    ) -> None:
        self.topic = topic
        self.options = options
        self.feed: Feed | None = None
        self._feeds = feeds
        self._since = since
        self._on_lost = on_lost
        self._lock = asyncio.Lock()
        self._is_entered = False
        self._is_left = False
        self._is_taken = False
        self._reader = 0

    @property
    def position(self) -> Position | None:
        """Position of the last message that was taken."""
        return self._since if self.feed is None else self.feed.resume

    async def enter(self) -> None:
        """Open it until it is closed, and wait until the client is in."""
        self._is_entered = True
        try:
            await asyncio.shield((await self._open()).ready)
        except BaseException:
            await self.close()
            raise

    async def take(self, reader: object) -> Message | None:
        """Return the next message for a loop; None at the end."""
        if self._is_taken:
            raise UsageError("a subscription can be iterated by one task at a time")
        self._is_taken, self._reader = True, id(reader)
        try:
            return await self._take()
        finally:
            self._is_taken = False

    def leave(self, reader: object) -> None:
        """Take note that a loop has ended; outside a block, nobody needs this then."""
        is_last = self._reader == id(reader)
        if is_last and self.feed is not None and not self._is_entered:
            self._is_left = True
            self._feeds.close_feed_soon(self)

    async def close(self) -> None:
        """Unsubscribe."""
        async with self._lock:
            await self._close()
            self._is_entered = False

    async def close_if_left(self) -> None:
        """Unsubscribe, unless a loop has begun again."""
        async with self._lock:
            if self._is_left:
                await self._close()

    async def _take(self) -> Message | None:
        feed = self.feed
        if feed is None or self._is_left:
            feed = await self._open()
        while isinstance(item := await feed.take(), Lost):
            error = MessagesLostError(self.topic, *item)
            if self._on_lost is None:
                raise error
            await settle(self._on_lost(error))
        return item

    async def _open(self) -> Feed:
        async with self._lock:
            if self._is_left:
                await self._close()
            if self.feed is None:
                self.feed = await self._feeds.open_feed(self, self._since)
            return self.feed

    async def _close(self) -> None:
        self._is_left = False
        feed, self.feed = self.feed, None
        if feed is not None:
            self._since = feed.resume
            await self._feeds.close_feed(feed)
