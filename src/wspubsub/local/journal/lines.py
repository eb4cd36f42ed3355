"""The lines of the log as they are written."""

import json
import time
from collections.abc import Callable, Mapping
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
        self._second, self._time = -1, ""

    def report(
        self,
        kind: str,
        record: Mapping[str, object],
        *texts: str,
        subject: str = "",
        color: str = "",
    ) -> None:
        """Write a record, or lines with the time and what they are about."""
        if self.as_json:
            self.write(kind, record, "")
            return
        begin = f"{self.paint(self._read_clock(), DIM)} {subject:<6} "
        lines = [begin + self.paint(self._fold(text), color) for text in texts if text]
        # Together, since a write to a terminal takes longer than all the rest.
        self.write(kind, record, "\n".join(lines))

    def _fold(self, text: str) -> str:
        if self._find_columns is None:
            return text
        width = max(self._find_columns() - len(INDENT), len(INDENT))
        return f"\n{INDENT}".join(fold(text, width))

    def _read_clock(self) -> str:
        """Return the local time of day, to the millisecond."""
        second, millisecond = divmod(int(self._now() * 1000), 1000)
        if second != self._second:  # there may be thousands of lines in one
            self._second = second
            self._time = time.strftime("%H:%M:%S", time.localtime(second))
        return f"{self._time}.{millisecond:03}"

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
        is_painted = text and color and self._is_colored
        return f"\x1b[{color}m{text}\x1b[0m" if is_painted else text
