"""How a message reaches a connection: the port over the Management API.

`tests/contracts/test_connections.py` is the contract that every implementation keeps.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple, Protocol

from wspubsub.records import Record

CALL_SECONDS = 10.0
"""How long a single call is retried if it is given no deadline."""


class Outcome(Enum):
    """What became of a post to one connection."""

    DELIVERED = "delivered"
    """API Gateway accepted it (200). The client has not necessarily received it yet."""
    GONE = "gone"
    """The connection is closed or never existed (410); the only outcome to prune."""
    THROTTLED = "throttled"
    """Answered with 429 each time, since the client reads too slowly or the account's
    rate is used up."""
    FAILED = "failed"
    """Another error, each time where a retry made sense, or no answer. The message may
    have arrived if the answer was lost."""
    DEFERRED = "deferred"
    """Not tried, because the deadline had passed."""


class PostOutcome(NamedTuple):
    """What became of a post to one connection, and why."""

    connection_id: str
    outcome: Outcome
    reason: str = ""


class ConnectionInfo(Record):
    """What API Gateway knows about a connection.

    Attributes:
        connected_at: Seconds since the epoch.
        last_active_at: Seconds since the epoch.
        source_ip: The client's address as API Gateway saw it.
        user_agent: What the client called itself, None if it did not.
    """

    connected_at: float
    last_active_at: float
    source_ip: str
    user_agent: str | None


class Connections(Protocol):
    """Posts to connections, asks about them, and closes them.

    A throttled call, a 5xx answer, a timeout and a broken socket are tried again with
    back-off: until the deadline, which is an instant of `time.monotonic()`, if nobody
    gets through; for two seconds if others do, since the trouble is then that
    connection's own.
    """

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """Post a message of at most 131,072 bytes to one connection.

        Raises:
            ConnectionGoneError: The connection is closed or never existed.
            ThrottledError: The answer was 429 until the deadline.
            AccessDeniedError: The permission or the endpoint is wrong.
            ManagementError: Anything else went wrong until the deadline.
        """
        ...

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """Post a message to many connections and yield what became of each.

        IDs are taken as there is room to post to them; exactly one outcome is yielded
        for each, in any order. Those that fail are tried again when all have been
        tried. Once the deadline has passed, what is left comes out as deferred.

        Args:
            connection_ids: Connections to post to.
            data: At most 131,072 bytes.
            deadline: Instant of `time.monotonic()` at which all ends.
            patience_seconds: How long those that fail are tried again once all have
                been tried. None for two seconds after the last success, and until the
                deadline if nobody gets through.

        Raises:
            AccessDeniedError: The permission or the endpoint is wrong; no further
                post can succeed.
        """
        ...

    def get(self, connection_id: str) -> ConnectionInfo:
        """Return what API Gateway knows about a connection.

        Raises:
            ConnectionGoneError: The connection is closed or never existed.
            ManagementError: Anything else went wrong.
        """
        ...

    def close(self, connection_id: str) -> None:
        """Close a connection; API Gateway chooses the close code (1000).

        Raises:
            ConnectionGoneError: The connection is closed already or never existed.
            ManagementError: Anything else went wrong.
        """
        ...
