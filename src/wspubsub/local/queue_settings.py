"""What the event source mapping of a queue is set to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """What the event source mapping is set to.

    Attributes:
        batch_size: How many messages an invocation gets at most (AWS: 10).
        visibility_seconds: How long a message is hidden while it is worked off.
    """

    batch_size: int = 10
    visibility_seconds: int = 180
