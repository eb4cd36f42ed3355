"""Code that must send to a connection that has just been established.

Inside `$connect` there is no connection yet: API Gateway answers 410 until the
handler has returned and the handshake is done. Two moments after it are known: the
table's stream brings the connection's item, and the client sends its first message.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from wspubsub.connections import Connections
from wspubsub.errors import ConnectionGoneError, UsageError, WspubsubError
from wspubsub.events import Connection, Event, MessageEvent
from wspubsub.pipeline import CallNext
from wspubsub.responses import Response
from wspubsub.subscriptions.port import ReadyStore, SubscriptionStore

OnReady = Callable[[Connection], Any]
"""Called with a connection that can be posted to."""

Answers = dict[str, Exception | None]

PATIENCE_SECONDS = 3.0
"""How long a handshake may take after its connection was recorded."""

_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 0.05, 0.5
_MAX_THREADS = 8
_REMEMBERED = 10_000


class Readiness:
    """Calls a function for connections when they can be posted to.

    Args:
        on_ready: Called with the connection.
        connections: Knows which connections are established.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds.
        sleep: Waits before API Gateway is asked again.
    """

    def __init__(
        self,
        on_ready: OnReady,
        connections: Connections,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.on_ready = on_ready
        self._connections = connections
        self._now = now
        self._clock = clock
        self._sleep = sleep

    def ask(self, created_at: Mapping[str, float], patience_seconds: float) -> Answers:
        """Ask which connections are established, all at the same time.

        Args:
            created_at: When each connection was recorded, in seconds since the epoch.
            patience_seconds: Until this age of its record a connection is asked about
                again; each is asked about at least once.

        Returns:
            For each, what keeps it from being greeted, and None for nothing: a
            `ConnectionGoneError` if it is not there.
        """
        if not created_at:
            return {}
        # Not at the top: few batches have connections.
        from concurrent.futures import ThreadPoolExecutor

        begun, now = self._clock(), self._now()
        until = {
            # A clock that is behind must not make a record younger than new.
            id_: begun + patience_seconds - max(0.0, now - created)
            for id_, created in created_at.items()
        }
        with ThreadPoolExecutor(_MAX_THREADS, "wspubsub-ready") as pool:
            answers = dict(zip(until, pool.map(self.look, until), strict=True))
            delay = _FIRST_DELAY_SECONDS
            while waiting := self._waiting(answers, until, delay):
                self._sleep(delay)
                answers.update(zip(waiting, pool.map(self.look, waiting), strict=True))
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
        return answers

    def is_young(self, created_at: float) -> bool:
        """Return whether a connection recorded then may still be established."""
        return self._now() - created_at < PATIENCE_SECONDS

    def _waiting(
        self, answers: Answers, until: Mapping[str, float], delay: float
    ) -> list[str]:
        then = self._clock() + delay
        return [
            id_
            for id_, answer in answers.items()
            if isinstance(answer, ConnectionGoneError) and then < until[id_]
        ]

    def look(self, connection_id: str) -> Exception | None:
        """Ask about a connection, and return the error if it is not established."""
        try:
            self._connections.get(connection_id)
        except WspubsubError as error:
            return error
        return None


class FirstMessage:
    """Middleware that calls a function before a connection's first message.

    It needs no stream; register it with `router.middleware`. It costs one read and one
    write for a connection's first message in each Lambda environment. If the function
    or the store fails, so does the message, and the next one calls it again.

    Args:
        on_ready: Called with the connection, once.
        store: Where the connection is recorded.
    """

    def __init__(self, on_ready: OnReady, store: SubscriptionStore) -> None:
        self._on_ready = on_ready
        self._store = ready_store(store)
        self._lock = Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __call__(self, event: Event, call_next: CallNext) -> Response:
        """Handle an event, as middleware does."""
        if isinstance(event, MessageEvent) and self._is_new(event.connection_id):
            try:
                self._greet(event.connection_id)
            except BaseException:
                with self._lock:
                    self._seen.pop(event.connection_id, None)
                raise
        return call_next(event)

    def _greet(self, connection_id: str) -> None:
        connection = self._store.connection(connection_id)
        if connection is None or not self._store.mark_ready(connection.id):
            return
        try:
            self._on_ready(connection)
        except BaseException:
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
            f"{type(store).__name__} cannot remember which connections were "
            "greeted; use DynamoDBSubscriptionStore, or add ReadyStore's methods"
        )
    found: ReadyStore = store  # type: ignore[assignment] # looked at just before
    return found
