"""The Lambda function that a queue invokes: splits topics, delivers to segments."""

import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from wspubsub.delivery import Budget
from wspubsub.errors import UsageError, WspubsubError
from wspubsub.eventsources.invocations import (
    RESERVE_SECONDS,
    handle_messages,
    seconds_left,
)
from wspubsub.eventsources.standing import select_subscribed
from wspubsub.fanout.queue import MAX_BATCH_ENTRIES
from wspubsub.fanout.queue_fanout import (
    CONNECTIONS_PER_MESSAGE,
    PATIENCE_SECONDS,
    QueueFanout,
    require_segments,
)
from wspubsub.fanout.work import Work, read_work
from wspubsub.publisher import Publisher
from wspubsub.reports import PublishError, PublishReport
from wspubsub.subscriptions.port import Segment

log = logging.getLogger("wspubsub")

MAX_ATTEMPTS = 6
"""How often connections are tried without success, with growing delays, before the
queue's own redrive policy takes over: for a little more than a minute in all, after
which no handshake is in progress."""

MAX_HOPS = 14
"""How many queue messages may follow from one another.

"Use Lambda recursive loop detection to prevent infinite loops" (AWS Lambda): a chain of
about 16 invocations is stopped, the one that published included.
"""


MAX_SINGLE = 100
"""If no more than this are left at the end of a chain, each gets a queue message of its
own, so that none gets its message again because another cannot be reached."""


class UndeliveredError(WspubsubError):
    """Connections could not be reached, although they were tried many times."""


