"""What a client cannot do, and what it reports as lost.

Where there is no answer in time, it is Python's own `TimeoutError`.
"""

from wspubsub.errors import WspubsubError, shorten
from wspubsub.log.rules import Position


class ClientError(WspubsubError):
    """Base of what a client of a `PubSub` raises."""


class RefusedError(ClientError):
    """The server refused a command.

    Attributes:
        code: Centrifugo's error code, from 100 to 113, or one of the application's own.
        reason: What the server says.
        is_temporary: Whether the same command may succeed later.
    """

    def __init__(self, code: int, reason: str, *, is_temporary: bool = False) -> None:
        super().__init__(f"the server refused: {reason} ({code})")
        self.code = code
        self.reason = reason
        self.is_temporary = is_temporary


class DisconnectedError(ClientError):
    """There is no connection: it was lost before the answer, or is closed for good.

    Whether the server did what it was asked for is not known then. A connection that
    was lost comes back by itself; `Client.state` says whether this one does.

    Attributes:
        code: Centrifugo's code; 0 if the client was closed here, or the connection
            was lost.
        reason: What the server says, or why there is no connection.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"disconnected: {reason} ({code})")
        self.code = code
        self.reason = reason


class UnsubscribedError(ClientError):
    """The server ended a subscription, or did not let the client in.

    Attributes:
        topic: The topic.
        code: The error's code, or that of the server's unsubscribe (2000 to 2499).
        reason: What the server says.
    """

    def __init__(self, topic: str, code: int, reason: str) -> None:
        super().__init__(f"not subscribed to {shorten(topic)}: {reason} ({code})")
        self.topic = topic
        self.code = code
        self.reason = reason


class MessagesLostError(ClientError):
    """Messages are lost; whoever iterates again gets what comes after them.

    Attributes:
        topic: The topic.
        after: Position of the last message before those that are lost; None if its
            topic has no history.
        before: Position of the first one after them, which may not exist yet; None if
            nobody knows.
        dropped: How many were dropped here, because the loop was slower than a topic
            without history; None if they were lost on the way.
    """

    def __init__(
        self,
        topic: str,
        after: Position | None,
        before: Position | None,
        dropped: int | None = None,
    ) -> None:
        what = _describe(after, before, dropped)
        super().__init__(f"messages of {shorten(topic)} are lost: {what}")
        self.topic = topic
        self.after = after
        self.before = before
        self.dropped = dropped


def _describe(
    after: Position | None, before: Position | None, dropped: int | None
) -> str:
    if dropped is not None:
        return f"{dropped} came faster than they were taken, and have no history"
    if after is not None and before is not None and after.epoch == before.epoch:
        return f"those with offsets from {after.offset + 1} to {before.offset - 1}"
    return "the topic's history has begun again since, and nobody knows how many"
