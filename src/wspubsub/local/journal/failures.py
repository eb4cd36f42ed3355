"""Errors, each of which the log shows once."""

from collections import Counter
from collections.abc import Hashable

from wspubsub.gateway import Raised
from wspubsub.local.functions.environment import OutputLine
from wspubsub.local.functions.waiting import InvocationOutcome
from wspubsub.local.journal.frames import Frames

_REPORT = "[ERROR] "
"""How the runtime begins to write what a handler has raised, on stderr."""

MAX_KNOWN = 1_000
"""How many errors are known at most."""

MAX_HELD = 1_000
"""How many lines are held back at most."""


class Failures:
    """Counts errors, and holds tracebacks back until it is known whether they are new.

    Two errors are the same if their type, their text and where they were raised are.
    """

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()
        self._held: dict[str, list[str]] = {}
        self._frames: dict[tuple[str, str], Frames] = {}

    def forget(self) -> None:
        """Take every error for a new one: the code has changed."""
        self._counts.clear()

    def count(self, failure: Hashable) -> int:
        """Count an error and return how often it has happened."""
        if len(self._counts) >= MAX_KNOWN:  # strangers make errors too
            self._counts.clear()
        self._counts[failure] += 1
        return self._counts[failure]

    def take(self, line: OutputLine) -> list[str]:
        """Return the lines to show after a worker has written one."""
        held = self._held.get(line.environment)
        if held is None:
            begins = line.stream == "stderr" and line.text.startswith(_REPORT)
            if begins and line.invocation_id:
                self._held[line.environment] = [line.text]
                return []
        frames = self._frames.setdefault((line.environment, line.stream), Frames())
        shown = frames.take(line.text)
        if held is None or line.stream != "stderr":
            return shown
        held += shown
        # Something else may have begun like that.
        return [] if len(held) < MAX_HELD else self._held.pop(line.environment)

    def end(self, outcome: InvocationOutcome) -> tuple[int, list[str]]:
        """Return how often an invocation's error has happened, and lines to show.

        These are its traceback the first time. Without an error it is 0, and the lines
        are whatever was held back.
        """
        held = self._held.pop(outcome.environment, [])
        result = outcome.result
        if not isinstance(result, Raised):
            return 0, held
        failure = (result.error_type, result.message, result.stack_trace)
        times = self.count(failure)
        self.count(
            f"{result.error_type}: {result.message}"
        )  # what a client's error has
        # The traceback ends with what its first line says.
        return times, held[1:] if times == 1 else []