class QueueHandler:
    """Handles the messages of a `QueueFanout`; it is itself the Lambda handler.

    Each message is processed within the function's time. What the time does not
    allow, and who was throttled or not ready, goes back into the queue as a smaller
    message, so nothing is lost and nobody who got the message gets it again for that
    reason. Before a message is posted to such connections, each is looked up in the
    store (1 read unit): whoever has unsubscribed meanwhile gets nothing.

    A message that cannot be processed is reported as failed (partial batch response):
    the queue brings it again, and at last moves it to its dead-letter queue. So does
    what a chain of queue messages has not come to the end of, before Lambda takes it
    for an endless loop.

    Args:
        publisher: Posts to the connections.
        fanout: What the publisher hands messages over with.
    """

    def __init__(self, publisher: Publisher, fanout: QueueFanout) -> None:
        self._delivery = publisher.delivery
        self._fanout = fanout
        self._store = require_segments(publisher.delivery.store)

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation.

        Raises:
            EventError: It is not an event of SQS.
            UsageError: The function's timeout is too short.
        """
        if seconds_left(context) <= 0:
            # Handing everything back would go round for ever.
            raise UsageError(
                f"increase this function's timeout: it needs {RESERVE_SECONDS:g} s "
                "for handing over what is left"
            )
        return handle_messages(event, lambda record: self._handle(record, context))

    def _handle(self, record: dict[str, Any], context: object) -> None:
        work = read_work(record.get("body"))
        seconds = seconds_left(context)
        if seconds <= 0:
            self._send([work.continue_with(**work.target())])
            return
        budget = self._delivery.budget(seconds)
        if work.split:
            self._split(work, budget)
        else:
            self._deliver(work, budget)

    def _split(self, work: Work, budget: Budget) -> None:
        topic = work.message.topic
        split = _Split(work)
        segments = self._store.segments(
            topic,
            self._fanout.segment_size,
            work.split,
            consistent=work.message.is_logged,
        )
        try:
            while batch := list(islice(segments, MAX_BATCH_ENTRIES)):
                self._send(split.make_parts(batch), taken=split.mark_taken)
                if budget.is_spent():
                    break
            else:
                return
        except WspubsubError as error:
            # If the whole of it came again, so would the parts that were taken.
            if not split.is_begun:
                raise
            log.warning("the rest of topic %r will be split later: %s", topic, error)
        self._send(split.make_rest(), delay_seconds=1)

    def _deliver(self, work: Work, budget: Budget) -> None:
        message = work.message
        ids = self._read_targets(work, budget)
        left = set(ids) - message.exclude
        try:
            report = self._delivery.report_to(
                lambda outcome: left.discard(outcome.connection_id)
            ).deliver(
                ids,
                message.data,
                topic=message.topic,
                exclude=message.exclude,
                budget=budget,
                # Other segments wait for this function; the queue brings back who
                # fails, and then there is more time for them.
                patience_seconds=None if work.connections else PATIENCE_SECONDS,
            )
        except PublishError as error:
            # Who was reached before it must not get the message again.
            left |= error.report.left_over
            self._send_again(work, error.report, frozenset(left), str(error))
        else:
            reason = report.reason or "not ready (410)"
            self._send_again(work, report, report.left_over, reason)

    def _read_targets(self, work: Work, budget: Budget) -> list[str]:
        topic = work.message.topic
        if work.segment is not None:
            seconds = budget.posting_seconds_left()
            return list(
                self._store.segment(
                    topic,
                    work.segment,
                    consistent=work.message.is_logged,
                    timeout_seconds=seconds,
                )
            )
        # They were read as subscribers some time ago.
        return sorted(select_subscribed(self._store, topic, work.connections))

    def _send_again(
        self, work: Work, report: PublishReport, left: frozenset[str], reason: str
    ) -> None:
        if not left:
            return
        # Whoever was reached makes the rest smaller, so it comes to an end.
        is_smaller = bool(report.delivered or report.gone)
        attempt = work.attempt if is_smaller else work.attempt + 1
        again = work.continue_with(attempt=attempt)
        if attempt >= MAX_ATTEMPTS or again.hops > MAX_HOPS:
            raise UndeliveredError(
                f"could not reach {len(left)} connection(s) of topic "
                f"{work.message.topic!r} in {attempt} attempts and {work.hops} "
                f"queue messages: {reason}"
            )
        is_untried = report.deferred == left
        is_last = again.hops == MAX_HOPS and len(left) <= MAX_SINGLE
        self._fanout.send_again(
            again,
            left,
            most=1 if is_last else CONNECTIONS_PER_MESSAGE,
            delay_seconds=0 if is_smaller and is_untried else 2**attempt,
        )

    def _send(
        self,
        works: Sequence[Work],
        *,
        delay_seconds: int = 0,
        taken: Callable[[str], object] | None = None,
    ) -> None:
        for work in works:
            if work.hops > MAX_HOPS:
                raise UndeliveredError(
                    f"topic {work.message.topic!r} was not finished in {MAX_HOPS} "
                    "queue messages; increase this function's timeout"
                )
        bodies = [work.body() for work in works]
        self._fanout.queue.send(bodies, delay_seconds=delay_seconds, taken=taken)


class _Split:
    """A topic that is being split, and the part of it that is not in the queue yet."""

    def __init__(self, work: Work) -> None:
        self.is_begun = False
        self._work = work
        self._rest = {segment.shard: segment for segment in work.split}
        self._unsent: dict[str, Work] = {}

    def make_parts(self, segments: Iterable[Segment]) -> list[Work]:
        """Return the work of the next segments."""
        for segment in segments:
            work = self._work.continue_with(segment=segment)
            self._unsent[work.body()] = work
            _advance(self._rest, segment)
        return list(self._unsent.values())

    def mark_taken(self, body: str) -> None:
        """Note that the queue has accepted a part, by its body."""
        self.is_begun = True
        del self._unsent[body]

    def make_rest(self) -> list[Work]:
        """Return the work that the queue has not accepted."""
        rest = tuple(self._rest.values())
        again = [self._work.continue_with(split=rest)] if rest else []
        return [*self._unsent.values(), *again]


def _advance(rest: dict[int, Segment], done: Segment) -> None:
    whole = rest.pop(done.shard)
    if done.until != whole.until:
        rest[done.shard] = Segment(done.shard, done.until, whole.until)
