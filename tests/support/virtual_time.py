"""Time for tests that passes only while somebody waits."""

from collections.abc import Callable

NOW = 1_800_000_000.0


class VirtualTime:
    """Clocks that stand still, and a sleep that moves them.

    Attributes:
        passed: Seconds since the beginning.
        waits: How long each sleep was.
        when_asleep: What happens during each sleep.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self.waits: list[float] = []
        self.when_asleep: Callable[[], object] = lambda: None

    def now(self) -> float:
        return NOW + self.passed

    def clock(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.passed += seconds
        self.when_asleep()

    def context(self, seconds: float = 29.0) -> "Context":
        """Return the context of a Lambda function that begins now."""
        return Context(self, seconds)


class Context:
    """A Lambda context."""

    def __init__(self, time: VirtualTime, seconds: float) -> None:
        self._time = time
        self._until = time.passed + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._until - self._time.passed) * 1000))


class Clock:
    """A clock that stands until it is told to move."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds
