"""The port over the Management API, on top of single attempts that cost no time.

Attempts, answers and waiting are the subclass's; here is what all of them mean: which
answers are tried again, until when, and which error or outcome comes out.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from wspubsub.backoff import CAP_SECONDS, full_jitter
from wspubsub.connections import ConnectionInfo, Outcome, PostOutcome
from wspubsub.errors import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    ThrottledError,
)
from wspubsub.testing.faults import FORBIDDEN, GONE, THROTTLED, Faults

TIMEOUT_SECONDS = 10.0
"""How long a call without a deadline goes on trying."""

_SERVER_ERROR = 500
_SUCCESS = range(200, 300)


class Answer(NamedTuple):
    """What one attempt was answered with.

    Attributes:
        status: HTTP status.
        code: AWS error code, empty if there is none.
        body: Body.
    """

    status: int
    code: str = ""
    body: bytes = b""

    @property
    def is_worth_a_retry(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == THROTTLED or self.status >= _SERVER_ERROR

    @property
    def reason(self) -> str:
        """The answer in words."""
        return f"{self.status} {self.code}".rstrip()


class AttemptedConnections(ABC):
    """Implements `Connections`; waiting for the next attempt takes no real time.

    Args:
        faults: Failures that tests ask for.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def throttle(self, connection_id: str, *, times: int | None = 1) -> None:
        """Answer the next requests for a connection with 429.

        Args:
            connection_id: The connection.
            times: How many requests; None for all that follow.
        """
        self._faults.add(connection_id, THROTTLED, times)

    def fail(
        self, connection_id: str, *, status: int = 500, times: int | None = 1
    ) -> None:
        """Answer the next requests for a connection with an error.

        Args:
            connection_id: The connection.
            status: HTTP status of the answer.
            times: How many requests; None for all that follow.
        """
        self._faults.add(connection_id, status, times)

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """See `Connections.post`."""
        answer = self._answered("POST", connection_id, data, deadline)
        _check(answer, connection_id)

    def post_many(
        self, connection_ids: Iterable[str], data: bytes, *, deadline: float
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        budget = _Budget(self, deadline)
        left: list[tuple[str, Answer]] = []
        for connection_id in connection_ids:
            if budget.is_spent():
                yield PostOutcome(connection_id, Outcome.DEFERRED)
                continue
            answer = self._attempt("POST", connection_id, data)
            if answer.is_worth_a_retry:
                left.append((connection_id, answer))
            else:
                yield _outcome(connection_id, answer)
        while left and budget.waits():
            tried = [(id_, self._attempt("POST", id_, data)) for id_, _ in left]
            left = [each for each in tried if each[1].is_worth_a_retry]
            done = [each for each in tried if not each[1].is_worth_a_retry]
            yield from (_outcome(*each) for each in done)
        yield from (_outcome(*each) for each in left)

    def get(self, connection_id: str) -> ConnectionInfo:
        """See `Connections.get`."""
        answer = self._answered("GET", connection_id, b"", None)
        _check(answer, connection_id)
        found = json.loads(answer.body)
        return ConnectionInfo(
            connected_at=datetime.fromisoformat(found["connectedAt"]).timestamp(),
            last_active_at=datetime.fromisoformat(found["lastActiveAt"]).timestamp(),
            source_ip=found["identity"]["sourceIp"],
            user_agent=found["identity"]["userAgent"],
        )

    def close(self, connection_id: str) -> None:
        """See `Connections.close`."""
        answer = self._answered("DELETE", connection_id, b"", None)
        _check(answer, connection_id)

    @abstractmethod
    def _attempt(self, method: str, connection_id: str, data: bytes) -> Answer:
        """Make one request, which fails if a fault is scripted."""

    @abstractmethod
    def _wait(self, seconds: float) -> None:
        """Let so much time pass, without sleeping."""

    def _answered(
        self, method: str, connection_id: str, data: bytes, deadline: float | None
    ) -> Answer:
        budget = _Budget(self, deadline)
        answer = self._attempt(method, connection_id, data)
        while answer.is_worth_a_retry and budget.waits():
            answer = self._attempt(method, connection_id, data)
        return answer


class _Budget:
    """The time of one call: the real time that passes, and what it has waited."""

    __slots__ = ("_connections", "_delays", "_until", "_waited")

    def __init__(
        self, connections: AttemptedConnections, deadline: float | None
    ) -> None:
        self._connections = connections
        # Always the longest delay, so that a test sees the same each time.
        self._delays = full_jitter(lambda: 1.0, cap_seconds=CAP_SECONDS)
        self._until = (
            time.monotonic() + TIMEOUT_SECONDS if deadline is None else deadline
        )
        self._waited = 0.0

    def is_spent(self) -> bool:
        return self._left() <= 0

    def waits(self) -> bool:
        """Wait until the next attempt; False if it would come after the deadline."""
        delay = next(self._delays)
        if delay >= self._left():
            return False
        self._waited += delay
        self._connections._wait(delay)  # noqa: SLF001 - same module
        return True

    def _left(self) -> float:
        return self._until - time.monotonic() - self._waited


def _outcome(connection_id: str, answer: Answer) -> PostOutcome:
    if answer.status == FORBIDDEN:
        _check(answer, connection_id)
    if answer.status in _SUCCESS:
        return PostOutcome(connection_id, Outcome.DELIVERED)
    outcome = {GONE: Outcome.GONE, THROTTLED: Outcome.THROTTLED}.get(answer.status)
    return PostOutcome(connection_id, outcome or Outcome.FAILED, answer.reason)


def _check(answer: Answer, connection_id: str) -> None:
    if answer.status in _SUCCESS:
        return
    if answer.status == GONE:
        raise ConnectionGoneError(connection_id)
    text = f"connection {connection_id}: the Management API answered {answer.reason}"
    error = {FORBIDDEN: AccessDeniedError, THROTTLED: ThrottledError}.get(
        answer.status, ManagementError
    )
    raise error(text, status=answer.status, code=answer.code or None)
