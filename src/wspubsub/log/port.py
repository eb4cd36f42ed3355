"""Messages of a topic in order, each with a position: the port of every log.

`tests/contracts/test_log.py` is the contract that every implementation keeps.
"""

from collections.abc import Collection
from typing import Protocol

from wspubsub.log.replays import Replay
from wspubsub.log.rules import Appended, LoggedMessage, Position


class TopicLog(Protocol):
    """Where the messages of topics are kept, in order, until they are trimmed.

    Every method may raise `StoreError`, and raises `TopicError` for an illegal topic.
    All but `keeps` raise `UsageError` for a topic that has no history. A message is
    trimmed when `History.limit` newer offsets follow or its time is over.
    """

    def keeps(self, topic: str) -> bool:
        """Return whether messages of a topic are kept, according to its history."""
        ...

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
        """Append a message.

        If the topic has no position, an epoch is begun first; see `ensure_position`.
        After a `StoreError` the message may have been appended nevertheless; with a
        key it is safe to append it again.

        Args:
            topic: Topic that the message is published to.
            data: Its bytes, 131,072 at most.
            key: The caller's name for the message, 1 to 256 bytes of UTF-8 without
                control characters. A message whose key is known is not appended again.
            exclude: Connection IDs that are not to get the message.
            info: What is kept with the message and comes with it in replays and in the
                table's stream, such as who published it.
            timeout_seconds: Longest time the append may take; if None, it is retried
                for 10 seconds. It is tried once in any case.

        Raises:
            MessageTooLargeError: The data has more than 131,072 bytes.
            KeyConflictError: The key belongs to a message with other data.
            UsageError: An argument is not what it must be.
        """
        ...

    def mark_sent(
        self, message: LoggedMessage, key: str, *, timeout_seconds: float | None = None
    ) -> None:
        """Note that a message with a key has been handed to everyone who should get it.

        From then on, who appends a message with that key again is told so: see
        `Appended.is_sent`. Nothing happens if the key is another message's by now.

        Args:
            message: The message, as `append` returned it.
            key: Its key.
            timeout_seconds: Longest time it may take; if None, it is retried for 10
                seconds.
        """
        ...

    def ensure_position(
        self, topic: str, *, timeout_seconds: float | None = None
    ) -> Position:
        """Return the topic's position; begins an epoch if there is no position.

        An epoch is begun by an entry without a message, which readers never get, and by
        nothing else: of any number of callers and appends at the same moment one begins
        it. So somebody who subscribes to a topic without messages has a position from
        which all that follow can be recovered.

        Args:
            topic: The topic.
            timeout_seconds: Longest time it may take; if None, it is retried for 10
                seconds. It is tried once in any case.
        """
        ...

    def position(self, topic: str) -> Position | None:
        """Return the topic's position, which is that of its newest entry, or None.

        It is known for `History.position_ttl_seconds`, however short messages are
        served.
        """
        ...

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """Return the messages after a position, in order; see `Replay`.

        Args:
            topic: Topic to read.
            since: Position of the last message that the reader has; None for the
                newest messages that are served.
            limit: How many messages are returned at most.

        Raises:
            UsageError: `since` or `limit` is not what it must be.
        """
        ...

    def recover(
        self,
        topic: str,
        since: Position,
        *,
        limit: int = 100,
        timeout_seconds: float | None = None,
    ) -> Replay:
        """Return all messages after a position, or none; see `Replay`.

        Unlike `read`, it never has more: if more than `limit` messages were missed, the
        reader cannot recover, and nothing is read in vain. If the topic has no
        position, an epoch is begun as by `ensure_position`, so `Replay.position` is
        never None.

        Args:
            topic: Topic to read.
            since: Position of the last message that the reader has.
            limit: How many messages may have been missed at most.
            timeout_seconds: As in `ensure_position`.

        Raises:
            UsageError: `since` or `limit` is not what it must be.
        """
        ...

    def read_history(
        self,
        topic: str,
        since: Position | None = None,
        limit: int | None = None,
        *,
        reverse: bool = False,
    ) -> Replay:
        """Return the messages that are served, from the oldest or from the newest.

        Args:
            topic: Topic to read.
            since: Position after which to begin, or before which if `reverse`; None for
                the oldest message, or the newest if `reverse`.
            limit: How many messages are returned at most; None for all of them.
            reverse: Whether the newest message comes first.

        Raises:
            UsageError: `since` or `limit` is not what it must be.
        """
        ...
