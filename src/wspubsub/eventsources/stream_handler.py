"""The Lambda function that the table's stream invokes."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from wspubsub.dynamodb.images import ImageError
from wspubsub.errors import ConnectionGoneError, WspubsubError
from wspubsub.events import Connection
from wspubsub.eventsources.invocations import partial_failure, records_of, seconds_left
from wspubsub.eventsources.joining import Group, Joiner, Joining
from wspubsub.eventsources.laggards import Debt, Laggards, are_few
from wspubsub.eventsources.progress import ProgressMemory, RecordProgress
from wspubsub.eventsources.ready import PATIENCE_SECONDS, OnReady, Readiness
from wspubsub.eventsources.stream_changes import Change, read_changes
from wspubsub.log.rules import LoggedMessage
from wspubsub.publisher import Publisher

log = logging.getLogger("wspubsub")


LOOK_SECONDS = 10.0
"""The longest time to ask about a connection, whatever fails."""


class IncompleteError(WspubsubError):
    """Not every subscriber got the message; the stream must redeliver it."""


class StreamHandler:
    """Delivers what a table's stream brings; it is itself the Lambda handler.

    New log entries are fanned out if the publisher's fan-out leaves that to the stream
    (`StreamFanout`), new connections are given to `on_ready`, and all other records are
    skipped. The first record that is not done is reported (partial batch response), so
    that Lambda delivers it and those behind it again; how often, and for how long, is
    up to the event source mapping. Only a record that cannot be read is logged whole
    and left behind.

    Messages that a `joiner` takes are delivered by it, those of a topic that wait
    together as one, up to 32 KB; if one is not done, nothing behind it is tried. A
    message of anybody else is never joined.

    A redelivered message goes only to those who have not got it, as far as the
    environment is the same. A connection that takes no messages while others do is
    given up after some seconds, with an error in the log, so that it holds nobody up.

    Args:
        publisher: Publishes with a log; it posts what the stream brings.
        on_ready: Called with each new connection as soon as it can be posted to, and
            again if the stream brings it again.
        joiner: Delivers messages that wait together as one, such as `PubSub`'s.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds.
        sleep: Waits until a connection is ready, or takes messages again.
    """

    def __init__(
        self,
        publisher: Publisher,
        *,
        on_ready: OnReady | None = None,
        joiner: Joiner | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._publisher = publisher
        self._greets = on_ready is not None
        self._now = now
        self._memory = ProgressMemory(clock)
        self._joining = Joining(joiner, self._memory, now)
        self._laggards = Laggards(publisher, clock=clock, sleep=sleep)
        self._readiness = Readiness(
            on_ready or _ignore,
            publisher.delivery.connections,
            now=now,
            clock=clock,
            sleep=sleep,
        )

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation.

        Raises:
            EventError: It is not an event of DynamoDB Streams.
        """
        changes = self._read(records_of(event, "aws:dynamodb"))
        run = _Run(
            self._publisher,
            self._readiness,
            self._laggards,
            self._memory,
            self._joining,
        )
        unfinished = run.handle(changes, partial(seconds_left, context))
        first = min(map(changes.index, unfinished), default=len(changes))
        failed = [each.number for each in changes[first : first + 1]]
        for change in changes[:first]:
            # A record with several messages comes again with those that are done.
            if change.number not in failed:
                self._memory.forget(change.id)
        return partial_failure(failed)

    def _read(self, records: Sequence[dict[str, Any]]) -> list[Change]:
        changes: list[Change] = []
        for record in records:
            try:
                found = read_changes(record, now=self._now())
            except ImageError as error:
                _leave_behind(record, error)
            else:
                changes += filter(self._concerns, found)
        return changes

    def _concerns(self, change: Change) -> bool:
        if isinstance(change.item, Connection):
            return self._greets
        # Otherwise the call that published it has fanned it out.
        return self._joining.takes(change.item) or self._publisher.fanout.needs_log


