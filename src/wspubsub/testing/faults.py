"""Scripted failures of the Management API, per connection."""

import itertools
from collections.abc import Iterator

FORBIDDEN, GONE, TOO_LARGE, THROTTLED = 403, 410, 413, 429

SILENT = 0
"""Instead of a status: there is no answer."""

_ERROR_TYPES = {
    FORBIDDEN: "ForbiddenException",
    GONE: "GoneException",
    TOO_LARGE: "PayloadTooLargeException",
    THROTTLED: "LimitExceededException",
}


def error_type(status: int) -> str:
    """Return the AWS error code of a status; empty if it has none."""
    return _ERROR_TYPES.get(status, "")


class Faults:
    """Statuses that the next requests for a connection are answered with."""

    __slots__ = ("_scripts",)

    def __init__(self) -> None:
        self._scripts: dict[str, Iterator[int]] = {}

    def add(self, connection_id: str, status: int, times: int | None) -> None:
        """Add failures after those that are scripted already.

        Args:
            connection_id: The connection that cannot be reached.
            status: Status of the answer.
            times: How many requests fail; None for all that follow.
        """
        more = itertools.repeat(status, *([] if times is None else [times]))
        known = self._scripts.get(connection_id, iter(()))
        self._scripts[connection_id] = itertools.chain(known, more)

    def next(self, connection_id: str) -> int | None:
        """Return the status that the next request fails with; None if it does not."""
        return next(self._scripts.get(connection_id, iter(())), None)
