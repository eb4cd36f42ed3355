"""The port over the Management API, on top of single attempts that cost no time.

Attempts, answers and waiting are the subclass's; here is what all of them mean: which
answers are tried again, and which error or outcome comes out. When and until when they
are tried is decided by what decides it on AWS, a `Schedule`.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from wspubsub.aws.choice import READ_SECONDS
from wspubsub.aws.failures import outcome_of
from wspubsub.aws.meanings import Meaning, meaning_of
from wspubsub.connections import CALL_SECONDS, ConnectionInfo, Outcome, PostOutcome
from wspubsub.engine.schedule import Attempt, Progress, Schedule
from wspubsub.errors import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    ThrottledError,
)
from wspubsub.faults import Action, Faults, Match, Rule, Service
from wspubsub.testing.faults import SILENT

MAX_IN_FLIGHT = 128
"""How many posts may be without an answer at the same time."""

_MOMENT_SECONDS = 1e-6
_ERRORS = {Meaning.DENIED: AccessDeniedError, Meaning.THROTTLED: ThrottledError}
_SUCCESS = range(200, 300)


class Answer(NamedTuple):
    """The answer to one attempt.

    Attributes:
        status: HTTP status; `SILENT` if there is no answer.
        code: AWS error code; may be empty.
        body: Body.
    """

    status: int
    code: str = ""
    body: bytes = b""

    @property
    def meaning(self) -> Meaning:
        """What it means, other than success."""
        return meaning_of(self.status or None, self.code or None)

    @property
    def reason(self) -> str:
        """The answer in words."""
        if self.status == SILENT:
            return "no answer in time"
        return f"{self.status} {self.code}".rstrip()


class AttemptedConnections(ABC):
    """Implements `Connections`; waiting for the next attempt takes no real time.

    Args:
        faults: What fails on request.
        clock: Monotonic clock in seconds, of the deadlines.
    """

    def __init__(
        self, faults: Faults, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._faults = faults
        self._clock = clock
        # What has been waited without the clock's knowing of it.
        self._waited = 0.0
        self._progress = Progress()

    def throttle(self, connection_id: str, *, times: int | None = 1) -> None:
        """Answer the next requests for a connection with 429.

        Args:
            connection_id: The connection.
            times: How many requests; None for all that follow, as if the client never
                read.
        """
        self._fail(connection_id, Action.THROTTLE, times)

    def fail(
        self, connection_id: str, *, status: int = 500, times: int | None = 1
    ) -> None:
        """Answer the next requests for a connection with an error.

        Args:
            connection_id: The connection.
            status: HTTP status of the answer.
            times: How many requests; None for all that follow.
        """
        self._fail(connection_id, Action.FAIL, times, status=status)

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """See `Connections.post`."""
        answer = self._request("POST", connection_id, data, deadline)
        _check(answer, connection_id)

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        schedule = self._schedule(connection_ids, deadline, patience_seconds)
        for attempt in self._ends(schedule, "POST", data):
            yield _outcome(attempt.tag, attempt.answer)
        for connection_id in schedule.take_untried():
            yield PostOutcome(connection_id, Outcome.DEFERRED)

    def get(self, connection_id: str) -> ConnectionInfo:
        """See `Connections.get`."""
        answer = self._request("GET", connection_id, b"", None)
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
        answer = self._request("DELETE", connection_id, b"", None)
        _check(answer, connection_id)

    def silence(self, connection_id: str, *, times: int | None = 1) -> None:
        """Lose the next requests for a connection, so that they go unanswered.

        Args:
            connection_id: The connection.
            times: How many requests; None for all that follow.
        """
        self._fail(connection_id, Action.LOSE_REQUEST, times)

    @abstractmethod
    def _attempt(self, method: str, connection_id: str, data: bytes) -> Answer:
        """Make one request, which fails if a fault is scripted."""

    @abstractmethod
    def _wait(self, seconds: float) -> None:
        """Let this much time pass, without sleeping."""

    def _fail(
        self,
        connection_id: str,
        action: Action,
        times: int | None,
        *,
        status: int = 500,
    ) -> None:
        match = Match(service=Service.MANAGEMENT, connection=connection_id)
        self._faults.add(Rule(match=match, action=action, times=times, status=status))

    def _request(
        self, method: str, connection_id: str, data: bytes, deadline: float | None
    ) -> Answer:
        if deadline is None:
            deadline = self._clock() + CALL_SECONDS
        # Even a call whose time is up already is tried once.
        soonest = max(deadline, self._clock() + _MOMENT_SECONDS)
        schedule = self._schedule((connection_id,), soonest, None)
        [attempt] = self._ends(schedule, method, data)
        return attempt.answer

    def _schedule(
        self, tags: Iterable[str], deadline: float, patience_seconds: float | None
    ) -> "Schedule[_Try]":
        return Schedule(
            tags,
            _Try,
            most=MAX_IN_FLIGHT,
            deadline=deadline + self._waited,
            clock=self._now,
            # Always the longest delay, so that a test sees the same each time.
            draw=lambda: 1.0,
            progress=self._progress,
            patience_seconds=patience_seconds,
        )

    def _ends(
        self, schedule: "Schedule[_Try]", method: str, data: bytes
    ) -> "Iterator[_Try]":
        """Yield each request that was tried, once its last answer is there."""
        silent: list[_Try] = []
        while not schedule.is_over(self._now()):
            attempt = schedule.take(self._now())
            if attempt is not None:
                attempt.answer = self._attempt(method, attempt.tag, data)
                if attempt.answer.status == SILENT:
                    silent.append(attempt)
                elif self._is_ended(schedule, attempt):
                    yield attempt
            elif schedule.is_done():
                return
            else:
                yield from self._pass(schedule, silent)
        yield from silent
        yield from schedule.left()

    def _is_ended(self, schedule: "Schedule[_Try]", attempt: "_Try") -> bool:
        if attempt.answer.meaning.is_passing:
            return not schedule.fail(attempt, self._now())
        schedule.succeed(attempt, self._now())
        return True

    def _pass(
        self, schedule: "Schedule[_Try]", silent: "list[_Try]"
    ) -> "Iterator[_Try]":
        """Wait until something is due; a silent request times out after a while."""
        now = self._now()
        ends = [each.sent_at + READ_SECONDS for each in silent]
        until = min([schedule.wakes_at(now), *ends])
        self._let_pass(max(until - now, _MOMENT_SECONDS))
        while silent and silent[0].sent_at + READ_SECONDS <= self._now():
            attempt = silent.pop(0)
            if self._is_ended(schedule, attempt):
                yield attempt

    def _now(self) -> float:
        return self._clock() + self._waited

    def _let_pass(self, seconds: float) -> None:
        before = self._clock()
        self._wait(seconds)
        # A test's own clock may have moved with it.
        self._waited += seconds - (self._clock() - before)


class _Try(Attempt):
    """A request, with the last answer to it."""

    __slots__ = ("answer",)

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.answer = Answer(SILENT)


def _outcome(connection_id: str, answer: Answer) -> PostOutcome:
    if answer.status in _SUCCESS:
        return PostOutcome(connection_id, Outcome.DELIVERED)
    if answer.meaning is Meaning.DENIED:
        _check(answer, connection_id)
    return PostOutcome(connection_id, outcome_of(answer.meaning), answer.reason)


def _check(answer: Answer, connection_id: str) -> None:
    if answer.status in _SUCCESS:
        return
    if answer.meaning is Meaning.GONE:
        raise ConnectionGoneError(connection_id)
    text = f"connection {connection_id}: the Management API answered {answer.reason}"
    error = _ERRORS.get(answer.meaning, ManagementError)
    raise error(text, status=answer.status or None, code=answer.code or None)