class _Run:
    """One invocation."""

    def __init__(
        self,
        publisher: Publisher,
        readiness: Readiness,
        laggards: Laggards,
        memory: ProgressMemory,
        joining: Joining,
    ) -> None:
        self._publisher = publisher
        self._joining = joining
        self._readiness = readiness
        self._laggards = laggards
        self._memory = memory
        self._answers: dict[str, Exception | None] = {}
        self._early: set[str] = set()
        self._late: list[Change] = []
        self._debts: list[Debt] = []
        self._behind = laggards.list_slow()
        self._reached = 0
        self._unfinished: list[Change] = []

    def handle(
        self, changes: Sequence[Change], seconds_left: Callable[[], float]
    ) -> list[Change]:
        """Do what the records ask for, and return those that must be redelivered."""
        self._ask(changes, 0.0)
        for unit in self._joining.join(changes):
            if isinstance(unit, Group):
                is_done = self._do_joined(unit, seconds_left)
            else:
                is_done = self._do(unit, seconds_left)
            if not is_done:
                break
        self._greet_late(seconds_left)
        self._catch_up(seconds_left)
        return self._unfinished

    def _do(self, change: Change, seconds_left: Callable[[], float]) -> bool:
        progress = self._memory.of(change.id)
        try:
            _check_time(seconds_left)
            if isinstance(change.item, Connection):
                self._greet(change, change.item, progress)
            else:
                self._deliver(change.item, progress, seconds_left())
                self._debts.append(Debt(change, change.item, progress))
                self._behind |= progress.left
        except Exception as error:  # noqa: BLE001 - of the user's code as well
            self._report(change, error)
            return False
        return True

    def _do_joined(self, group: Group, seconds_left: Callable[[], float]) -> bool:
        try:
            _check_time(seconds_left)
            self._joining.deliver(group, self._reached, seconds_left())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not done
            self._report(group.changes[0], error)
            return False
        self._reached += group.reached
        return True

    def _deliver(
        self, message: LoggedMessage, progress: RecordProgress, seconds: float
    ) -> None:
        if progress.is_tried:
            return
        report = self._publisher.deliver_logged(
            message,
            exclude=progress.reached | self._behind,
            heard=progress.add,
            timeout_seconds=seconds,
        )
        left = {*report.throttled, *report.failed}
        reached = len(progress.reached)
        if report.deferred or report.unread or not are_few(len(left), reached):
            raise IncompleteError(
                f"not every subscriber was reached: {report.describe()}"
            )
        self._reached += reached
        progress.settle(left | self._behind)

    def _greet(
        self, change: Change, connection: Connection, progress: RecordProgress
    ) -> None:
        if progress.is_tried:
            return
        answer = self._answers[connection.id]
        if isinstance(answer, ConnectionGoneError):
            if connection.id in self._early:
                self._late.append(change)
                return
            log.debug("connection %s was never established, or has left", connection.id)
        elif answer is not None:
            raise answer
        else:
            self._readiness.on_ready(connection)
        progress.settle(set())

    def _ask(self, changes: Sequence[Change], patience_seconds: float) -> None:
        """Ask about the connections among the records, except those already handled."""
        created_at = {
            each.item.id: each.created_at
            for each in changes
            if isinstance(each.item, Connection)
            and not self._memory.of(each.id).is_tried
        }
        # Until their turn comes the handshake may be over, but this answer is from now.
        self._early = {
            id_
            for id_, created in created_at.items()
            if not patience_seconds and self._readiness.is_young(created)
        }
        self._answers = self._readiness.ask(created_at, patience_seconds)

    def _greet_late(self, seconds_left: Callable[[], float]) -> None:
        late, self._late = self._late, []
        if late and seconds_left() <= PATIENCE_SECONDS:
            error = IncompleteError("there is no time left to wait for a handshake")
            for change in late:
                self._report(change, error)
            return
        self._ask(late, PATIENCE_SECONDS)
        for change in late:
            self._do(change, seconds_left)

    def _catch_up(self, seconds_left: Callable[[], float]) -> None:
        debtors = {id_ for debt in self._debts for id_ in debt.progress.left}
        fresh = debtors - self._laggards.list_slow()
        if self._have_own_trouble(fresh, seconds_left()):
            for debt in self._debts:
                debt.progress.others_reached = True
        try:
            self._unfinished += self._laggards.catch_up(self._debts, seconds_left)
        except WspubsubError as error:
            for debt in self._debts:
                if debt.progress.left:
                    self._report(debt.change, error)

    def _have_own_trouble(self, connection_ids: set[str], seconds: float) -> bool:
        if not connection_ids or not are_few(len(connection_ids), self._reached):
            return False
        if self._reached:
            return True
        # Nobody else was to be reached. If API Gateway answers, it is not the trouble.
        if seconds <= LOOK_SECONDS:
            return False
        answer = self._readiness.look(next(iter(connection_ids)))
        return answer is None or isinstance(answer, ConnectionGoneError)

    def _report(self, change: Change, error: Exception) -> None:
        log.warning(
            "stream record %s will be redelivered: %s",
            change.number,
            error,
            exc_info=error,
        )
        self._unfinished.append(change)


def _check_time(seconds_left: Callable[[], float]) -> None:
    if seconds_left() <= 0:
        raise IncompleteError("the function has no time left")


def _ignore(_: Connection) -> None:
    """Greet nobody."""


def _leave_behind(record: dict[str, Any], error: ImageError) -> None:
    log.error(
        "a stream record cannot be read and is skipped: %s; the record: %s",
        error,
        json.dumps(record),
        exc_info=error,
    )
