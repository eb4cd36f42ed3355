"""The clock of a local gateway, which can jump ahead of real time."""

import time


class Clock:
    """Real time, and what it has jumped.

    Attributes:
        offset: By how many seconds it is ahead.
    """

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return the time, in seconds since the epoch."""
        return time.time() + self.offset

    def jump(self, seconds: float) -> None:
        """Move ahead."""
        self.offset += seconds
