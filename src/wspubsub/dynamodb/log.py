"""Topic logs in DynamoDB: dense offsets without a counter.

The next offset is that of the newest entry and one more, written on condition that
nobody has it. Who loses reads on and tries again. Because an entry can only follow on
one that was seen, there are no gaps; because it is written once, there are no doubles.

A write whose answer is lost is repeated as it was, at the same offset. Either it is
there already, which its ID tells, or another message is, and then the first attempt
can no longer take effect. So one call never puts a message in the log twice.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from wspubsub.dynamodb.client import DynamoDBClient, choose_client
from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_items import (
    Entry,
    Tail,
    entry_after,
    is_tail_kept,
    key_item,
    make_sent_item,
    read_digest,
    read_first,
    read_id,
    read_is_sent,
    read_message,
    read_published_at,
    read_tail,
)
from wspubsub.dynamodb.log_requests import CONDITION_FAILED, LogRequests
from wspubsub.dynamodb.tails import Tails
from wspubsub.dynamodb.tries import Tries, is_passing
from wspubsub.errors import KeyConflictError, StoreError, UsageError
from wspubsub.log.drafts import Draft, check_key, check_timeout, digest, draft
from wspubsub.log.rules import (
    DEFAULT_HISTORY,
    Appended,
    History,
    LoggedMessage,
    Position,
    Replay,
    check_limit,
    check_since,
    is_kept,
    replay,
)
from wspubsub.topics import validate_topic


class DynamoDBTopicLog:
    """Messages of topics in order, in a DynamoDB table.

    It is safe to use from several threads. Any number of processes may append to a
    topic; they take turns, so one topic takes about 100 messages a second.

    Args:
        table: Name of the table; `create_table` makes it. It may be the store's.
        client: A `boto3.client("dynamodb")` of your own, or anything with its
            methods; it is used as it is.
        history: How much of each topic is kept. All who use the table should have the
            same.
        now: Clock, in seconds since the epoch.
        sleep: Waits before what DynamoDB refused is tried again.

    Raises:
        UsageError: The table name is empty, or no Region is known.
    """

    def __init__(
        self,
        table: str,
        *,
        client: DynamoDBClient | None = None,
        history: History = DEFAULT_HISTORY,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not table:
            raise UsageError("give the name of the DynamoDB table")
        self._requests = LogRequests(choose_client(client), table)
        self._history = history
        self._now = now
        self._sleep = sleep
        self._tails = Tails()

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> Appended:
        """See `TopicLog.append`.

        Costs 1 write unit for each KB, and 1 read unit for each 4 KB of the newest
        message if this process does not know that message, or others append to the
        topic too; as much again whenever another is faster. With a key, twice as many
        write units for the message, and 2 for the key; so for the first message after
        all others have expired, and 2 more for each KB of the last of these.
        """
        drafted = draft(topic, data, key, exclude)
        check_timeout(timeout_seconds)
        tries = Tries(self._now, self._sleep, timeout_seconds)
        with _in_time(drafted.topic):
            tries.wait(self._tails.seconds_to_wait(drafted.topic, self._now()))
            for turn in tries.turns():
                entry = self._next_entry(drafted, tries, is_first=turn == 1)
                appended = self._write(drafted, entry, tries, losses=turn - 1)
                if appended is not None:
                    return appended
                self._tails.lose(drafted.topic)
        raise _make_timeout_error(drafted.topic, None)

    def mark_sent(
        self, message: LoggedMessage, key: str, *, timeout_seconds: float | None = None
    ) -> None:
        """See `TopicLog.mark_sent`.

        Costs 1 write unit.
        """
        check_timeout(timeout_seconds)
        item = make_sent_item(message, check_key(key), self._history)
        tries = Tries(self._now, self._sleep, timeout_seconds)
        with _in_time(message.topic):
            tries.request(lambda: self._requests.put_again(item), "PutItem")

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """See `TopicLog.read`.

        Costs 1 read unit for each 4 KB of what is returned, and of the newest message.
        """
        topic = validate_topic(topic)
        check_since(since)
        check_limit(limit)
        return replay(
            self.position(topic),
            since,
            limit=limit,
            kept=self._history.limit,
            fetch=lambda offsets: self._messages(topic, offsets),
        )

    def position(self, topic: str) -> Position | None:
        """See `TopicLog.position`.

        Costs 1 read unit for each 4 KB of the newest message.
        """
        tail = self._requests.newest(validate_topic(topic))
        return tail.position if tail and self._is_kept(tail) else None

    def _next_entry(self, drafted: Draft, tries: Tries, *, is_first: bool) -> Entry:
        # A frozen environment may thaw after hours, when what it knows has expired.
        tail = self._tails.get(drafted.topic)
        if tail is None or not self._is_kept(tail):
            topic = drafted.topic
            tail = tries.request(lambda: self._requests.newest(topic), "Query")
            if is_first:
                self._tails.compare(drafted.topic, tail)
        return entry_after(tail, drafted, self._history, self._now())

    def _is_kept(self, tail: Tail) -> bool:
        return is_tail_kept(tail, self._history, self._now())

    def _write(
        self, drafted: Draft, entry: Entry, tries: Tries, *, losses: int
    ) -> Appended | None:
        """Write an entry; None if there is another at its offset, or may be."""
        appended = tries.request(lambda: self._append(drafted, entry), "PutItem")
        if appended is not None and appended.message == entry.message:
            now = self._now()
            self._tails.win(drafted.topic, entry.tail, losses=losses, now=now)
        return appended

    def _append(self, drafted: Draft, entry: Entry) -> Appended | None:
        if drafted.key is None:
            is_written = self._requests.put(entry)
            return Appended(entry.message, is_new=True) if is_written else None
        own = key_item(entry.message, drafted.key, self._history)
        item = self._requests.put_with_key(entry, own)
        return None if item is None else self._first(drafted, drafted.key, item)

    def _first(self, drafted: Draft, key: str, item: Item) -> Appended | None:
        """Return the message that a key belongs to; None if it is forgotten by now."""
        if not is_kept(read_published_at(item), self._history, self._now()):
            return None
        if read_digest(item) != digest(drafted.data):
            raise KeyConflictError(drafted.topic, key)
        # It is ours if this attempt or one before it has been carried out.
        is_new = read_id(item) == drafted.id
        return Appended(
            read_first(item, drafted), is_new=is_new, is_sent=read_is_sent(item)
        )

    def _messages(self, topic: str, offsets: range) -> Iterator[LoggedMessage]:
        for item in self._requests.entries(topic, offsets):
            if self._is_kept(read_tail(item)):
                yield read_message(item)


@contextmanager
def _in_time(topic: str) -> Iterator[None]:
    """Say what an append that ran out of time may have done nevertheless."""
    try:
        yield
    except StoreError as error:
        if not is_passing(error):
            raise
        raise _make_timeout_error(topic, error) from error


def _make_timeout_error(topic: str, failure: StoreError | None) -> StoreError:
    why = str(failure) if failure else "others always wrote first"
    return StoreError(
        f"the log of topic {topic!r} took no message in time: {why}; it may have taken "
        "it nevertheless, so append it again with a key, the same each time",
        operation=failure.operation if failure else "PutItem",
        code=failure.code if failure else CONDITION_FAILED,
    )
