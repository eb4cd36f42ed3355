"""What this environment has done about stream records that may come again.

Lambda redelivers a record and all those behind it, usually to the same environment.
What is remembered here keeps those who have a message from getting it again; a new
environment remembers nothing and delivers once more, which is harmless.
"""

from collections import OrderedDict

from wspubsub.connections import Outcome, PostOutcome

REMEMBERED = 10_000
"""As many records as a batch can have."""

_SETTLED = {Outcome.DELIVERED, Outcome.GONE}


class Progress:
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
        """Take what became of a post."""
        if result.outcome in _SETTLED:
            self.left.discard(result.connection_id)
            if not self.is_tried:
                self.reached.add(result.connection_id)

    def settle(self, left: set[str]) -> None:
        """Take who is left, now that all have been tried."""
        self.is_tried = True
        self.left = left
        self.reached = set()


class ProgressMemory:
    """Remembers the progress of the latest records."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Progress] = OrderedDict()

    def of(self, change_id: str) -> Progress:
        """Return the progress of a record, by its ID."""
        progress = self._known.setdefault(change_id, Progress())
        self._known.move_to_end(change_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return progress

    def forget(self, change_id: str) -> None:
        """Forget a record that does not come again."""
        self._known.pop(change_id, None)
