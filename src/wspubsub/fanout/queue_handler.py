"""The Lambda function that a queue invokes: splits topics, delivers to segments."""

import logging
from typing import Any

from wspubsub.delivery import Budget
from wspubsub.errors import UsageError, WspubsubError
from wspubsub.fanout.invocations import (
    RESERVE_SECONDS,
    partial_failure,
    records_of,
    seconds_left,
)
from wspubsub.fanout.queue import MAX_BATCH_ENTRIES
from wspubsub.fanout.queue_fanout import QueueFanout, segmented
from wspubsub.fanout.work import Work, read_work
from wspubsub.publisher import Publisher
from wspubsub.reports import PublishError, PublishReport
from wspubsub.subscriptions import Segment

log = logging.getLogger("wspubsub")

MAX_ATTEMPTS = 6
"""How often connections that cannot be reached are tried, with growing delays, before
the queue's own redrive policy takes over."""


class UndeliveredError(WspubsubError):
    """Connections could not be reached however often they were tried."""


class QueueHandler:
    """Handles the messages of a `QueueFanout`; it is itself the Lambda handler.

    Each message is worked off within the function's time. What the time does not
    allow, and who was throttled, goes back into the queue as a smaller message, so
    nothing is lost and nobody who got the message gets it again for that reason. A
    message that cannot be worked off is reported as failed (partial batch response):
    the queue brings it again, and at last moves it to its dead-letter queue.

    Args:
        publisher: Posts to the connections.
        fanout: What the publisher hands messages over with.
    """

    def __init__(self, publisher: Publisher, fanout: QueueFanout) -> None:
        self._delivery = publisher.delivery
        self._fanout = fanout
        self._store = segmented(publisher.delivery.store)

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation.

        Raises:
            EventError: It is not an event of SQS.
            UsageError: The function's time-out is too short.
        """
        failed: list[str] = []
        if seconds_left(context) <= 0:
            # Handing everything back would go round for ever.
            raise UsageError(
                f"give this function more time: it needs {RESERVE_SECONDS:g} s for "
                "handing over what is left"
            )
        for record in records_of(event, "aws:sqs"):
            try:
                self._handle(record, context)
            except Exception:
                # One message must not bring the others again.
                log.exception("queue message %s failed", record["messageId"])
                failed.append(record["messageId"])
        return partial_failure(failed)

    def _handle(self, record: dict[str, Any], context: object) -> None:
        work = read_work(record.get("body"))
        seconds = seconds_left(context)
        if seconds <= 0:
            self._fanout.queue.send((record["body"],))
            return
        budget = self._delivery.budget(seconds)
        if work.split:
            self._split(work, budget)
        else:
            self._deliver(work, budget)

    def _split(self, work: Work, budget: Budget) -> None:
        topic, message = work.message.topic, work.message
        rest = {segment.shard: segment for segment in work.split}
        ready: list[str] = []
        segments = self._store.segments(topic, self._fanout.segment_size, work.split)
        for segment in segments:
            ready.append(Work(message=message, segment=segment).body())
            _advance(rest, segment)
            if len(ready) == MAX_BATCH_ENTRIES:
                self._fanout.queue.send(ready)
                ready = []
            if budget.is_spent() and rest:
                again = Work(message=message, split=tuple(rest.values()))
                ready.append(again.body())
                break
        self._fanout.queue.send(ready)

    def _deliver(self, work: Work, budget: Budget) -> None:
        ids = list(work.connections)
        if work.segment is not None:
            ids = list(self._store.segment(work.message.topic, work.segment))
        message = work.message
        left = set(ids) - message.exclude
        try:
            report = self._delivery.heard_by(
                lambda outcome: left.discard(outcome.connection_id)
            ).deliver(
                ids,
                message.data,
                topic=message.topic,
                exclude=message.exclude,
                budget=budget,
            )
        except PublishError as error:
            # Who was reached before it must not get the message again.
            left |= error.report.left_over
            self._send_again(work, error.report, frozenset(left), str(error))
        else:
            self._send_again(work, report, report.left_over, report.reason)

    def _send_again(
        self, work: Work, report: PublishReport, left: frozenset[str], reason: str
    ) -> None:
        if not left:
            return
        # Whoever was reached makes the rest smaller, so it comes to an end.
        is_smaller = bool(report.delivered or report.gone)
        attempt = work.attempt if is_smaller else work.attempt + 1
        if attempt >= MAX_ATTEMPTS:
            raise UndeliveredError(
                f"{len(left)} connections of topic {work.message.topic!r} were tried "
                f"{attempt} times: {reason}"
            )
        is_untried = report.deferred == left
        self._fanout.send_again(
            work.message,
            left,
            attempt=attempt,
            delay_seconds=0 if is_smaller and is_untried else 2**attempt,
        )


def _advance(rest: dict[int, Segment], done: Segment) -> None:
    whole = rest.pop(done.shard)
    if done.until != whole.until:
        rest[done.shard] = Segment(done.shard, done.until, whole.until)
