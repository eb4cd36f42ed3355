"""Fan-out in two tiers: at once for small topics, through a queue for large ones."""

import time
from collections.abc import Callable, Iterable
from itertools import islice

from wspubsub.delivery import Budget, Delivery
from wspubsub.errors import UsageError
from wspubsub.fanout.queue import Queue, QueueClient, QueueError
from wspubsub.fanout.work import Work, chunks
from wspubsub.outgoing import Outgoing
from wspubsub.reports import PublishError, PublishReport
from wspubsub.subscriptions.port import SegmentedStore, SubscriptionStore

INLINE_THRESHOLD = 2_000
"""One function posts to this many connections in about half a second."""

PATIENCE_SECONDS = 0.25
"""How long a failing connection is retried before it goes to the queue: enough for a
problem that lasts only a moment."""

SEGMENT_SIZE = 5_000
CONNECTIONS_PER_MESSAGE = 1_000


class QueueFanout:
    """Posts to the subscribers of a small topic at once; a queue carries large ones.

    A large topic costs the call that publishes one queue message. The function that
    the queue invokes, a `QueueHandler`, splits it by shard and range of connection
    IDs into segments, one queue message each, and delivers to these side by side.
    Subscribers of a small topic that could not be reached in time also go to the queue.

    Args:
        queue_url: URL of a standard SQS queue.
        inline_threshold: Topics with more subscribers go through the queue.
        segment_size: How many subscribers a segment has at most.
        client: A `boto3.client("sqs")` of your own.
        sleep: Waits before what SQS did not take is sent again.

    Raises:
        UsageError: The URL is that of a FIFO queue, or a number is out of range.
    """

    needs_log = False

    def __init__(
        self,
        queue_url: str,
        *,
        inline_threshold: int = INLINE_THRESHOLD,
        segment_size: int = SEGMENT_SIZE,
        client: QueueClient | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if inline_threshold < 0 or segment_size < 1:
            raise UsageError(
                "inline_threshold must be 0 or more, and segment_size 1 or more"
            )
        self.queue = Queue(queue_url, client=client, sleep=sleep)
        self.segment_size = segment_size
        self._inline_threshold = inline_threshold

    def publish(
        self, message: Outgoing, delivery: Delivery, budget: Budget
    ) -> PublishReport:
        """See `Fanout.publish`.

        Raises:
            QueueError: The queue did not take what is to be carried on.
            StoreTimeoutError: Whether the topic is large could not be read in time.
        """
        store = require_segments(delivery.store)
        most = self._inline_threshold
        subscribers = store.subscribers(
            message.topic,
            consistent=message.is_logged,
            timeout_seconds=budget.posting_seconds_left(),
        )
        ids = list(islice(subscribers, most + 1))
        if len(ids) > most:
            split = Work(message=message, split=store.whole(message.topic))
            self.queue.send((split.body(),))
            return PublishReport(queued=True)
        report = delivery.deliver(
            ids,
            message.data,
            topic=message.topic,
            exclude=message.exclude,
            budget=budget,
            patience_seconds=PATIENCE_SECONDS,
        )
        return self._queue_left_over(message, report)

    deliver_logged = publish

    def send_again(
        self,
        work: Work,
        connection_ids: Iterable[str],
        *,
        most: int = CONNECTIONS_PER_MESSAGE,
        delay_seconds: int,
    ) -> None:
        """Send the connections that a message has not reached to the queue.

        Args:
            work: The work that they are handed over with.
            connection_ids: The connections.
            most: How many a queue message names at most.
            delay_seconds: How long they are left alone.

        Raises:
            QueueError: The queue did not take them.
        """
        works = (
            work.__replace__(connections=part) for part in chunks(connection_ids, most)
        )
        self.queue.send((each.body() for each in works), delay_seconds=delay_seconds)

    def _queue_left_over(
        self, message: Outgoing, report: PublishReport
    ) -> PublishReport:
        if not report.left_over:
            return report
        try:
            work = Work(message=message)
            self.send_again(work, report.left_over, delay_seconds=1)
        except QueueError as error:
            raise PublishError(error, report) from error
        return report.__replace__(
            not_ready=frozenset(),
            throttled=frozenset(),
            failed={},
            deferred=frozenset(),
            queued=True,
            reason="",
        )


def require_segments(store: SubscriptionStore) -> SegmentedStore:
    """Return a store as one that can be read in segments.

    Raises:
        UsageError: It cannot.
    """
    if not (hasattr(store, "segments") and hasattr(store, "segment")):
        raise UsageError(
            f"{type(store).__name__} cannot be read in segments, which a queue "
            "fan-out needs; use DynamoDBSubscriptionStore, or add SegmentedStore's "
            "methods"
        )
    found: SegmentedStore = store  # type: ignore[assignment] # looked at just before
    return found
