"""The lines of the log as they are written."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TextIO

from wspubsub.gateway.times import iso_8601
from wspubsub.local.journal.texts import DIM, fold

INDENT = " " * 20
"""What is left of a text: the time, and what it is about."""


class Lines:
    """Writes lines, until nobody takes them any more.

    Args:
        stream: Where to.
        as_json: Whether each line is a JSON object.
        is_colored: Whether text may hold colors.
        find_columns: Says how wide a terminal is; lines are not folded without it.
        now: Clock, in seconds since the epoch.
        on_broken: Called once when the stream takes no more, with the reason.

    Attributes:
        as_json: See above.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        as_json: bool = False,
        is_colored: bool = False,
        find_columns: Callable[[], int] | None = None,
        now: Callable[[], float] = time.time,
        on_broken: Callable[[OSError], None] = lambda _error: None,
    ) -> None:
        self.as_json = as_json
        self._stream = stream
        self._is_colored = is_colored
        self._find_columns = find_columns
        self._now = now
        self._on_broken = on_broken
        self._is_broken = False

    def report(
        self,
        kind: str,
        record: Mapping[str, object],
        text: str,
        *,
        subject: str = "",
        color: str = "",
    ) -> None:
        """Write a record, or its text with the time and what it is about."""
        moment = datetime.fromtimestamp(self._now()).astimezone()
        clock = self.paint(moment.isoformat(timespec="milliseconds")[11:23], DIM)
        if self._find_columns is not None:
            width = max(self._find_columns() - len(INDENT), len(INDENT))
            text = f"\n{INDENT}".join(fold(text, width))
        self.write(kind, record, f"{clock} {subject:<6} {self.paint(text, color)}")

    def write(self, kind: str, record: Mapping[str, object], text: str) -> None:
        """Write a record, or the text for people if there is one."""
        if self.as_json:
            text = json.dumps({"time": iso_8601(self._now()), "kind": kind, **record})
        if not text or self._is_broken:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError as error:
            self._is_broken = True
            self._on_broken(error)

    def paint(self, text: str, color: str) -> str:
        """Return a text in a color, if there are any."""
        return f"\x1b[{color}m{text}\x1b[0m" if color and self._is_colored else text
