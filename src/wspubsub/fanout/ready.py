"""Code that must send to a connection that has just been established.

Inside `$connect` there is no connection yet: API Gateway answers 410 until the
handler has returned and the handshake is done. Two moments after it are known: the
table's stream brings the connection's item, and the client sends its first message.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from wspubsub.connections import Connections
from wspubsub.errors import ConnectionGoneError, UsageError
from wspubsub.events import Connection, Event, MessageEvent
from wspubsub.pipeline import CallNext
from wspubsub.subscriptions import ReadyStore, SubscriptionStore

log = logging.getLogger("wspubsub")

OnReady = Callable[[Connection], Any]
"""What is called with a connection that can be posted to."""

PATIENCE_SECONDS = 3.0
"""How long a handshake may take after `$connect` has been handled."""

_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 0.05, 0.5
_REMEMBERED = 10_000


class Readiness:
    """Calls a function for a connection when it can be posted to.

    Args:
        on_ready: Called with the connection.
        connections: Knows which connections are established.
        clock: Monotonic clock in seconds.
        sleep: Waits before API Gateway is asked again.
    """

    def __init__(
        self,
        on_ready: OnReady,
        connections: Connections,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._on_ready = on_ready
        self._connections = connections
        self._clock = clock
        self._sleep = sleep

    def recorded(self, connection: Connection) -> None:
        """Call the function for a connection that is recorded and comes up."""
        if self._is_established(connection.id):
            self._on_ready(connection)
        else:
            log.debug("connection %s never came up, or has left", connection.id)

    def _is_established(self, connection_id: str) -> bool:
        until = self._clock() + PATIENCE_SECONDS
        delay = _FIRST_DELAY_SECONDS
        while True:
            try:
                self._connections.get(connection_id)
            except ConnectionGoneError:
                if self._clock() + delay >= until:
                    return False
                self._sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
            else:
                return True


class FirstMessage:
    """Middleware that calls a function before a connection's first message.

    It needs no stream; register it with `router.middleware`. It costs one read and one
    write for a connection's first message in each Lambda environment. If the function
    fails, so does the message, and the next one calls it again.

    Args:
        on_ready: Called with the connection, once.
        store: Where the connection is recorded.
    """

    def __init__(self, on_ready: OnReady, store: SubscriptionStore) -> None:
        self._on_ready = on_ready
        self._store = ready_store(store)
        self._lock = Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __call__(self, event: Event, call_next: CallNext) -> Any:  # noqa: ANN401 - as the handler returns
        """Handle an event, as middleware does."""
        if isinstance(event, MessageEvent) and self._is_new(event.connection_id):
            connection = self._store.connection(event.connection_id)
            if connection is not None and self._store.mark_ready(connection.id):
                self._greet(connection)
        return call_next(event)

    def _greet(self, connection: Connection) -> None:
        try:
            self._on_ready(connection)
        except BaseException:
            with self._lock:
                self._seen.pop(connection.id, None)
            self._store.unmark_ready(connection.id)
            raise

    def _is_new(self, connection_id: str) -> bool:
        with self._lock:
            if connection_id in self._seen:
                return False
            self._seen[connection_id] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True


def ready_store(store: SubscriptionStore) -> ReadyStore:
    """Return a store as one that remembers which connections were greeted.

    Raises:
        UsageError: It does not.
    """
    if not hasattr(store, "mark_ready"):
        raise UsageError(
            f"{type(store).__name__} cannot remember who was greeted; use "
            "DynamoDBSubscriptionStore, or add ReadyStore's methods"
        )
    found: ReadyStore = store  # type: ignore[assignment] # looked at just before
    return found
