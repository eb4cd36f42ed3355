"""What became of a publish."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from wspubsub.connections import Outcome, PostOutcome
from wspubsub.errors import WspubsubError
from wspubsub.records import Record

if TYPE_CHECKING:
    from wspubsub.log.rules import Position

log = logging.getLogger("wspubsub")

_DELIVERED = Outcome.DELIVERED  # looked up once, not for each post


class PublishReport(Record):
    """What became of a message for each subscriber that it was meant for.

    `delivered`, `gone`, `not_ready`, `throttled`, `failed` and `deferred` together are
    exactly the subscribers, each counted once; a delivered one is only counted, so
    that the report stays small for any number of subscribers.

    Attributes:
        delivered: How many connections API Gateway took the message for.
        gone: Connections that no longer exist; they have been pruned. Where several
            APIs share a table, connections of the others are here as well, and have
            not been pruned if the store knows its own (`api=`).
        not_ready: Connections that were answered 410, but are so young that they may
            still be in their handshake. They have not been pruned, and do not make
            the report incomplete.
        throttled: Connections whose posts were answered with 429 to the end.
        failed: Connections whose posts failed otherwise, and why.
        deferred: Connections that the deadline left untried.
        unread: True if the deadline came before all subscribers were read, so that
            `deferred` does not name them all.
        position: Where the message stands in the topic's log, if there is one.
        repeated: True if the message with this key had been sent before, so that
            nothing was sent.
        queued: True if DynamoDB Streams or a queue carries the message on; who gets
            it is then known there, not here.
        reason: Why somebody was left out, if somebody was: one reason of perhaps many.
    """

    delivered: int = 0
    gone: frozenset[str] = frozenset()
    not_ready: frozenset[str] = frozenset()
    throttled: frozenset[str] = frozenset()
    failed: Mapping[str, str] = MappingProxyType({})
    deferred: frozenset[str] = frozenset()
    unread: bool = False
    position: "Position | None" = None
    repeated: bool = False
    queued: bool = False
    reason: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether everybody who is still connected got the message."""
        return not (self.throttled or self.failed or self.deferred or self.unread)

    def add(self, other: "PublishReport") -> "PublishReport":
        """Return what became of a message for the subscribers of two reports."""
        return self.__replace__(
            delivered=self.delivered + other.delivered,
            gone=self.gone | other.gone,
            not_ready=self.not_ready | other.not_ready,
            throttled=self.throttled | other.throttled,
            failed={**self.failed, **other.failed},
            deferred=self.deferred | other.deferred,
            unread=self.unread or other.unread,
            reason=self.reason or other.reason,
        )

    def describe(self) -> str:
        """Return who did not get the message, and why, in words for a log."""
        counts = {
            "throttled": len(self.throttled),
            "failed": len(self.failed),
            "not tried": len(self.deferred),
        }
        words = [f"{count} {what}" for what, count in counts.items() if count]
        if self.unread:
            words.append("not all subscribers read")
        told = f" ({self.reason})" if self.reason else ""
        return f"{self.delivered} delivered, {', '.join(words)}{told}"

    @property
    def left_over(self) -> frozenset[str]:
        """Connections that may still exist and did not get the message."""
        return self.throttled.union(self.deferred, self.failed, self.not_ready)


class PublishError(WspubsubError):
    """A publish stopped halfway and can say nothing about the rest.

    The cause is the error that stopped it.

    Attributes:
        report: What had become of the subscribers until then.
    """

    def __init__(self, cause: WspubsubError, report: PublishReport) -> None:
        super().__init__(
            f"publish stopped after {report.delivered} deliveries: {cause}"
        )
        self.report = report


def warn_of_incomplete(report: PublishReport, whom: str) -> PublishReport:
    """Log a warning if anybody was left out, and return the report.

    Few look at what a publish returns, and nobody should find out from the clients.
    """
    if not report.is_complete:
        log.warning("a message did not reach %s: %s", whom, report.describe())
    return report


class Tally:
    """Counts outcomes up to a report."""

    __slots__ = (
        "_reason",
        "deferred",
        "delivered",
        "failed",
        "gone",
        "throttled",
        "unread",
    )

    def __init__(self) -> None:
        self._reason = ""
        self.delivered = 0
        self.gone: list[str] = []
        self.throttled: list[str] = []
        self.failed: dict[str, str] = {}
        self.deferred: list[str] = []
        self.unread = False

    def add(self, result: PostOutcome) -> None:
        """Count what became of one post."""
        connection_id, outcome, reason = result
        if outcome is _DELIVERED:
            self.delivered += 1
        elif outcome is Outcome.GONE:
            self.gone.append(connection_id)
        elif outcome is Outcome.THROTTLED:
            self.throttled.append(connection_id)
        elif outcome is Outcome.DEFERRED:
            self.deferred.append(connection_id)
        else:
            self.failed[connection_id] = reason

    def leave_unread(self, reason: str) -> None:
        """Note that not all subscribers were read, and why."""
        self.unread = True
        self._reason = reason

    @property
    def reason(self) -> str:
        """Why a connection was left out; reasons other than time come first."""
        if self.failed:
            return next(iter(self.failed.values()))
        if self.throttled:
            return "429: the client reads too slowly, or the account is throttled"
        return self._reason or ("the time ran out" if self.deferred else "")

    def report(self, young: frozenset[str] = frozenset()) -> PublishReport:
        """Return what has been counted until now.

        Args:
            young: Connections that were answered 410, but may still be in their
                handshake.
        """
        return PublishReport(
            delivered=self.delivered,
            gone=frozenset(self.gone) - young,
            not_ready=young,
            throttled=frozenset(self.throttled),
            failed=self.failed,
            deferred=frozenset(self.deferred),
            unread=self.unread,
            reason=self.reason,
        )
