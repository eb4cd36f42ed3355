"""How much a single client may request."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from wspubsub.errors import UsageError
from wspubsub.records import Record

MAX_REMEMBERED = 10_000
"""Of how many connections an environment remembers when they published."""

MAX_READ_BYTES = 1_048_576
"""How large the replies to a frame become before it may read no more."""


class Limits(Record):
    """How much a single connection may request.

    Attributes:
        topics: How many topics it may be subscribed to, by the server as well; one more
            is error 106, or `TooManyTopicsError` where the server subscribes it. As
            many commands that read history or presence, renew a token or unsubscribe
            from what the connection is not subscribed to may be in a frame; one more is
            error 111, which clients may try again.
        publications_per_second: How many messages it may publish, on average over the
            last seconds; one more is error 111, which clients may try again. Each
            Lambda environment counts by itself, in memory, so this bounds what one
            environment does and not what a client does in all. None for any number.
        info_bytes: How much JSON the connect rule may say about a user: it is written
            with each connection and each presence, and sent with each join, leave and
            publication.

    Raises:
        UsageError: A number is not above 0.
    """

    topics: int = 128
    publications_per_second: float | None = 50.0
    info_bytes: int = 1024

    def __init__(
        self,
        *,
        topics: int = 128,
        publications_per_second: float | None = 50.0,
        info_bytes: int = 1024,
    ) -> None:
        for name, value in (
            ("topics", topics),
            ("publications_per_second", publications_per_second),
            ("info_bytes", info_bytes),
        ):
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be greater than 0, not {value!r:.80}")
        super().__init__(
            topics=topics,
            publications_per_second=publications_per_second,
            info_bytes=info_bytes,
        )


class Allowance:
    """How much one frame may ask for, besides subscribing to topics.

    Without it a frame of 30 KB can ask for 60 MB of history, or for a thousand writes.

    Args:
        commands: How many commands.
    """

    __slots__ = ("_commands", "_read_bytes")

    def __init__(self, commands: int) -> None:
        self._commands = commands
        self._read_bytes = 0

    def take(self) -> bool:
        """Return whether one more command is allowed, and count it."""
        self._commands -= 1
        return self._commands >= 0 and self._read_bytes <= MAX_READ_BYTES

    def count(self, reply: str) -> None:
        """Count a reply."""
        self._read_bytes += len(reply)


class Throttle:
    """Counts what connections publish: a token bucket for each, in memory.

    A connection may publish as many at once as in one second. Those that have not
    published for longest are forgotten, so that memory stays bounded.

    Args:
        per_second: How many are let through; None for any number.
        clock: Monotonic clock in seconds.
    """

    __slots__ = ("_buckets", "_burst", "_clock", "_lock", "_per_second")

    def __init__(self, per_second: float | None, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second or 0.0)
        self._clock = clock
        self._lock = Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, connection_id: str) -> bool:
        """Return whether the connection may publish now, and count it if so."""
        if self._per_second is None:
            return True
        now = self._clock()
        with self._lock:
            left, since = self._buckets.pop(connection_id, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._per_second)
            is_allowed = left >= 1.0
            self._buckets[connection_id] = (left - is_allowed, now)
            if len(self._buckets) > MAX_REMEMBERED:
                self._buckets.popitem(last=False)
        return is_allowed
