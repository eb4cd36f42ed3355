"""The clock of a local gateway, which can be ahead of real time."""

import time


class Clock:
    """Real time, and by how much it was advanced.

    Attributes:
        offset: By how many seconds it is ahead.
    """

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return the time, in seconds since the epoch."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass at once."""
        self.offset += seconds
