"""The connections to one server: idle ones to use again, and new ones."""

import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable

from wspubsub.aws.http_channel import Address, Channel, Endpoint

IDLE_SECONDS = 45.0
"""A connection that was idle for longer is not trusted. Load balancers of AWS close
idle ones after about a minute."""

DNS_SECONDS = 30.0
"""How long addresses are kept."""


class ChannelPool:
    """Keeps idle connections of one endpoint; safe to use from several threads.

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
        self._resolve_seconds = resolve_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[Channel] = []
        self._addresses: list[Address] = []
        self._resolved_at = -DNS_SECONDS
        self._failures = 0
        self._session: ssl.SSLSession | None = None
        # Idle sockets are closed when the pool goes, not whenever they are collected.
        weakref.finalize(self, _close_all, self._idle)

    def take_idle(self) -> Channel | None:
        """Return a live idle connection; None if there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                channel = self._idle.pop()
            is_stale = self._clock() - channel.idle_since > IDLE_SECONDS
            if not is_stale and not channel.is_dead():
                channel.is_reused = True
                return channel
            channel.close()

    def open(self) -> Channel:
        """Return a connection that is being made.

        Raises:
            OSError: The name has no address, or no connection can be begun.
        """
        addresses = self._resolved()
        address = addresses[self._failures % len(addresses)]
        return Channel(self._endpoint, address, self._session)

    def give_back(self, channel: Channel) -> None:
        """Keep a connection whose answer has been read."""
        if self._session is None and self._endpoint.trust is not None:
            self._session = channel.session
        channel.idle_since = self._clock()
        with self._lock:
            if len(self._idle) < self._max_idle:
                self._idle.append(channel)
                return
        channel.close()

    def trusts_more(self, channel: Channel) -> bool:
        """Trust all there is, and return whether that is more than a channel did."""
        trust, context = self._endpoint.trust, channel.context
        return trust is not None and context is not None and trust.widen(context)

    def connecting_failed(self) -> None:
        """Try the next address, and without resuming a session."""
        self._failures += 1
        self._session = None

    def _resolved(self) -> list[Address]:
        if self._clock() - self._resolved_at >= DNS_SECONDS:
            self._addresses = _resolve(self._endpoint, self._resolve_seconds)
            self._resolved_at = self._clock()
        return self._addresses


def _close_all(channels: list[Channel]) -> None:
    while channels:
        channels.pop().close()


def _resolve(endpoint: Endpoint, seconds: float) -> list[Address]:
    # The resolver has no time-out of its own, so it works aside.
    found: list[Address] = []
    errors: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend(
                # As bytes, the name needs no codec that would have to be loaded.
                socket.getaddrinfo(
                    endpoint.host.encode("ascii"),
                    endpoint.port,
                    type=socket.SOCK_STREAM,
                )
            )
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=look_up, name="wspubsub-dns", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        reason = errors[0] if errors else f"no answer within {seconds} s"
        raise OSError(f"cannot resolve {endpoint.host}: {reason}")
    return found
