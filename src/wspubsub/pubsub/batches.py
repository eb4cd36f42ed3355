"""Publications of a topic that are posted together, and which of them a member needs.

A member that was let in a moment ago has been told everything up to a position. What a
publisher brings of that is nothing new to it.
"""

from typing import TYPE_CHECKING, NamedTuple

from wspubsub.messages import SEPARATOR

if TYPE_CHECKING:
    from wspubsub.log.rules import Position


class Batch(NamedTuple):
    """What is posted to the members of a topic.

    Attributes:
        frame: What a member gets that needs all of it.
        positions: Where its publications stand in the topic's log, one for each line
            and in order; none if the topic has no history.
    """

    frame: bytes
    positions: "tuple[Position, ...]" = ()

    @property
    def offset(self) -> int:
        """Offset of the first publication; 0 if the topic has no history."""
        return self.positions[0].offset if self.positions else 0

    def count_told(self, told: tuple[str, int] | None) -> int:
        """Return how many of the publications a member has been told already.

        They are in order, so whoever was told one was told those before it too.

        Args:
            told: Epoch and offset up to which it was told everything.
        """
        if told is None:
            return 0
        epoch, offset = told
        known = (
            number
            for number, each in enumerate(self.positions, 1)
            if each.epoch == epoch and each.offset <= offset
        )
        return max(known, default=0)

    def frame_after(self, count: int) -> bytes:
        """Return what a member gets that was told the first publications, not all."""
        return self.frame.split(SEPARATOR, count)[count]
