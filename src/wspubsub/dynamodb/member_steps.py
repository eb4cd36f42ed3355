"""What a command for a topic takes from one request to the next."""

from typing import NamedTuple

from wspubsub.dynamodb.items import Written
from wspubsub.subscriptions.sessions import Session, Subscription


class NewSubscription(NamedTuple):
    """A subscription that is to begin.

    Attributes:
        connection_id: The connection.
        topic: The topic.
        subscription: What it is like; its command does not count.
        session: The connection's session, if it is known.
        number: Number of the client's command; None if the server does it by itself.
        called_at: When the rule was called that allowed it.
        written: When it is written.
        is_held: Whether publishers are to wait until the client has its reply.
    """

    connection_id: str
    topic: str
    subscription: Subscription
    session: Session | None
    number: int | None
    called_at: float
    written: Written
    is_held: bool = False


class Step(NamedTuple):
    """A command for a topic: its number, and the shards to look into.

    The first shard is the one that a new subscription goes to.
    """

    connection_id: str
    topic: str
    number: int
    shards: list[int]


class Lost:
    """The first message that a subscriber has missed, as far as it is known."""

    __slots__ = ("offset",)

    def __init__(self) -> None:
        self.offset: int | None = None

    def add(self, offset: int | None) -> None:
        """Take an offset into account."""
        known = [each for each in (self.offset, offset) if each is not None]
        self.offset = min(known, default=None)
