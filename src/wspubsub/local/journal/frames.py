"""The library's own frames in tracebacks, which its user need not see."""

import re
from pathlib import Path

import wspubsub

_FRAME = re.compile(r'([ |]*)File "(.+)", line \d+, in ')
_OWN = str(Path(wspubsub.__file__).parent)
# A handler may be deployed with another copy of it.
_INSTALLED = re.compile(r"-packages[/\\]wspubsub[/\\]")


class Frames:
    """Folds the library's frames in what one environment writes, line by line."""

    def __init__(self) -> None:
        self._folded = 0
        self._indent = ""

    def take(self, text: str) -> list[str]:
        """Return the lines to show after a line has come."""
        frame = _FRAME.match(text)
        if frame and (frame[2].startswith(_OWN) or _INSTALLED.search(frame[2])):
            self._folded += 1
            self._indent = frame[1]
            return []
        if self._folded and not frame and self._is_of_frame(text):
            return []
        return [*self._end(), text]

    def _is_of_frame(self, text: str) -> bool:
        # The source, what marks a part of it, and how often a frame is repeated.
        return text.startswith((f"{self._indent}  ", f"{self._indent}[Previous line"))

    def _end(self) -> list[str]:
        if not self._folded:
            return []
        frames = "frame" if self._folded == 1 else "frames"
        line = f"{self._indent}… {self._folded} {frames} of wspubsub"
        self._folded = 0
        return [line]
