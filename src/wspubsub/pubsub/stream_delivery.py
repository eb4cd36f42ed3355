"""Delivering what the table's stream has brought to the members of topics."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wspubsub.connections import PostOutcome
from wspubsub.delivery import Budget
from wspubsub.errors import WspubsubError
from wspubsub.pubsub.announcer import Announcer
from wspubsub.pubsub.batches import Batch
from wspubsub.pubsub.posting import MemberDelivery, Posted
from wspubsub.pubsub.publications import encode_logged
from wspubsub.reports import PublishReport

if TYPE_CHECKING:
    from wspubsub.log.rules import LoggedMessage

PATIENCE_SECONDS = 0.25
"""How long a member that fails may hold up everybody behind it in the stream."""


class NotDeliveredError(WspubsubError):
    """Some members neither got a message nor were marked, so it must be redelivered."""


class StreamDelivery:
    """Is the `Joiner` of a `StreamHandler`, for the messages of topics with history.

    Args:
        members: Posts to the members of topics.
        announcer: Tells the others who was found gone.
        owns: Says whether a topic's messages are delivered by this object.
    """

    def __init__(
        self,
        members: MemberDelivery,
        announcer: Announcer,
        owns: Callable[[str], bool],
    ) -> None:
        self._members = members
        self._announcer = announcer
        self._owns = owns

    def takes(self, message: "LoggedMessage") -> bool:
        """See `Joiner.takes`."""
        return self._owns(message.topic)

    def encode(self, message: "LoggedMessage") -> bytes:
        """See `Joiner.encode`."""
        return encode_logged(message)

    def deliver(
        self,
        messages: Sequence["LoggedMessage"],
        frame: bytes,
        *,
        exclude: frozenset[str],
        heard: Callable[[PostOutcome], object],
        gives_up: Callable[[PublishReport], bool],
        timeout_seconds: float,
    ) -> None:
        """See `Joiner.deliver`.

        Raises:
            NotDeliveredError: Members were left out and not given up, or could not be
                marked.
            PublishError: The store or the Management API failed halfway.
        """
        batch = Batch(frame, tuple(each.position for each in messages))
        budget = self._members.budget(timeout_seconds)
        posted = self._members.deliver(
            messages[0].topic,
            batch,
            exclude=exclude,
            budget=budget,
            patience_seconds=PATIENCE_SECONDS,
            heard=heard,
        )
        try:
            self._settle(posted, gives_up, budget)
        finally:
            # They are found gone only once, whether the message comes again or not.
            self._announcer.tell_ended(posted.ended, budget)

    def _settle(
        self,
        posted: Posted,
        gives_up: Callable[[PublishReport], bool],
        budget: Budget,
    ) -> None:
        if posted.error is not None:
            raise posted.error
        report = posted.report
        if not report.is_complete and not gives_up(report):
            raise NotDeliveredError(
                f"not every subscriber was reached: {report.describe()}"
            )
        if posted.untraced:
            raise NotDeliveredError(
                f"{len(posted.untraced)} member(s) on their way in could not be left "
                "a trace"
            )
        unmarked = self._members.settle(posted, budget)
        if unmarked:
            connection_id, reason = next(iter(unmarked.items()))
            raise NotDeliveredError(
                f"{len(unmarked)} member(s) were neither reached nor marked, such "
                f"as {connection_id}: {reason}"
            )
