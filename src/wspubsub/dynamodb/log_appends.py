"""How messages get into logs in DynamoDB: one after the other, or several together.

A write is in one of three states::

    sent ──┬─▶ taken: nobody had the offset ─────────────▶ appended
           ├─▶ beaten: another entry has the offset ─────▶ look again, next offset
           └─▶ unknown: the answer is lost, or no time ──▶ the same write once more

Who repeats an unknown one as it was, at the same offset, learns which of the others it
was: its ID is there already, or another's is, and then the first attempt can no longer
take effect. So one call never puts a message in the log twice.

Who was beaten twice stops running: it offers its message beside the log. One of those
that wait writes the next entry and carries the messages of all others in it, who then
find them there::

    offered ──▶ looked ──┬─▶ found in the log: another has carried it ───▶ appended
                         ├─▶ its turn: read all offers, write an entry ──▶ as above
                         └─▶ the turn of another: pause a moment ────────▶ look again

It is written once nevertheless. Whoever writes it at an offset has read that it is at
none before, and no two entries have the same offset.
"""

from collections.abc import Callable
from functools import partial

from wspubsub.backoff import full_jitter
from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_crowds import Crowd, Crowds
from wspubsub.dynamodb.log_items import (
    LogEntry,
    Tail,
    entry_after,
    genesis_after,
    is_live,
    key_item,
    read_digest,
    read_first,
    read_id,
    read_is_sent,
    read_published_at,
)
from wspubsub.dynamodb.log_offers import may_be_offered
from wspubsub.dynamodb.log_requests import LogRequests
from wspubsub.dynamodb.tails import Tails
from wspubsub.dynamodb.tries import Tries, make_timeout_error, report_timeout
from wspubsub.errors import KeyConflictError
from wspubsub.log.drafts import Draft, digest
from wspubsub.log.rules import Appended, History, is_served

MAY_BE_APPENDED = (
    "did not confirm a message in time",
    "it may have been appended, so append it again with a key, the same each time",
)
_MAY_BE_BEGUN = ("was not begun in time", "it is safe to try again")

MOST_LOSSES = 2
"""How often a message that may be offered is beaten before it is: at a moderate rate
the second attempt succeeds, and an offer costs a write."""

OFFER_SECONDS = 1.0
"""With less time left, there may be none to see who carries an offer."""

PATIENCE = 3
"""After this many looks in vain, whoever is first has probably stopped."""

FEW = 2
"""So few agree on who is first: each of them reads all offers."""

DRAWN = 1.5
"""Of more, who reads them and writes is drawn: about this many with each look of all.
Fewer leave the others waiting, and more come second in vain, which costs writes."""

SECONDS_PER_WAITER, MAX_WAIT_SECONDS = 0.001, 0.02
"""The more wait, the longer one waits for them before the first look."""


