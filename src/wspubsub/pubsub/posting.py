"""Posting a batch to a topic's members, and marking those that it did not reach.

Most members get all of it. One whose mark says that it has missed something is asked to
subscribe again instead, which makes its SDK recover; one whose token has expired is
disconnected; one that is being let in gets it from whoever lets it in, and one that was
let in just now gets what that has not brought. Whoever is given up is marked where
every publisher looks.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from wspubsub.connections import Outcome, PostOutcome
from wspubsub.delivery import Budget, Delivery
from wspubsub.pubsub.audience import Audience
from wspubsub.pubsub.batches import Batch
from wspubsub.pubsub.codes import CONNECTION_EXPIRED, STATE_LOST
from wspubsub.pubsub.marks import Marks
from wspubsub.pubsub.notices import Notices
from wspubsub.records import Record
from wspubsub.reports import PublishError, PublishReport
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.port import Pruned
from wspubsub.subscriptions.sessions import Ended, Member

if TYPE_CHECKING:
    from wspubsub.log.rules import LoggedMessage

log = logging.getLogger("wspubsub")


class Posted(Record):
    """The result of posting a batch.

    Attributes:
        report: What became of it for each member that was to get it.
        error: What stopped it halfway, if anything did.
        topic: The topic; empty if it went to connections by name.
        offset: Offset of the first publication in it; 0 if the topic has no history.
        server_side: Members among them that the server has subscribed.
        behind: Members that did not get it because they have missed something later.
        untraced: Members on their way into the topic that could not be left a trace.
        ended: What connections that were found gone have left.
    """

    report: PublishReport
    error: PublishError | None = None
    topic: str = ""
    offset: int = 0
    server_side: frozenset[str] = frozenset()
    behind: tuple[Member, ...] = ()
    untraced: tuple[Member, ...] = ()
    ended: tuple[Ended, ...] = ()

    def add(self, other: "Posted") -> "Posted":
        """Return what became of this batch and of one for others of the same topic."""
        return self.__replace__(
            report=self.report.add(other.report),
            error=self.error or other.error,
            ended=self.ended + other.ended,
        )


class MemberDelivery:
    """Posts frames to the members of topics.

    Args:
        members: Who they are, and what they have missed.
        delivery: Posts to connections, and prunes those that are gone.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        members: MemberStore,
        delivery: Delivery,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = members
        self._delivery = delivery
        self._now = now
        self._notices = Notices(delivery.connections, clock)

    def budget(self, seconds: float | None) -> Budget:
        """Return the time that a call may take; see `Delivery.budget`."""
        return self._delivery.budget(seconds)

    def deliver(
        self,
        topic: str,
        batch: Batch,
        *,
        exclude: frozenset[str],
        budget: Budget,
        patience_seconds: float | None = None,
        heard: Callable[[PostOutcome], object] | None = None,
    ) -> Posted:
        """Post a batch to a topic's members; `settle` follows.

        Args:
            topic: The topic.
            batch: What to post. If its publications have positions, members are read
                with strong consistency.
            exclude: Members that are not to get it.
            budget: The time that it may take.
            patience_seconds: How long those that fail are tried again, as in
                `Connections.post_many`.
            heard: Called with what became of each post, as it ends.
        """
        audience = Audience(
            self._members, topic, batch, exclude, budget, now=self._now()
        )
        post = partial(
            self.post,
            topic=topic,
            exclude=exclude,
            budget=budget,
            patience_seconds=patience_seconds,
            heard=heard,
        )
        posted = post(audience.select(), batch.frame)
        for count, connection_ids in audience.partly_told.items():
            posted = posted.add(post(connection_ids, batch.frame_after(count)))
        gone = self._have_recover(topic, audience.marked, budget)
        gone += self._notices.disconnect(
            audience.expired, CONNECTION_EXPIRED, budget.posting_until
        )
        # No other post would find these, since they get no publication any more.
        pruning = _Pruning(self._members)
        self._delivery.prune_with(pruning.prune).prune(gone, topic, budget)
        if heard is not None:
            for connection_id in audience.served:
                heard(PostOutcome(connection_id, Outcome.DELIVERED))
        delivered = posted.report.delivered + len(audience.served)
        return posted.__replace__(
            report=posted.report.__replace__(delivered=delivered),
            topic=topic,
            offset=batch.offset,
            server_side=frozenset(audience.server_side),
            behind=tuple(m for m in audience.marked if (m.lost or 0) > batch.offset),
            untraced=tuple(audience.untraced),
            ended=(*posted.ended, *pruning.ended),
        )

    def post(
        self,
        connection_ids: Iterable[str],
        frame: bytes,
        *,
        budget: Budget,
        topic: str | None = None,
        exclude: frozenset[str] = frozenset(),
        patience_seconds: float | None = None,
        heard: Callable[[PostOutcome], object] | None = None,
    ) -> Posted:
        """Post a frame to connections, and prune those that are gone.

        Args:
            connection_ids: The connections.
            frame: What to post.
            budget: As for `deliver`, and so are the others.
            topic: Topic that they are members of; None if they are of none.
            exclude: See `deliver`.
            patience_seconds: See `deliver`.
            heard: See `deliver`.
        """
        pruning = _Pruning(self._members)
        delivery = self._delivery.prune_with(pruning.prune)
        if heard is not None:
            delivery = delivery.report_to(heard)
        error = None
        try:
            report = delivery.deliver(
                connection_ids,
                frame,
                topic=topic,
                exclude=exclude,
                budget=budget,
                patience_seconds=patience_seconds,
            )
        except PublishError as stopped:
            report, error = stopped.report, stopped
        return Posted(report=report, error=error, ended=tuple(pruning.ended))

    def settle(self, posted: Posted, budget: Budget) -> Mapping[str, str]:
        """Mark members that a frame did not reach, and ask them once to recover.

        Only a topic with history has what they can recover.

        Returns:
            Who could not be marked, and why. Those have missed something, and no
            publisher will know of it.
        """
        report = posted.report
        left_out = [
            Member(connection_id=each, is_server_side=each in posted.server_side)
            for each in (*report.throttled, *report.failed, *report.deferred)
        ]
        marks = Marks(self._members, posted.topic, posted.offset, budget)
        marks.write((*left_out, *posted.untraced))
        self._have_recover(posted.topic, marks.written, budget)
        # They have been asked just now, but are to recover from further back.
        marks.write(posted.behind)
        return marks.failed

    def _have_recover(
        self, topic: str, members: Iterable[Member], budget: Budget
    ) -> list[str]:
        """Ask members to recover, and return those that are gone."""
        by_client: list[str] = []
        by_server: list[str] = []
        for member in members:
            side = by_server if member.is_server_side else by_client
            side.append(member.connection_id)
        until = budget.posting_until
        gone = self._notices.ask_to_resubscribe(topic, by_client, until)
        # SDKs do not subscribe again by themselves to what the server has chosen.
        return gone + self._notices.disconnect(by_server, STATE_LOST, until)


