"""What this process knows of topics to which many append at once.

A message that another writer offers may be carried only by who knows that it is not in
the log yet. So of such a topic every entry is read from a certain one on, and the IDs
of its messages are remembered: of an offer whose writer knew the log up to there or
further, it is known whether it is still open. All other offers are left alone.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_items import Tail, is_genesis, read_messages, read_tail
from wspubsub.dynamodb.log_offers import (
    MAX_CARRIED,
    MAX_CARRIED_BYTES,
    Offer,
    is_offer,
    is_recent,
    offer_of,
    read_offer,
    size_of,
)
from wspubsub.log.drafts import Draft
from wspubsub.log.rules import LoggedMessage

MAX_TOPICS = 1000
MAX_REMEMBERED = 2000
"""Messages of a topic whose IDs are remembered: those of some seconds."""

FRESH_SECONDS = 1.0
"""How long a topic counts as crowded after others were seen, and may be read on."""


class News(NamedTuple):
    """What one look at a topic has found.

    Attributes:
        tail: The newest entry.
        own: The message of the append that looked, if it is in the log by now.
        is_first: Whether this append, of all that wait, is to write the next entry.
        others: The messages to carry, those that have waited longest first.
    """

    tail: Tail
    own: LoggedMessage | None
    is_first: bool
    others: list[Draft]


class Crowd:
    """What is known of one topic: every message after a certain offset.

    It is safe to use from several threads.

    Args:
        tail: The newest entry, as it was looked up.
        now: When that was.
        name: Text that no other process has.
    """

    def __init__(self, tail: Tail, now: float, name: str) -> None:
        self._lock = threading.Lock()
        self._tail = tail
        self._known_after = tail.position.offset
        self._offsets: dict[str, int] = {}
        self._own: dict[str, LoggedMessage | None] = {}
        self._name = name
        self._places: dict[str, str] = {}
        self._read_at = now
        self._others_at = now
        self._waiting = 0

    @property
    def tail(self) -> Tail:
        """The newest entry that is known."""
        return self._tail

    @property
    def waiting(self) -> int:
        """How many messages waited when it was last looked at."""
        return self._waiting

    def is_fresh(self, now: float) -> bool:
        """Return whether what is known may be read on."""
        return bool(self._own) or 0 <= now - self._read_at <= FRESH_SECONDS

    def is_busy(self, now: float) -> bool:
        """Return whether others have just appended, or wanted to."""
        return 0 <= now - self._others_at <= FRESH_SECONDS

    def join(self, drafted: Draft, now: float) -> Offer:
        """Return an offer of a message; `leave` ends what begins here."""
        with self._lock:
            taken = self._places.values()
            numbers = range(len(self._places) + 1)
            place = next(
                place
                for number in numbers
                if (place := f"{self._name}{number}") not in taken
            )
            self._places[drafted.id] = place
            self._own[drafted.id] = None
            return offer_of(drafted, self._tail.position, place, now)

    def leave(self, drafted: Draft) -> None:
        """Note that nobody here waits for a message any longer."""
        with self._lock:
            del self._places[drafted.id], self._own[drafted.id]

    def note(self, items: Iterable[Item], drafted: Draft, now: float) -> News | None:
        """Read what follows on the tail that was known, in order: entries and offers.

        Returns:
            What that means for a message; None if entries are missing, so that it
            cannot be known whether it is in the log.
        """
        with self._lock:
            offers = []
            for item in items:
                if is_offer(item):
                    offers.append(read_offer(item))
                elif not self._read(item):
                    return None
            self._read_at = now
            waiting = self._find_open(offers, now)
            ids = [each.id for each in waiting]
            own = drafted.id in ids
            if offers:
                self._waiting = len(ids)
            if len(ids) > own:
                self._others_at = now
            return News(
                self._tail,
                self._own[drafted.id],
                not own or ids[0] == drafted.id,
                list(_fitting(each for each in waiting if each.id != drafted.id)),
            )

    def add(self, tail: Tail, messages: Sequence[LoggedMessage]) -> None:
        """Note an entry that this process has written; a genesis has no messages."""
        with self._lock:
            self._add(tail, messages)

    def _read(self, item: Item) -> bool:
        return self._add(
            read_tail(item), () if is_genesis(item) else read_messages(item)
        )

    def _add(self, tail: Tail, messages: Sequence[LoggedMessage]) -> bool:
        following = self._tail.position.offset + 1
        if tail.begins_at != following:
            # Another thread may have read it already.
            return tail.begins_at < following
        self._tail = tail
        self._waiting = len(messages)
        if not messages:
            self._known_after = tail.position.offset
            self._offsets.clear()
        for message in messages:
            self._offsets[message.id] = message.position.offset
            if message.id in self._own:
                self._own[message.id] = message
            else:
                self._others_at = max(self._others_at, self._read_at)
        while len(self._offsets) > MAX_REMEMBERED:
            oldest = next(iter(self._offsets))
            self._known_after = self._offsets.pop(oldest)
        return True

    def _find_open(self, offers: Iterable[Offer], now: float) -> list[Draft]:
        """Return the messages that are known not to be in the log."""
        recent = [each for each in offers if is_recent(each, now)]
        still_open = [each for each in recent if self._is_open(each)]
        # Nobody is passed over for long, and all who look see the same one first.
        still_open.sort(key=lambda each: (each.since.offset, each.drafted.id))
        return [each.drafted for each in still_open]

    def _is_open(self, offer: Offer) -> bool:
        epoch, newest = self._tail.position
        return (
            offer.since.epoch == epoch
            and self._known_after <= offer.since.offset <= newest
            and offer.drafted.id not in self._offsets
        )


class Crowds:
    """The topics to which many append at once. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, Crowd] = {}
        self._name = os.urandom(6).hex() + "."

    def find(self, topic: str, now: float) -> Crowd | None:
        """Return what is known of a topic, unless it is too old to be read on."""
        crowd = self._topics.get(topic)
        return crowd if crowd is not None and crowd.is_fresh(now) else None

    def begin(self, topic: str, tail: Tail, now: float) -> Crowd:
        """Begin to know a topic, whose newest entry was just looked up."""
        with self._lock:
            known = self.find(topic, now)
            if known is not None:
                return known
            self._topics.pop(topic, None)
            crowd = self._topics[topic] = Crowd(tail, now, self._name)
            if len(self._topics) > MAX_TOPICS:
                del self._topics[next(iter(self._topics))]
            return crowd


def _fitting(drafts: Iterable[Draft]) -> Iterator[Draft]:
    left = MAX_CARRIED_BYTES
    for drafted, _ in zip(drafts, range(MAX_CARRIED), strict=False):
        left -= size_of(drafted)
        if left < 0:
            return
        yield drafted
