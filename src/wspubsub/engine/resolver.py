"""Looking up a name's addresses, within a time that the caller sets."""

import os
import socket
import threading
import time
from collections.abc import Callable

from wspubsub.engine.channel import Address

FRESH_SECONDS = 30.0
"""How long addresses are used without another lookup."""

_MAX_LOOKUPS = 4
"""How many unanswered lookups may be in progress at once."""


class Resolver:
    """The addresses of one host; safe to use from several threads and after a fork.

    `socket.getaddrinfo` has no timeout, so it runs in a thread that nobody has to wait
    for. A lookup that got no answer in time is still welcome when it ends. Addresses
    that are known stay in use while their name cannot be looked up (RFC 8767).

    Args:
        host: Name or address.
        port: TCP port.
        seconds: Longest time to wait for a lookup.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._port = port
        self._seconds = seconds
        self._clock = clock
        self._found: list[Address] = []
        self._fresh_until = clock()
        self._lookups: list[_Lookup] = []

    @property
    def count(self) -> int:
        """How many addresses are known."""
        return len(self._found)

    def addresses(self, patience: float) -> list[Address]:
        """Return the addresses, in the order in which to try them.

        Args:
            patience: Longest time to wait, in seconds.

        Raises:
            OSError: The name has no address, or none was found in time.
        """
        if self._found and self._clock() < self._fresh_until:
            return self._found
        lookup = self._lookup()
        lookup.ended.wait(min(max(0.0, patience), lookup.remaining()))
        late = self._collect()
        found = lookup.found or late
        if found:
            self._found = found
        elif not self._found:
            reason = lookup.error or "no answer in time"
            raise OSError(f"cannot resolve {self._host}: {reason}")
        self._fresh_until = self._clock() + FRESH_SECONDS
        return self._found

    def _lookup(self) -> "_Lookup":
        """Return a lookup that can be waited for."""
        # Threads do not survive a fork.
        mine = [each for each in self._lookups if each.process == os.getpid()]
        if not mine or (mine[-1].remaining() <= 0 and len(mine) < _MAX_LOOKUPS):
            mine.append(_Lookup(self._host, self._port, self._seconds))
        self._lookups = mine
        return mine[-1]

    def _collect(self) -> list[Address]:
        """Forget the lookups that have ended, and return what the newest one found."""
        ended = [each for each in self._lookups if each.ended.is_set()]
        self._lookups = [each for each in self._lookups if each not in ended]
        return next((each.found for each in reversed(ended) if each.found), [])


class _Lookup:
    """One call of `socket.getaddrinfo`, in a thread of its own."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self.process = os.getpid()
        self.ended = threading.Event()
        self.found: list[Address] = []
        self.error = ""
        self._target = host, port
        self._waited_for_until = time.monotonic() + seconds
        try:
            threading.Thread(target=self._run, name="wspubsub-dns", daemon=True).start()
        except RuntimeError as error:  # too many threads
            self._end(error)

    def remaining(self) -> float:
        """Return how long it may still be waited for, in seconds."""
        return max(0.0, self._waited_for_until - time.monotonic())

    def _run(self) -> None:
        host, port = self._target
        try:
            # As bytes, the name needs no codec that would have to be loaded.
            name = host.encode("ascii")
            self.found += socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            self._end(error)
        else:
            self.ended.set()

    def _end(self, error: Exception) -> None:
        self.error = str(error)
        self.ended.set()
