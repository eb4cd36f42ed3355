"""What this environment has done about stream records that may be redelivered.

Lambda redelivers a record and all those behind it, usually to the same environment.
What is remembered here keeps those who have a message from getting it again; a new
environment remembers nothing and delivers once more, which is harmless.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from wspubsub.connections import Outcome, PostOutcome

REMEMBERED = 10_000
"""The maximum number of records in a batch."""

REMEMBERED_SECONDS = 900.0
"""A record that was not redelivered by then will not be: its retries are used up."""

_SETTLED = {Outcome.DELIVERED, Outcome.GONE}


def is_settled(result: PostOutcome) -> bool:
    """Return whether a connection has a message, or is gone."""
    return result.outcome in _SETTLED


class RecordProgress:
    """What has become of one record.

    Attributes:
        reached: Connections that have the message, or that are gone, until all of the
            topic's subscribers have been tried.
        is_tried: Whether they have.
        left: Those who have been tried and are still to get the message.
        others_reached: Whether others were reached when those were not.
    """

    __slots__ = ("is_tried", "left", "others_reached", "reached")

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self.is_tried = False
        self.left: set[str] = set()
        self.others_reached = False

    def add(self, result: PostOutcome) -> None:
        """Note the outcome of a post."""
        if is_settled(result):
            self.left.discard(result.connection_id)
            if not self.is_tried:
                self.reached.add(result.connection_id)

    def settle(self, left: set[str]) -> None:
        """Note who is left, now that all have been tried."""
        self.is_tried = True
        self.left = left
        self.reached = set()


class ProgressMemory:
    """Remembers the progress of the latest records.

    Args:
        clock: Monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, RecordProgress]] = OrderedDict()

    def of(self, change_id: str) -> RecordProgress:
        """Return the progress of a record, by its ID."""
        now = self._clock()
        self._forget_old(now)
        _, progress = self._known.pop(change_id, (now, RecordProgress()))
        self._known[change_id] = (now, progress)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return progress

    def forget(self, change_id: str) -> None:
        """Forget a record that will not be redelivered."""
        self._known.pop(change_id, None)

    def _forget_old(self, now: float) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if self._known[oldest][0] > now - REMEMBERED_SECONDS:
                return
            del self._known[oldest]
