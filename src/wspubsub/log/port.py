"""Messages of a topic in order, each with a position: the port of every log.

`tests/contracts/test_log.py` is the contract that every implementation keeps.
"""

from collections.abc import Collection
from typing import Protocol

from wspubsub.log.rules import (
    Appended,
    LoggedMessage,
    Position,
    Replay,
)


class TopicLog(Protocol):
    """Where the messages of topics are kept, in order, until they are trimmed.

    Every method may raise `StoreError`, and raises `TopicError` for an illegal topic.
    A message is trimmed when `History.limit` newer ones follow or its time is over.
    """

    def append(
        self,
        topic: str,
        data: bytes,
        *,
        key: str | None = None,
        exclude: Collection[str] = (),
        timeout_seconds: float | None = None,
    ) -> Appended:
        """Append a message.

        After a `StoreError` the message may have been appended nevertheless; with a
        key it is safe to append it again.

        Args:
            topic: Topic that the message is published to.
            data: Its bytes, 131,072 at most.
            key: The caller's name for the message, 1 to 256 bytes of UTF-8 without
                control characters. A message whose key is known is not appended again.
            exclude: Connection IDs that are not to get the message.
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
        """Note that a message with a key has been handed to all who are to get it.

        From then on, who appends a message with that key again is told so: see
        `Appended.is_sent`. Nothing happens if the key is another message's by now.

        Args:
            message: The message, as `append` returned it.
            key: Its key.
            timeout_seconds: Longest time it may take; if None, it is retried for 10
                seconds.
        """
        ...

    def read(
        self, topic: str, since: Position | None = None, limit: int = 100
    ) -> Replay:
        """Return the messages after a position, in order; see `Replay`.

        Args:
            topic: Topic to read.
            since: Position of the last message that the reader has; None for the
                newest messages that are kept.
            limit: How many messages are returned at most.

        Raises:
            UsageError: `since` or `limit` is not what it must be.
        """
        ...

    def position(self, topic: str) -> Position | None:
        """Return the newest message's position; None if nothing is kept."""
        ...