class Appender:
    """Appends messages to the logs of a table. Safe to use from several threads.

    Args:
        requests: The table.
        now: Clock, in seconds since the epoch.
    """

    def __init__(self, requests: LogRequests, now: Callable[[], float]) -> None:
        self._requests = requests
        self._now = now
        self._tails = Tails()
        self._crowds = Crowds()

    def append(self, drafted: Draft, history: History, tries: Tries) -> Appended:
        """Append a message; see `TopicLog.append`."""
        with report_timeout(drafted.topic, MAY_BE_APPENDED):
            return self._append(drafted, history, tries)

    def ensure(self, topic: str, history: History, tries: Tries) -> Tail:
        """Return the newest entry; begins an epoch if it cannot be followed."""
        with report_timeout(topic, _MAY_BE_BEGUN):
            return self._begin(topic, self._look(topic, tries), history, tries)

    def _append(self, drafted: Draft, history: History, tries: Tries) -> Appended:
        topic = drafted.topic
        may_share = may_be_offered(drafted) and tries.has(OFFER_SECONDS)
        crowd = self._crowds.find(topic, self._now())
        if may_share and crowd is not None and crowd.is_busy(self._now()):
            return self._append_together(drafted, history, tries, crowd)
        tries.wait(self._tails.seconds_to_wait(topic, self._now()))
        for turn in tries.turns():
            tail = self._tail(topic, history, tries, is_first=turn == 1)
            entry = entry_after(tail, drafted, history, self._now())
            appended = self._write(drafted, entry, history, tries, losses=turn - 1)
            if appended is not None:
                return appended
            self._tails.lose(topic)
            if may_share and turn == MOST_LOSSES:
                tail = self._begin(topic, self._look(topic, tries), history, tries)
                crowd = self._crowds.begin(topic, tail, self._now())
                return self._append_together(drafted, history, tries, crowd)
        raise make_timeout_error(topic, MAY_BE_APPENDED, None)

    def _append_together(
        self, drafted: Draft, history: History, tries: Tries, crowd: Crowd
    ) -> Appended:
        offer = crowd.join(drafted, self._now())
        try:
            tries.request(lambda: self._requests.put_offer(offer), "PutItem")
            tries.wait(_draw_wait(crowd))
            for turn in tries.rounds():
                appended = self._look_around(
                    drafted, history, tries, crowd, is_patient=turn <= PATIENCE
                )
                if appended is not None:
                    return appended
        finally:
            crowd.leave(drafted)
        raise make_timeout_error(drafted.topic, MAY_BE_APPENDED, None)

    def _look_around(
        self,
        drafted: Draft,
        history: History,
        tries: Tries,
        crowd: Crowd,
        *,
        is_patient: bool,
    ) -> Appended | None:
        """Find a message in the log, or append it if it is its turn."""
        tail = crowd.tail
        is_writer = _draw_turn(crowd) or not is_patient
        offers_at = self._now() if is_writer else None
        items = tries.request(
            lambda: self._requests.news(drafted.topic, tail, offers_at), "Query"
        )
        news = crowd.note(items, drafted, self._now())
        if news is None:
            raise make_timeout_error(drafted.topic, MAY_BE_APPENDED, None)
        if news.own is not None:
            return Appended(news.own, is_new=True)
        if not is_writer:
            return None
        if not is_live(news.tail, history, self._now()):
            genesis = genesis_after(drafted.topic, news.tail, history, self._now())
            if tries.request(lambda: self._requests.begin(genesis), "PutItem"):
                crowd.add(genesis.tail, ())
            return None
        if is_patient and not news.is_first and crowd.waiting <= FEW:
            return None
        entry = entry_after(news.tail, drafted, history, self._now(), news.others)
        if not tries.request(lambda: self._requests.put(entry), "PutItem"):
            return None
        crowd.add(entry.tail, (entry.message, *entry.carried))
        return Appended(entry.message, is_new=True)

    def _tail(
        self, topic: str, history: History, tries: Tries, *, is_first: bool
    ) -> Tail:
        """Return the entry to follow, as far as this process knows."""
        # A frozen environment may thaw after hours, when what it knows has expired.
        tail = self._tails.get(topic)
        if tail is not None and is_live(tail, history, self._now()):
            return tail
        tail = self._look(topic, tries)
        if is_first:
            self._tails.compare(topic, tail)
        return self._begin(topic, tail, history, tries)

    def _begin(
        self, topic: str, tail: Tail | None, history: History, tries: Tries
    ) -> Tail:
        """Return the newest entry, or that of a new epoch if it cannot be followed.

        Args:
            topic: The topic.
            tail: The newest entry as it was seen just before.
            history: The topic's history.
            tries: The time that it may take.
        """
        for _ in tries.turns():
            now = self._now()
            if tail is not None and is_live(tail, history, now):
                return tail
            genesis = genesis_after(topic, tail, history, now)
            if tries.request(partial(self._requests.begin, genesis), "PutItem"):
                return genesis.tail
            tail = self._look(topic, tries)
        raise make_timeout_error(topic, _MAY_BE_BEGUN, None)

    def _look(self, topic: str, tries: Tries) -> Tail | None:
        return tries.request(lambda: self._requests.newest(topic), "Query")

    def _write(
        self,
        drafted: Draft,
        entry: LogEntry,
        history: History,
        tries: Tries,
        *,
        losses: int,
    ) -> Appended | None:
        """Write an entry; None if there is another at its offset, or may be."""
        appended = tries.request(lambda: self._put(drafted, entry, history), "PutItem")
        if appended is not None and appended.message == entry.message:
            now = self._now()
            self._tails.win(drafted.topic, entry.tail, losses=losses, now=now)
        return appended

    def _put(
        self, drafted: Draft, entry: LogEntry, history: History
    ) -> Appended | None:
        if drafted.key is None:
            is_written = self._requests.put(entry)
            return Appended(entry.message, is_new=True) if is_written else None
        own = key_item(entry.message, drafted.key, history)
        item = self._requests.put_with_key(entry, own)
        return (
            None if item is None else self._first(drafted, drafted.key, item, history)
        )

    def _first(
        self, drafted: Draft, key: str, item: Item, history: History
    ) -> Appended | None:
        """Return the message that a key belongs to, or None if it is forgotten."""
        if not is_served(read_published_at(item), history, self._now()):
            return None
        if read_digest(item) != digest(drafted.data):
            raise KeyConflictError(drafted.topic, key)
        # It is ours if this attempt or one before it has been carried out.
        is_new = read_id(item) == drafted.id
        return Appended(
            read_first(item, drafted), is_new=is_new, is_sent=read_is_sent(item)
        )


def _draw_wait(crowd: Crowd) -> float:
    longest = min(SECONDS_PER_WAITER * crowd.waiting, MAX_WAIT_SECONDS)
    return next(full_jitter(base_seconds=longest))


def _draw_turn(crowd: Crowd) -> bool:
    """Return whether to read all offers, which is dear if many wait."""
    return crowd.waiting <= FEW or next(full_jitter(base_seconds=crowd.waiting)) < DRAWN
