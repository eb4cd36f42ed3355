"""A subscription as the application has it: something to iterate."""

import contextlib
from collections.abc import AsyncIterator
from typing import Self

from wspubsub.client.reading import Reading
from wspubsub.client.values import Message
from wspubsub.log.rules import Position
from wspubsub.messages import Json


class Subscription:
    """The messages of a topic: each of them once and in order, or `MessagesLostError`.

    Iterate it, as often as you like:

    - `async for message in client.subscribe("room:1")` subscribes, and unsubscribes
      where the loop ends: by `break`, an exception or cancellation.
    - `async with client.subscribe("room:1") as room` subscribes, waits until the client
      is in, and unsubscribes at the end of the block. Loops within it may end and
      begin again.

    A later loop goes on where the last one stopped; of a topic with history it misses
    nothing. The loop ends when the client or the subscription is closed.

    Attributes:
        topic: The topic.
    """

    def __init__(self, reading: Reading) -> None:
        self.topic = reading.topic
        self._reading = reading

    @property
    def data(self) -> Json:
        """What the subscribe rule returned, such as the topic's initial state."""
        feed = self._reading.feed
        return None if feed is None else feed.data

    @property
    def position(self) -> Position | None:
        """Position of the last message that was taken, for `since` of a later one."""
        return self._reading.position

    async def __aenter__(self) -> Self:
        """Subscribe, and wait until the client is in.

        Raises:
            UnsubscribedError: It is not let in.
            DisconnectedError: The client is disconnected for good.
        """
        await self._reading.enter()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Unsubscribe."""
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[Message]:
        """Iterate the messages.

        Raises:
            MessagesLostError: Some are lost, and `on_lost` was not given.
            UnsubscribedError: The server ended the subscription.
            DisconnectedError: The client is disconnected for good.
            UsageError: Another task iterates this subscription, or the client is
                subscribed to this topic already.
        """
        return _Messages(self._reading)

    async def aclose(self) -> None:
        """Unsubscribe; a loop that waits ends, and a later one goes on from here."""
        await self._reading.close()


class _Messages(AsyncIterator[Message]):
    """One loop over a subscription."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def __anext__(self) -> Message:
        message = None
        try:
            message = await self._reading.take(self)
        finally:
            if message is None:
                # A traceback would keep this iterator alive as long as it is kept.
                self._reading.leave(self)
        if message is None:
            raise StopAsyncIteration
        return message

    def __del__(self) -> None:
        # Python drops a loop's iterator where the loop ends.
        with contextlib.suppress(RuntimeError):  # the event loop is closed
            self._reading.leave(self)
