"""The connections of one run: which are free, and what is waited for."""

import selectors

from wspubsub.engine.channel import Channel
from wspubsub.engine.pool import ChannelPool


class Channels:
    """Connections that a run has taken from a pool, until it returns them.

    Args:
        pool: The pool.
        most: How many free ones are kept.

    Attributes:
        free: Those whose answer was read a moment ago; they stay registered.

    Raises:
        OSError: Too many files are open.
    """

    def __init__(self, pool: ChannelPool, most: int) -> None:
        self._pool = pool
        self._most = most
        self._selector = selectors.DefaultSelector()
        self.free: list[Channel] = []

    def take(self) -> Channel | None:
        """Return a connection that can be used again, or None."""
        while self.free:
            channel = self.free.pop()
            if not channel.is_dead():
                return channel
            self.drop(channel)
        return self._pool.take_idle()

    def watch(self, channel: Channel) -> None:
        """Wait for what a connection waits for now.

        Raises:
            OSError: The system cannot watch any more.
        """
        if channel.watched_for:
            self._selector.modify(channel, channel.interest, channel)
        else:
            self._selector.register(channel, channel.interest, channel)
        channel.watched_for = channel.interest

    def wait(self, patience: float) -> list[Channel]:
        """Return the connections that are ready, after `patience` seconds at most."""
        return [key.data for key, _ in self._selector.select(patience)]

    def release(self, channel: Channel, *, keeps_alive: bool) -> None:
        """Take back a connection whose answer has been read."""
        if not channel.is_reused:
            self._pool.remember(channel)
        if keeps_alive and len(self.free) < self._most:
            channel.is_reused = True
            self.free.append(channel)
        else:
            self.drop(channel)

    def drop_free(self, channel: Channel) -> None:
        """Close a free connection, on which nothing should have arrived."""
        self.free.remove(channel)
        self.drop(channel)

    def drop(self, channel: Channel) -> None:
        """Close a connection."""
        # A child process has this selector too, and must not alter it.
        if channel.watched_for and not channel.is_inherited:
            self._selector.unregister(channel)
        channel.close()

    def close(self) -> None:
        """Return the free ones to the pool."""
        for channel in self.free:
            channel.watched_for = 0
            self._pool.give_back(channel)
        # Closing the selector ends the registrations of those that live on.
        self._selector.close()
