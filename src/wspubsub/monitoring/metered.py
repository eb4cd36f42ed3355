"""Connections that count what becomes of each post."""

from collections.abc import Callable, Iterable, Iterator

from wspubsub.connections import ConnectionInfo, Connections, Outcome, PostOutcome
from wspubsub.errors import ConnectionGoneError, ThrottledError, WspubsubError
from wspubsub.monitoring.emf import Counts


class MeteredConnections:
    """`Connections` like others, whose posts are counted.

    Args:
        connections: The others.
        counts: Where they are counted.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self, connections: Connections, counts: Counts, clock: Callable[[], float]
    ) -> None:
        self._connections = connections
        self._counts = counts
        self._clock = clock

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """Post a message to one connection."""
        began = self._clock()
        outcome = Outcome.FAILED
        try:
            self._connections.post(connection_id, data, deadline=deadline)
            outcome = Outcome.DELIVERED
        except WspubsubError as error:
            outcome = _find_outcome(error)
            raise
        finally:
            self._counts.add({outcome: 1}, seconds=self._clock() - began)

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """Post a message to many connections and yield what became of each."""
        began = self._clock()
        outcomes: dict[Outcome, int] = {}
        try:
            for each in self._connections.post_many(
                connection_ids,
                data,
                deadline=deadline,
                patience_seconds=patience_seconds,
            ):
                outcomes[each.outcome] = outcomes.get(each.outcome, 0) + 1
                yield each
        finally:
            self._counts.add(outcomes, seconds=self._clock() - began)

    def get(self, connection_id: str) -> ConnectionInfo:
        """Return what API Gateway knows about a connection."""
        return self._connections.get(connection_id)

    def close(self, connection_id: str) -> None:
        """Close a connection."""
        self._connections.close(connection_id)


def _find_outcome(error: WspubsubError) -> Outcome:
    if isinstance(error, ConnectionGoneError):
        return Outcome.GONE
    if isinstance(error, ThrottledError):
        return Outcome.THROTTLED
    return Outcome.FAILED