def name_unmarked(
    report: PublishReport, unmarked: Mapping[str, str], message: "LoggedMessage"
) -> PublishReport:
    """Count members as failed that did not get a message and could not be marked.

    Args:
        report: What became of the posts.
        unmarked: What `MemberDelivery.settle` returned.
        message: The message.
    """
    for connection_id, reason in unmarked.items():
        log.error(
            "connection %s did not get message %d of topic %r, and could not be marked "
            "as behind: %s",
            connection_id,
            message.position.offset,
            message.topic,
            reason,
        )
    failed = {
        each: f"not marked as behind: {reason}" for each, reason in unmarked.items()
    }
    return report.__replace__(
        throttled=report.throttled - failed.keys(),
        deferred=report.deferred - failed.keys(),
        failed={**report.failed, **failed},
    )


class _Pruning:
    """Forgets connections that are gone, and records what they have left.

    Attributes:
        ended: What they have left.
    """

    def __init__(self, members: MemberStore) -> None:
        self.ended: list[Ended] = []
        self._members = members

    def prune(
        self,
        connection_ids: Iterable[str],
        *,
        topic: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Pruned:
        ended = self._members.end_sessions(
            connection_ids, topic=topic, timeout_seconds=timeout_seconds
        )
        self.ended.append(ended)
        return ended
