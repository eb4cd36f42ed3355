"""Who is subscribed to what over one connection, and whether it is alive."""

import asyncio
from collections.abc import Callable

from wspubsub.client.callbacks import call_back
from wspubsub.client.errors import ClientError, DisconnectedError
from wspubsub.client.feed import Feed, FeedOptions
from wspubsub.client.pulse import TICK_SECONDS, Pulse
from wspubsub.client.reading import Reading
from wspubsub.client.sdk import ConnectionListener, Sdk
from wspubsub.client.tasks import Tasks
from wspubsub.client.timing import REAL, Timing
from wspubsub.client.values import ConnectionState
from wspubsub.errors import UsageError, shorten
from wspubsub.log.rules import Position

OnState = Callable[[ConnectionState], object]
"""Is told each change of the connection's state, at once; it must not wait."""

CHECKS_AT_ONCE = 8
"""How many positions are asked for side by side."""

PING_METHOD = "wspubsub.ping"
"""A method that nobody has: its refusal is a sign of life."""


class Hub:
    """Opens and closes the feeds of one connection, and checks on them.

    Args:
        make_sdk: Makes the SDK that reports to this.
        on_state: Is told each state.
        timing: Where it has its time from.

    Attributes:
        sdk: The SDK.
        state: Whether there is a connection.
        error: Why the last attempt failed, if one did.
    """

    def __init__(
        self,
        make_sdk: Callable[[ConnectionListener], Sdk],
        *,
        on_state: OnState | None = None,
        timing: Timing = REAL,
    ) -> None:
        self.sdk = make_sdk(self)
        self.state = ConnectionState(name="disconnected", reason="not connected yet")
        self.error: Exception | None = None
        self._on_state = on_state
        self._timing = timing
        self._changed = asyncio.Event()
        self._tasks = Tasks()
        self._readings: dict[str, Reading] = {}
        self._feeds: dict[str, Feed] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_open = False

    async def open(self) -> None:
        """Connect, and wait until there is a connection.

        Raises:
            DisconnectedError: The server refused it.
            UsageError: It was open before.
        """
        if self._loop is not None:
            raise UsageError("this client has been used already; make another one")
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        self._tasks.spawn(self.sdk.connect())
        while self.state.name != "connected":
            self._changed.clear()
            await self._changed.wait()
            self._require_open()
        self._tasks.spawn(self._watch())

    async def close(self) -> None:
        """Disconnect; loops over subscriptions end, and no task is left."""
        self._is_open = False
        for feed in self._feeds.values():
            feed.end()
        await self._tasks.close()
        # Disconnected, subscriptions end without a message for each of them.
        await self.sdk.close()
        for reading in [*self._readings.values()]:
            await reading.close()

    async def open_feed(self, reading: Reading, since: Position | None) -> Feed:
        """Subscribe, and return what comes; a reading calls this."""
        topic = reading.topic
        other = self._readings.get(topic)
        if other is not None:
            await other.close_if_left()
        if topic in self._readings:
            raise UsageError(
                f"the client is subscribed to {shorten(topic)} already; "
                "close that subscription first"
            )
        self._require_open()
        feed = Feed(self.sdk, topic, since, reading.options, self._timing)
        self._readings[topic], self._feeds[topic] = reading, feed
        try:
            await self._begin(feed, reading.options)
        except BaseException:
            await self.close_feed(feed)
            raise
        return feed

    async def close_feed(self, feed: Feed) -> None:
        """Unsubscribe; a reading calls this."""
        try:
            await feed.close()
            await self.sdk.unsubscribe(feed.topic)
        finally:
            # Until now, whoever wants to open the topic again has to wait.
            del self._readings[feed.topic], self._feeds[feed.topic]

    def close_feed_soon(self, reading: Reading) -> None:
        """Unsubscribe unless somebody iterates again; a reading calls this."""
        if self._loop is not None and self._is_open:
            # Python may let go of a loop's iterator in any thread.
            self._loop.call_soon_threadsafe(self._close_left, reading)

    def on_state(self, state: ConnectionState) -> None:
        """Take note of the connection's state; the SDK calls this."""
        self.state = state
        self._changed.set()
        if state.name == "disconnected":
            error = DisconnectedError(state.code, state.reason)
            for feed in self._feeds.values():
                feed.end(error)
        if self._on_state is not None:
            call_back(self._on_state, state)

    def on_error(self, error: Exception) -> None:
        """Take note of why there is no connection yet; the SDK calls this."""
        self.error = error

    async def _begin(self, feed: Feed, options: FeedOptions) -> None:
        if options.is_server_side:
            await self.sdk.listen(feed.topic, feed)
        else:
            await self.sdk.subscribe(
                feed.topic, feed, data=options.data, get_token=options.get_token
            )

    def _close_left(self, reading: Reading) -> None:
        if self._is_open:
            self._tasks.spawn(reading.close_if_left())

    def _require_open(self) -> None:
        if not self._is_open:
            raise DisconnectedError(0, "the client is closed")
        if self.state.name == "disconnected":
            raise DisconnectedError(self.state.code, self.state.reason)

    async def _watch(self) -> None:
        """Check positions again and again, and reconnect if nobody answers."""
        pulse = Pulse(self._timing.wall_clock())
        while True:
            await self._timing.sleep(TICK_SECONDS)
            if pulse.tick(self._timing.wall_clock()):
                await self._check(pulse)

    async def _check(self, pulse: Pulse) -> None:
        while self.state.name == "connected":
            if await self._is_answered():
                pulse.note_answer()
                return
            if pulse.count_silence():
                await self.sdk.reconnect()
                return

    async def _is_answered(self) -> bool:
        """Ask for all positions, and return whether there was any answer."""
        feeds = [each for each in self._feeds.values() if each.has_position]
        if not feeds:
            return await self._ping()
        gate = asyncio.Semaphore(CHECKS_AT_ONCE)

        async def check(feed: Feed) -> bool:
            async with gate:
                return await feed.check()

        return any(await asyncio.gather(*map(check, feeds)))

    async def _ping(self) -> bool:
        try:
            await self.sdk.rpc(PING_METHOD, None)
        except TimeoutError:
            return False
        except ClientError:
            pass
        return True
