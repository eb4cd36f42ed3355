"""The connections to one server: idle ones to use again, and new ones."""

import time
import weakref
from collections.abc import Callable
from contextlib import suppress

from wspubsub.engine.channel import Address, Channel, Endpoint, Resumable
from wspubsub.engine.resolver import Resolver

IDLE_SECONDS = 45.0
"""A connection that was idle for longer is not trusted: AWS's load balancers close idle
ones after about a minute."""

SESSION_SECONDS = 60.0
"""How long the same TLS session is resumed before a newer one is."""

_NEVER = float("-inf")


class ChannelPool:
    """Keeps idle connections of one endpoint.

    It is safe to use from several threads, and after a fork: a child process makes
    connections of its own. So nothing here waits for a lock, which a thread of the
    parent could have held.

    Args:
        endpoint: Where they go to.
        max_idle: How many are kept.
        resolve_seconds: Longest time to wait for the addresses of a name.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        max_idle: int = 256,
        resolve_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._max_idle = max_idle
        self._clock = clock
        self._resolver = Resolver(
            endpoint.host, endpoint.port, seconds=resolve_seconds, clock=clock
        )
        self._idle: list[Channel] = []
        # When connecting to an address last failed.
        self._failed_at: dict[Address, float] = {}
        self._resumable: Resumable | None = None
        self._resumable_since = 0.0
        # Idle sockets are closed when the pool goes, not whenever they are collected.
        weakref.finalize(self, _close_all, self._idle)

    @property
    def has_idle(self) -> bool:
        """Whether there are idle connections, dead or alive."""
        return bool(self._idle)

    def take_idle(self) -> Channel | None:
        """Return a live idle connection, or None."""
        while True:
            try:
                channel = self._idle.pop()
            except IndexError:
                return None
            is_stale = self._clock() - channel.idle_since > IDLE_SECONDS
            if not (is_stale or channel.is_inherited or channel.is_dead()):
                channel.is_reused = True
                return channel
            channel.close()

    def open(self, patience: float) -> Channel:
        """Return a connection that is being opened.

        Args:
            patience: Longest time to wait for the addresses of the name, in seconds.

        Raises:
            OSError: The name has no address, or no connection can be begun.
        """
        addresses = self._resolver.addresses(patience)
        # Those that never failed come first, in the order of the resolver.
        *others, last = sorted(addresses, key=self._last_failure)
        for address in others:
            with suppress(OSError):
                return self._open(address)
        return self._open(last)

    def give_back(self, channel: Channel) -> None:
        """Keep a connection whose answer has been read."""
        self._failed_at.pop(channel.address, None)
        if len(self._idle) >= self._max_idle:
            channel.close()
            return
        channel.idle_since = self._clock()
        self._idle.append(channel)

    def remember(self, channel: Channel) -> None:
        """Let the next connections resume the TLS session of one that has an answer."""
        if channel.context is None:
            return
        now = self._clock()
        is_known = self._resumable and self._resumable[0] is channel.context
        # To take a session costs a fifth of a handshake.
        if not is_known or now - self._resumable_since >= SESSION_SECONDS:
            self._resumable, self._resumable_since = channel.resumable, now

    def close_idle_since(self, instant: float) -> None:
        """Close the connections that have answered nothing since an instant.

        Where one turned out to be dead, though nobody closed it, they are too.
        """
        for channel in list(self._idle):
            if channel.idle_since <= instant:
                with suppress(ValueError):  # another thread has taken it
                    self._idle.remove(channel)
                    channel.close()

    def trusts_more(self, channel: Channel) -> bool:
        """Trust all roots, and return whether that is more than a channel did."""
        trust, context = self._endpoint.trust, channel.context
        return trust is not None and context is not None and trust.widen(context)

    def connecting_failed(self, channel: Channel) -> int:
        """Prefer other addresses from now on; return how many addresses there are."""
        self._failed_at[channel.address] = self._clock()
        self._resumable = None
        return self._resolver.count

    def _open(self, address: Address) -> Channel:
        try:
            return Channel(self._endpoint, address, self._resumable)
        except OSError:
            self._failed_at[address] = self._clock()
            raise

    def _last_failure(self, address: Address) -> float:
        return self._failed_at.get(address, _NEVER)


def _close_all(channels: list[Channel]) -> None:
    while channels:
        channels.pop().close()
