"""How publications reach the members of a topic, at once or through a stream."""

import logging
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from wspubsub.connections import Connections
from wspubsub.delivery import TIMEOUT_SECONDS, Budget
from wspubsub.errors import ConnectionGoneError, ManagementError, UsageError
from wspubsub.messages import encode
from wspubsub.outgoing import check_exclude
from wspubsub.publisher import Publisher, mark_sent
from wspubsub.pubsub.announcer import Announcer, OnGone
from wspubsub.pubsub.batches import Batch
from wspubsub.pubsub.codes import Code
from wspubsub.pubsub.frames import (
    ClientInfo,
    EncodedJson,
    Publication,
    make_disconnect,
)
from wspubsub.pubsub.posting import MemberDelivery, Posted, name_unmarked
from wspubsub.pubsub.publications import (
    LONGEST_OFFSET,
    REPLY_BYTES,
    encode_info,
    encode_logged,
    encode_publication,
)
from wspubsub.pubsub.stream_delivery import StreamDelivery
from wspubsub.reports import PublishReport, warn_of_incomplete
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Ended, Presence
from wspubsub.topics import validate_topic

if TYPE_CHECKING:
    from wspubsub.log.port import TopicLog
    from wspubsub.log.rules import Appended, LoggedMessage
    from wspubsub.pubsub.stays import Absence, Stays

log = logging.getLogger("wspubsub")

DISCONNECT_SECONDS = 5.0
"""How long the push with the reason is tried before the connection is closed anyway."""


