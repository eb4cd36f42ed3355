"""One request on its way through the engine, and how it ends."""

from enum import Enum
from typing import NamedTuple

from wspubsub.engine.response import HttpResponse
from wspubsub.engine.schedule import Attempt


class Verdict(Enum):
    """What an answer means for its request."""

    FINAL = "final"
    THROTTLED = "throttled"
    """Try again later: the account, or this connection, takes no more at the moment."""
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
    response: HttpResponse | None
    error: str = ""
    was_tried: bool = True


class Exchange(Attempt):
    """One request on its way to its result.

    Args:
        tag: The caller's name for the request.

    Attributes:
        addresses_failed: How many addresses could not be connected to in this attempt.
        needs_fresh: Whether it goes over a new connection next.
        is_connecting: Whether its connection is still being made.
        times_out_at: When the attempt is given up, on the engine's clock.
        response: The last answer, None if there was none.
        error: Why there was no answer.
    """

    addresses_failed = 0
    needs_fresh = False
    is_connecting = False
    times_out_at = 0.0
    response: HttpResponse | None = None
    error = ""

    def result(self) -> Result:
        """Return how the request ended, as far as it got."""
        was_tried = self.response is not None or bool(self.error)
        return Result(self.tag, self.response, self.error, was_tried)
