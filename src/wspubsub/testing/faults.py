"""Scripted failures of the Management API, per connection."""

import itertools
from collections.abc import Iterator

from wspubsub.gateway import management

GONE, TOO_LARGE, THROTTLED = 410, 413, 429

SILENT = 0
"""Instead of a status: no answer."""

_ERROR_TYPES = {
    each.status: each.error_type
    for each in (
        management.FORBIDDEN,
        management.GONE,
        management.TOO_LARGE,
        management.LIMIT_EXCEEDED,
    )
}


def error_type(status: int) -> str:
    """Return the AWS error code of a status, or an empty text."""
    return _ERROR_TYPES.get(status, "")


class Faults:
    """The statuses with which the next requests for a connection are answered."""

    __slots__ = ("_scripts",)

    def __init__(self) -> None:
        self._scripts: dict[str, Iterator[int]] = {}

    def add(self, connection_id: str, status: int, times: int | None) -> None:
        """Add failures after those that are already scripted.

        Args:
            connection_id: The connection that cannot be reached.
            status: Status of the answer.
            times: How many requests fail; None for all that follow.
        """
        more = itertools.repeat(status, *([] if times is None else [times]))
        known = self._scripts.get(connection_id, iter(()))
        self._scripts[connection_id] = itertools.chain(known, more)

    def next(self, connection_id: str) -> int | None:
        """Return the status with which the next request fails, or None."""
        return next(self._scripts.get(connection_id, iter(())), None)
