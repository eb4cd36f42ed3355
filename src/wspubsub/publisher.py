"""Publishing: a message goes into the log, if there is one, and to the subscribers."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from wspubsub.connections import CALL_SECONDS, Connections, PostOutcome
from wspubsub.delivery import (
    RESERVE_SECONDS,
    TIMEOUT_SECONDS,
    Budget,
    Delivery,
    OnGone,
)
from wspubsub.errors import (
    ConnectionGoneError,
    ConnectionNotReadyError,
    ManagementError,
    UsageError,
    WspubsubError,
)
from wspubsub.events import PendingConnectionId
from wspubsub.messages import encode
from wspubsub.outgoing import (
    Envelope,
    Fanout,
    InlineFanout,
    Outgoing,
    as_published,
    check_exclude,
    check_size,
)
from wspubsub.reports import PublishError, PublishReport, warn_of_incomplete
from wspubsub.subscriptions.port import SubscriptionStore, check_connection_id
from wspubsub.topics import validate_topic

if TYPE_CHECKING:
    from wspubsub.log.port import TopicLog
    from wspubsub.log.rules import Appended, LoggedMessage, Position

log = logging.getLogger("wspubsub")


class Publisher:
    """Publishes messages to topics and posts them to single connections.

    Args:
        store: Who listens to what.
        connections: How a message reaches a connection.
        log: Keeps what was published, so that clients can catch up. To a topic without
            a history in it, messages are published as without a log.
        fanout: How a message gets to the subscribers: in the call that publishes,
            through DynamoDB Streams, or through a queue.
        envelope: Makes what clients get of a logged message.
        timeout_seconds: Longest time a call may take in all, if the call does not say.
        reserve_seconds: Part of that time that is kept for pruning.
        clock: Monotonic clock in seconds.
        on_gone: Called with the ID of each connection that a publish or post found
            gone and pruned, or that `close` closed, and with the topics that it has
            left by that. What it raises is logged.

    Attributes:
        delivery: Posts messages to connections.
        fanout: As given, or `InlineFanout`.

    Raises:
        UsageError: The fan-out or the envelope needs a log, or a time is not a number
            of seconds.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        connections: Connections,
        *,
        log: "TopicLog | None" = None,
        fanout: Fanout | None = None,
        envelope: Envelope | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        reserve_seconds: float = RESERVE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        on_gone: OnGone | None = None,
    ) -> None:
        self.fanout: Fanout = InlineFanout() if fanout is None else fanout
        if log is None and (self.fanout.needs_log or envelope is not None):
            raise UsageError(
                "StreamFanout and envelope= need logged messages; pass log="
            )
        self._log = log
        self._envelope: Envelope = as_published if envelope is None else envelope
        self.delivery = Delivery(
            store,
            connections,
            timeout_seconds=timeout_seconds,
            reserve_seconds=reserve_seconds,
            clock=clock,
            on_gone=on_gone,
        )

    def publish(
        self,
        topic: str,
        data: object,
        *,
        exclude: Collection[str] = (),
        key: str | None = None,
        info: bytes | None = None,
        log: bool = True,
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a message to every subscriber of a topic.

        Args:
            topic: 1 to 256 bytes of UTF-8, no control characters.
            data: `str`, UTF-8 `bytes`, or JSON data; at most 131,072 bytes encoded.
            exclude: Connection IDs that are not to get it, such as the sender's.
            key: The message's name in the log, so that it can be published again. Once
                everyone has been handed the message, a repeat sends nothing; until
                then it is sent again. The position is the same each time.
            info: What the log keeps with the message; see `TopicLog.append`.
            log: False for what nobody needs to catch up with, such as who is typing:
                it is not kept in the publisher's log, has no position and no envelope.
            timeout_seconds: Longest time this call may take, whatever does not answer;
                give `event.remaining_seconds()` to stay inside the Lambda timeout.

        Returns:
            What became of it. If somebody was left out, a warning is logged as well.

        Raises:
            TopicError: The topic is not a legal name.
            MessageTooLargeError: The message has over 131,072 bytes; none was sent.
            KeyConflictError: The key belongs to a message with other data.
            UsageError: The data cannot be encoded, or `exclude` is a single text.
            StoreError: The log did not take the message, or not in time; none was
                sent. It is safe to publish it again with the same key.
            PublishError: The message was logged, if there is a log; then the store, the
                queue or the Management API failed.
        """
        topic = validate_topic(topic)
        encoded = encode(data)
        excluded = check_exclude(exclude)
        budget = self.delivery.budget(timeout_seconds)
        if not log or self._log is None or not self._log.keeps(topic):
            if key is not None or info is not None:
                raise UsageError(_describe_missing_log(topic, is_wanted=log))
            message = Outgoing(topic=topic, data=encoded, exclude=excluded)
            report = self.fanout.publish(message, self.delivery, budget)
            return warn_of_incomplete(report, f"everyone in topic {topic!r}")
        if self._envelope is not as_published:
            check_size(self._envelope, topic, encoded, info)
        appended = self._log.append(
            topic,
            encoded,
            key=key,
            exclude=excluded,
            info=info,
            timeout_seconds=budget.seconds_left(),
        )
        return self._publish_logged(self._log, appended, key, budget)

    def _publish_logged(
        self,
        topic_log: "TopicLog",
        appended: "Appended",
        key: str | None,
        budget: Budget,
    ) -> PublishReport:
        logged = appended.message
        is_handed_over = appended.is_sent or self.fanout.needs_log
        if is_handed_over and not appended.is_new:
            return PublishReport(position=logged.position, repeated=True)
        report = _add_position(
            logged.position,
            lambda: self.fanout.publish(self._outgoing(logged), self.delivery, budget),
        )
        if key is not None and report.is_complete and not is_handed_over:
            mark_sent(topic_log, logged, key, budget)
        return warn_of_incomplete(report, f"everyone in topic {logged.topic!r}")

    def deliver_logged(
        self,
        message: "LoggedMessage",
        *,
        only: Sequence[str] | None = None,
        exclude: Collection[str] = (),
        heard: Callable[[PostOutcome], object] | None = None,
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a message from the log, as the table's stream brings it.

        Args:
            message: The message.
            only: Connections to send it to; all of the topic's subscribers if None.
            exclude: Connections that are not to get it, besides the message's own.
            heard: Called with what became of each post, as it ends.
            timeout_seconds: Longest time this call may take.

        Raises:
            PublishError: The store or the Management API failed halfway.
        """
        delivery = self.delivery if heard is None else self.delivery.report_to(heard)
        budget = delivery.budget(timeout_seconds)
        outgoing = self._outgoing(message)
        outgoing = outgoing.__replace__(exclude=outgoing.exclude.union(exclude))
        if only is None:
            return _add_position(
                message.position,
                lambda: self.fanout.deliver_logged(outgoing, delivery, budget),
            )
        report = delivery.deliver(
            only,
            outgoing.data,
            topic=outgoing.topic,
            exclude=outgoing.exclude,
            budget=budget,
        )
        return report.__replace__(position=outgoing.position)

    def post(
        self,
        connection_id: str,
        data: object,
        *,
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a message to one connection, whatever it is subscribed to.

        What the client has brought about is in the report: that it is gone, or reads
        too slowly. What is wrong with the endpoint or the API is an error.

        Args:
            connection_id: The connection.
            data: `str`, UTF-8 `bytes`, or JSON data; at most 131,072 bytes encoded.
            timeout_seconds: Longest time this call may take; 10 seconds if None, or
                the publisher's own timeout if that is shorter.

        Returns:
            What became of it. If it was not delivered, and the connection is not
            gone, a warning is logged as well.

        Raises:
            ConnectionNotReadyError: The connection's `$connect` is being handled.
            MessageError: No connection has such an ID.
            MessageTooLargeError: The message has over 131,072 bytes; none was sent.
            UsageError: The data cannot be encoded.
            AccessDeniedError: The permission or the endpoint is wrong.
            ManagementError: The Management API could not be reached, or failed.
        """
        connection_id = _require_established(connection_id)
        try:
            report = self.delivery.deliver(
                (connection_id,),
                encode(data),
                topic=None,
                exclude=frozenset(),
                budget=self.delivery.budget(
                    timeout_seconds, longest_default=CALL_SECONDS
                ),
            )
        except PublishError as error:
            raise _cause_of(error) from None
        if report.failed:
            raise ManagementError(
                f"could not post to connection {connection_id}: {report.reason}",
                status=None,
                code=None,
            )
        return warn_of_incomplete(report, f"connection {connection_id}")

    def close(self, connection_id: str) -> None:
        """Close a connection and forget it; one that is already gone is only forgotten.

        Raises:
            ConnectionNotReadyError: The connection's `$connect` is being handled.
            MessageError: No connection has such an ID.
            AccessDeniedError: The permission or the endpoint is wrong.
            ManagementError: The connection could not be closed.
            StoreError: It could not be forgotten.
        """
        connection_id = _require_established(connection_id)
        try:
            self.delivery.connections.close(connection_id)
        except ConnectionGoneError:
            log.debug("connection %s was gone before it was closed", connection_id)
        self.delivery.forget(connection_id)

    def _outgoing(self, message: "LoggedMessage") -> Outgoing:
        return Outgoing(
            topic=message.topic,
            data=encode(self._envelope(message)),
            exclude=message.exclude,
            position=message.position,
        )


def _describe_missing_log(topic: str, *, is_wanted: bool) -> str:
    if not is_wanted:
        return "keys and info are kept in the log; leave out log=False"
    return (
        f"keys and info are kept in the log, but topic {topic!r} has none; pass log= "
        "to Publisher, with a history for this topic"
    )


def _add_position(
    position: "Position", send: Callable[[], PublishReport]
) -> PublishReport:
    try:
        report = send()
    except PublishError as error:
        error.report = error.report.__replace__(position=position)
        raise
    except WspubsubError as error:
        # Nobody may take it for a message that was not logged.
        raise PublishError(error, PublishReport(position=position)) from error
    return report.__replace__(position=position)


def mark_sent(
    topic_log: "TopicLog", message: "LoggedMessage", key: str, budget: Budget
) -> None:
    """Note in the log that a message has been sent to everyone.

    If that fails, a repeat would only send it again.
    """
    try:
        topic_log.mark_sent(message, key, timeout_seconds=budget.seconds_left())
    except WspubsubError:
        log.warning("could not mark message %s as sent", message.id, exc_info=True)


def _require_established(connection_id: str) -> str:
    if isinstance(connection_id, PendingConnectionId):
        raise ConnectionNotReadyError(connection_id)
    return check_connection_id(connection_id)


def _cause_of(error: PublishError) -> WspubsubError:
    cause = error.__cause__
    return cause if isinstance(cause, WspubsubError) else error
