"""One request on its way through the engine, and how it ends."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from wspubsub.aws.http_response import Response
from wspubsub.backoff import full_jitter


class Verdict(Enum):
    """What an answer means for its request."""

    FINAL = "final"
    THROTTLED = "throttled"
    """Try again later, and send less."""
    BROKEN = "broken"
    """Try again later."""


class Result(NamedTuple):
    """How a request ended.

    Attributes:
        tag: The caller's name for the request.
        response: The last answer, None if there was none.
        error: Why there was no answer.
        was_tried: False if the deadline came first.
    """

    tag: str
    response: Response | None
    error: str = ""
    was_tried: bool = True


class Exchange:
    """One request on its way to its result.

    Args:
        tag: The caller's name for the request.
        draw: Source of numbers from 0 to 1, for back-off; `random.random` if None.

    Attributes:
        attempts: How often it has failed.
        addresses_failed: How many addresses could not be connected to in this attempt.
        needs_fresh: Whether it goes over a new connection next.
        is_connecting: Whether its connection is still being made.
        times_out_at: When the attempt is given up, on the engine's clock.
        response: The last answer, None if there was none.
        error: Why there was no answer.
    """

    __slots__ = (
        "_delays",
        "_draw",
        "addresses_failed",
        "attempts",
        "error",
        "is_connecting",
        "needs_fresh",
        "response",
        "tag",
        "times_out_at",
    )

    def __init__(self, tag: str, draw: Callable[[], float] | None) -> None:
        self.tag = tag
        self._draw = draw
        self._delays: Iterator[float] | None = None
        self.attempts = 0
        self.addresses_failed = 0
        self.needs_fresh = False
        self.response: Response | None = None
        self.error = ""
        self.is_connecting = False
        self.times_out_at = 0.0

    def next_delay(self) -> float:
        """Return how long to wait before the next attempt, in seconds."""
        if self._delays is None:  # nearly every request needs none
            self._delays = full_jitter(self._draw)
        return next(self._delays)

    def result(self) -> Result:
        """Return how the request has ended, as far as it got."""
        return Result(self.tag, self.response, self.error)