class Broadcaster:
    """Publishes to the members of topics; messages of a stream also go through it.

    A message of a topic with history is appended to the log first; then the members
    are read with strong consistency, then it is posted. So either a publisher sees a
    subscription, or the subscriber's replay, which is read after the subscription was
    written, has the message.

    Args:
        members: Who is in a topic, and what they have missed.
        connections: How a message reaches a connection.
        topic_log: Keeps the messages of topics with history.
        by_stream: Whether the table's stream carries these on; otherwise the call that
            publishes posts them.
        owns: Says whether the messages of a topic that the stream brings are for the
            members of this store.
        announces: Says whether a topic's members are told who joins and leaves.
        on_gone: Called once for each session that has ended, however that was found.
        stays: Says joins and leaves by user, where topics have a period of grace.
        timeout_seconds: Longest time a call may take in all, if the call does not say.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds.

    Attributes:
        publisher: Posts to the same connections.
        has_stays: Whether joins and leaves of topics are said by user.
        joiner: What a `StreamHandler` needs to deliver what the stream brings; None
            without a stream.

    Raises:
        UsageError: There is no log whose messages the stream could carry, or a time is
            not a number of seconds.
    """

    def __init__(
        self,
        members: MemberStore,
        connections: Connections,
        *,
        topic_log: "TopicLog | None" = None,
        by_stream: bool = False,
        owns: Callable[[str], bool] = lambda _: True,
        announces: Callable[[str], bool] = lambda _: False,
        on_gone: OnGone | None = None,
        stays: "Stays | None" = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if by_stream and topic_log is None:
            raise UsageError("a stream delivers only what a log keeps; pass topic_log=")
        self.publisher = Publisher(
            members,
            connections,
            timeout_seconds=timeout_seconds,
            clock=clock,
        )
        self._clock = clock
        self._log = topic_log
        self._members = MemberDelivery(
            members, self.publisher.delivery, now=now, clock=clock
        )
        self.has_stays = stays is not None
        self._announcer = Announcer(self._members, announces, on_gone, stays)
        self.joiner = (
            StreamDelivery(self._members, self._announcer, owns) if by_stream else None
        )

    # Publishing.

    def publish(
        self,
        topic: str,
        data: EncodedJson,
        *,
        logged: bool,
        info: ClientInfo | None = None,
        key: str | None = None,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Send a publication to every member of a topic.

        Args:
            topic: 1 to 256 bytes of UTF-8, no control characters.
            data: The message; at most 131,072 bytes with the push that carries it, and
                129,024 for a topic with history, so that it fits into a reply.
            logged: Whether the topic has history.
            info: Who publishes, if a client does.
            key: The message's name in the log, so that it can be published again; see
                `Publisher.publish`.
            exclude: Connection IDs that are not to get it.
            timeout_seconds: Longest time this call may take.

        Returns:
            What became of it. Those that it could not be posted to are marked, if the
            topic has history, and recover it from there; whoever could not even be
            marked is in `failed` with that reason. With a stream it is only `queued`.

        Raises:
            TopicError: The topic is not a legal name.
            MessageTooLargeError: It is larger than that; none was sent.
            KeyConflictError: The key belongs to a message with other data.
            UsageError: There is no log, or a key although the topic has no history.
            StoreError: The log did not take the message, or not in time; none was sent.
            PublishError: The message was logged, if the topic has history; then the
                store or the Management API failed.
        """
        topic = validate_topic(topic)
        excluded = check_exclude(exclude)
        budget = self._members.budget(timeout_seconds)
        if logged:
            topic_log = self._require_log(topic)
            # What cannot be sent, or not be recovered, must not be logged either.
            longest = Publication(data, LONGEST_OFFSET, info)
            encode_publication(topic, longest, REPLY_BYTES)
            appended = topic_log.append(
                topic,
                data.encode(),
                key=key,
                exclude=excluded,
                info=encode_info(info),
                timeout_seconds=budget.seconds_left(),
            )
            return self._carry(topic_log, appended, key, budget)
        if key is not None:
            raise UsageError(
                f"topic {topic!r} has no history, so it cannot remember a key; "
                "publish without key=, or give the topic a history"
            )
        frame = encode_publication(topic, Publication(data, info=info))
        posted = self._members.deliver(
            topic, Batch(frame), exclude=excluded, budget=budget
        )
        return self._conclude(posted, budget)

    def _require_log(self, topic: str) -> "TopicLog":
        if self._log is None:
            raise UsageError(f"topic {topic!r} has a history; pass topic_log=")
        return self._log

    def _carry(
        self,
        topic_log: "TopicLog",
        appended: "Appended",
        key: str | None,
        budget: Budget,
    ) -> PublishReport:
        position = appended.message.position
        is_handed_over = appended.is_sent or self.joiner is not None
        if is_handed_over and not appended.is_new:
            return PublishReport(position=position, repeated=True)
        if self.joiner is not None:
            return PublishReport(position=position, queued=True)
        posted, is_settled = self._post(appended.message, budget)
        if key is not None and is_settled:
            mark_sent(topic_log, appended.message, key, budget)
        return self._conclude(posted, budget)

    def _post(self, message: "LoggedMessage", budget: Budget) -> tuple[Posted, bool]:
        """Post a message, and return whether everyone has received it or is marked."""
        posted = self._members.deliver(
            message.topic,
            Batch(encode_logged(message), (message.position,)),
            exclude=message.exclude,
            budget=budget,
        )
        unmarked = self._members.settle(posted, budget)
        report = name_unmarked(posted.report, unmarked, message)
        report = report.__replace__(position=message.position)
        is_settled = not (unmarked or report.unread or posted.error)
        return posted.__replace__(report=report), is_settled

    def _conclude(self, posted: Posted, budget: Budget) -> PublishReport:
        self._announcer.tell_ended(posted.ended, budget)
        if posted.error is not None:
            posted.error.report = posted.report
            raise posted.error
        return warn_of_incomplete(posted.report, f"everyone in topic {posted.topic!r}")

    # Who comes and goes.

    def push_join(self, topic: str, who: Presence) -> None:
        """Inform a topic's other members that somebody has joined, if it announces it.

        Args:
            topic: The topic.
            who: Who has joined.
        """
        self._announcer.push_join(topic, who, self._members.budget(None))

    def tell_left(self, topic: str, who: Presence) -> None:
        """Inform a topic's members that somebody has left, if it announces it.

        Args:
            topic: The topic.
            who: Who has left.
        """
        self._announcer.tell_left([(topic, who)], self._members.budget(None))

    def tell_ended(self, ended: Ended, *, timeout_seconds: float | None = None) -> None:
        """Tell whom it concerns that connections have ended.

        Args:
            ended: What they have left: the members of those topics are informed where
                that is announced, and `on_gone` is called for each session.
            timeout_seconds: Longest time that informing them may take.
        """
        budget = self._members.budget(timeout_seconds)
        self._announcer.tell_ended([ended], budget)

    def end_stay(self, absence: "Absence", *, timeout_seconds: float) -> None:
        """Look whether a user is back, and inform the topic's members if not.

        Args:
            absence: What the queue has brought.
            timeout_seconds: Longest time this call may take.

        Raises:
            PublishError: The store failed while the members were informed.
            StoreError: It could not be looked up, or the stay could not be ended.
            TimeoutError: No time was left to inform them.
        """
        self._announcer.end_stay(absence, self._members.budget(timeout_seconds))

    # Single connections.

    def push(
        self,
        connection_ids: Collection[str],
        frame: str,
        *,
        timeout_seconds: float | None = None,
    ) -> PublishReport:
        """Post a frame to connections, whatever they are subscribed to.

        Raises:
            MessageTooLargeError: The frame has over 131,072 bytes; none was sent.
            PublishError: The Management API failed.
        """
        budget = self._members.budget(timeout_seconds)
        posted = self._members.post(connection_ids, encode(frame), budget=budget)
        self._announcer.tell_ended(posted.ended, budget)
        if posted.error is not None:
            raise posted.error
        return posted.report

    def disconnect(self, connection_id: str, code: Code) -> bool:
        """Make a client disconnect, and close its connection.

        The code is in a push, which API Gateway has taken before the connection is
        closed: a close code cannot be chosen, and after API Gateway's own (1000) every
        SDK would reconnect, one that is banned as well.

        Returns:
            Whether the connection was there.

        Raises:
            AccessDeniedError: The permission or the endpoint is wrong.
            ManagementError: The connection could not be closed.
        """
        connections = self.publisher.delivery.connections
        try:
            connections.post(
                connection_id,
                make_disconnect(code).encode(),
                deadline=self._clock() + DISCONNECT_SECONDS,
            )
        except ConnectionGoneError:
            return False
        except ManagementError as error:
            log.warning(
                "connection %s is closed without code %d, so its client may "
                "reconnect: %s",
                connection_id,
                code.number,
                error,
            )
        try:
            connections.close(connection_id)
        except ConnectionGoneError:
            log.debug("connection %s was already closed", connection_id)
        return True
