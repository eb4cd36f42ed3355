"""Topic logs in DynamoDB: dense offsets without a counter.

The next offset is that of the newest entry and one more, written on condition that
nobody has it. Who loses reads on and tries again. Because an entry can only follow on
one that was seen, there are no gaps; because it is written once, there are no doubles.

Where there is no entry that may be followed, an entry without a message begins an epoch
first, under the same condition.

`log_appends` says how messages get in, and `log_requests` what DynamoDB is asked.
"""

import time
from collections.abc import Callable, Collection, Iterator
from functools import partial

from wspubsub.dynamodb.client import DynamoDBClient, choose_client
from wspubsub.dynamodb.log_appends import MAY_BE_APPENDED, Appender
from wspubsub.dynamodb.log_items import (
    Tail,
    is_genesis,
    is_live,
    make_sent_item,
    read_messages,
    read_published_at,
)
from wspubsub.dynamodb.log_requests import LogRequests
from wspubsub.dynamodb.tries import Tries, report_timeout
from wspubsub.errors import UsageError
from wspubsub.log import replays
from wspubsub.log.drafts import check_key, check_timeout, draft
from wspubsub.log.histories import Histories, HistoryPlan
from wspubsub.log.replays import Log, Newest, Replay, check_since
from wspubsub.log.rules import (
    DEFAULT_HISTORY,
    Appended,
    History,
    LoggedMessage,
    Position,
    check_limit,
    is_served,
)
from wspubsub.topics import validate_topic


class DynamoDBTopicLog:
    """Messages of topics in order, in a DynamoDB table.

    It is safe to use from several threads. Any number of processes may append to a
    topic: if many do at once, one of them writes the messages of all, up to 1 KB each,
    so one topic takes about 700 small messages a second. Larger ones, and those with
    keys, are written in turn, about 100 a second.

    Args:
        table: Name of the table; `create_table` makes it. It may be the store's.
        client: A `boto3.client("dynamodb")` of your own, or anything with its
            methods; it is used as it is.
        history: How much is kept: of every topic, by pattern of topic names, or as a
            function of the topic says. A topic without a history has no log. All who
            use the table should have the same.
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
        history: Histories = DEFAULT_HISTORY,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not table:
            raise UsageError(
                "the table name is missing; pass the name of the DynamoDB table"
            )
        self._requests = LogRequests(choose_client(client), table)
        self._plan = HistoryPlan(history)
        self._now = now
        self._sleep = sleep
        self._appender = Appender(self._requests, now)

    def keeps(self, topic: str) -> bool:
        """See `TopicLog.keeps`. Costs nothing."""
        return self._plan.find(validate_topic(topic)) is not None

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        info: bytes | None = None,
        timeout_seconds: float | None = None,
    ) -> Appended:
        """See `TopicLog.append`.

        Costs 1 write unit for each KB, and 1 read unit for each 4 KB of the newest
        message if this process does not know that message, or others append to the
        topic too; as much again whenever another is faster. Among many writers, about
        1.3 write units and 2 read units for 100 bytes. With a key, twice as many
        write units for the message, and 2 for the key. The first message of a topic,
        and the first after its position has expired, costs as much more as
        `ensure_position`.
        """
        drafted = draft(topic, data, key, exclude, info)
        check_timeout(timeout_seconds)
        history = self._plan.require(drafted.topic)
        tries = Tries(self._now, self._sleep, timeout_seconds)
        return self._appender.append(drafted, history, tries)

    def mark_sent(
        self, message: LoggedMessage, key: str, *, timeout_seconds: float | None = None
    ) -> None:
        """See `TopicLog.mark_sent`.

        Costs 1 write unit.
        """
        check_timeout(timeout_seconds)
        history = self._plan.require(message.topic)
        item = make_sent_item(message, check_key(key), history)
        tries = Tries(self._now, self._sleep, timeout_seconds)
        with report_timeout(message.topic, MAY_BE_APPENDED):
            tries.request(lambda: self._requests.put_again(item), "PutItem")

    def ensure_position(
        self, topic: str, *, timeout_seconds: float | None = None
    ) -> Position:
        """See `TopicLog.ensure_position`.

        Costs 1 read unit for each 4 KB of the newest message; if the topic has no
        position, 1 write unit more, and 4 (or 2 and 2 for each KB of the last message)
        if it had one that has expired.
        """
        topic = validate_topic(topic)
        check_timeout(timeout_seconds)
        return self._ensure(topic, self._plan.require(topic), timeout_seconds).position

    def position(self, topic: str) -> Position | None:
        """See `TopicLog.position`.

        Costs 1 read unit for each 4 KB of the newest message.
        """
        topic = validate_topic(topic)
        newest = self._log(topic).newest
        return newest.position if newest else None

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """See `TopicLog.read`.

        Costs 1 read unit for each 4 KB of what is returned, and of the newest message.
        """
        topic = validate_topic(topic)
        check_since(since)
        check_limit(limit)
        return replays.read(self._log(topic), since, limit)

    def recover(
        self,
        topic: str,
        since: Position,
        *,
        limit: int = 100,
        timeout_seconds: float | None = None,
    ) -> Replay:
        """See `TopicLog.recover`.

        Costs as much as `ensure_position`, and 1 read unit for each 4 KB of what is
        returned.
        """
        topic = validate_topic(topic)
        check_since(since, is_needed=True)
        check_limit(limit)
        check_timeout(timeout_seconds)
        history = self._plan.require(topic)
        tail = self._ensure(topic, history, timeout_seconds)
        return replays.recover(self._log_below(topic, history, tail), since, limit)

    def read_history(
        self,
        topic: str,
        since: Position | None = None,
        limit: int | None = None,
        *,
        reverse: bool = False,
    ) -> Replay:
        """See `TopicLog.read_history`.

        Costs 1 read unit for each 4 KB of what is returned, and of the newest message.
        From the oldest without `since`, all messages that are served are read.
        """
        topic = validate_topic(topic)
        check_since(since)
        if limit is not None:
            check_limit(limit)
        return replays.read_history(self._log(topic), since, limit, reverse=reverse)

    def _ensure(
        self, topic: str, history: History, timeout_seconds: float | None
    ) -> Tail:
        tries = Tries(self._now, self._sleep, timeout_seconds)
        return self._appender.ensure(topic, history, tries)

    def _log(self, topic: str) -> Log:
        history = self._plan.require(topic)
        tail = self._requests.newest(topic)
        is_there = tail is not None and is_live(tail, history, self._now())
        return self._log_below(topic, history, tail if is_there else None)

    def _log_below(self, topic: str, history: History, tail: Tail | None) -> Log:
        newest = None
        if tail is not None:
            served = is_served(tail.published_at, history, self._now())
            newest = Newest(tail.position, served)
        return Log(newest, history.limit, partial(self._messages, topic, history))

    def _messages(
        self, topic: str, history: History, offsets: range
    ) -> Iterator[LoggedMessage]:
        for item in self._requests.entries(topic, offsets):
            published_at = read_published_at(item)
            if is_genesis(item) or not is_served(published_at, history, self._now()):
                return
            messages = read_messages(item)
            for message in messages if offsets.step > 0 else reversed(messages):
                if message.position.offset in offsets:
                    yield message
