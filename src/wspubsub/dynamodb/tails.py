"""What this process knows about the newest entries of logs, and when to write.

Knowing the newest entry saves a read, as long as nobody else writes. If others do, a
write after the known entry would fail: it costs a write unit and finds its place taken.
So after the first trace of another writer, this one looks before it writes, for its
next few appends to that topic.

Of all writers at the same time, one wins. It would win again and again, since only the
others have to look where the log ends now: so it lets them go first for as long as it
had to wait itself. A writer that appends without a pause never notices others, since
they always come too late; so it pauses now and then.
"""

import threading

from wspubsub.backoff import full_jitter
from wspubsub.dynamodb.log_items import Tail
from wspubsub.dynamodb.tries import BASE_SECONDS, CAP_SECONDS

MAX_TOPICS = 1000
LOOKS = 10
"""How many appends look first after a trace of another writer."""

MAX_IN_A_ROW = 50
RAPID_SECONDS = 0.02
"""Appends that follow each other faster leave no time for others."""

PAUSE_SECONDS = 0.06


class _Topic:
    """What is known about one topic.

    Attributes:
        tail: Its newest entry; None if it is not known.
        looks: How many appends are still to look first.
        in_a_row: How many appends of this process followed on each other rapidly.
        window: How long the last append had to wait for its turn at most.
        won_at: When the last append ended.
    """

    __slots__ = ("in_a_row", "looks", "tail", "window", "won_at")

    def __init__(self) -> None:
        self.tail: Tail | None = None
        self.looks = 0
        self.in_a_row = 0
        self.window = 0.0
        self.won_at = 0.0


class Tails:
    """What is known about each of the topics used last.

    It may be out of date: who writes after it finds its place taken then. It is safe
    to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}

    def seconds_to_wait(self, topic: str, now: float) -> float:
        """Return how long others may go first before an append begins."""
        with self._lock:
            known = self._topics.get(topic)
            if known is None or not known.window:
                return 0.0
            idle = max(0.0, now - known.won_at)
            return max(0.0, next(full_jitter(base_seconds=known.window)) - idle)

    def get(self, topic: str) -> Tail | None:
        """Return the newest entry of a topic, unless it must be looked up."""
        with self._lock:
            known = self._topics.get(topic)
            return None if known is None or known.looks else known.tail

    def compare(self, topic: str, newest: Tail | None) -> None:
        """Note what was found by looking before the first attempt of an append."""
        with self._lock:
            known = self._topics.get(topic)
            if known is None or known.tail is None:
                return
            is_alone = newest == known.tail
            known.looks = max(0, known.looks - 1) if is_alone else LOOKS

    def lose(self, topic: str) -> None:
        """Note that another writer took the place of an append."""
        with self._lock:
            self._touch(topic).looks = LOOKS

    def win(self, topic: str, tail: Tail, *, losses: int, now: float) -> None:
        """Remember what was written, unless a newer entry is known."""
        with self._lock:
            known = self._touch(topic)
            if known.tail is None or not _is_older(tail, known.tail):
                known.tail = tail
            is_rapid = not known.looks and 0 <= now - known.won_at < RAPID_SECONDS
            known.in_a_row = known.in_a_row + 1 if is_rapid else 0
            known.window = _window(known, losses)
            known.won_at = now

    def _touch(self, topic: str) -> _Topic:
        # It stands last now among those that may have to go.
        known = self._topics.pop(topic, _Topic())
        self._topics[topic] = known
        if len(self._topics) > MAX_TOPICS:
            del self._topics[next(iter(self._topics))]
        return known


def _is_older(tail: Tail, known: Tail) -> bool:
    is_same = tail.position.epoch == known.position.epoch
    return is_same and tail.position.offset < known.position.offset


def _window(known: _Topic, losses: int) -> float:
    if losses:
        return min(BASE_SECONDS * 2.0 ** (losses - 1), CAP_SECONDS)
    is_time = known.in_a_row and known.in_a_row % MAX_IN_A_ROW == 0
    return PAUSE_SECONDS if is_time else 0.0
