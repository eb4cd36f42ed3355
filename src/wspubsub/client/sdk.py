"""The port to an SDK: what a client needs of it, and what it is told by it.

`centrifuge_sdk` has the one for `centrifuge-python`. An SDK reconnects and subscribes
again by itself; it may give publications twice, in any order, and with holes.

Listeners are called from the SDK's own task, so they return at once, and nothing that
they do waits for the SDK.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from wspubsub.client.values import (
    ClientInfo,
    ConnectionState,
    Presence,
    PresenceStats,
)
from wspubsub.log.rules import Position
from wspubsub.messages import Json

GetToken = Callable[[], str | Awaitable[str]]
"""Returns a token, or an awaitable of one; raises `Unauthorized` if it has none."""


class Publication(NamedTuple):
    """A publication, as it came; `offset` is 0 where the topic has no history."""

    offset: int
    data: Json
    info: ClientInfo | None = None


class SubscribeReply(NamedTuple):
    """What the server said to a subscribe.

    Attributes:
        position: The reply's position; None if the topic has no history.
        publications: What came with it, in order.
        was_recovering: Whether the server answers as if the SDK wanted to recover.
        data: What the subscribe rule returned.
    """

    position: Position | None
    publications: tuple[Publication, ...] = ()
    was_recovering: bool = False
    data: Json = None


class Page(NamedTuple):
    """A part of a topic's history, and where the topic stood."""

    position: Position
    publications: tuple[Publication, ...]


class SubscriptionListener(Protocol):
    """Is told what happens to one subscription."""

    def on_subscribed(self, reply: SubscribeReply) -> None:
        """The client is in: for the first time, or again."""

    def on_publication(self, publication: Publication) -> None:
        """A publication came, after the reply."""

    def on_interrupted(self) -> None:
        """The subscription is over for now; the SDK subscribes again."""

    def on_unsubscribed(self, code: int, reason: str) -> None:
        """The subscription is over for good."""

    def on_join(self, info: ClientInfo) -> None:
        """Somebody came in."""

    def on_leave(self, info: ClientInfo) -> None:
        """Somebody left."""


class ConnectionListener(Protocol):
    """Is told what happens to the connection."""

    def on_state(self, state: ConnectionState) -> None:
        """The state has changed."""

    def on_error(self, error: Exception) -> None:
        """An attempt has failed, and the SDK goes on trying."""


class Sdk(Protocol):
    """An SDK with one connection.

    Whatever waits for an answer raises `RefusedError`, `DisconnectedError`, another
    `ClientError`, or `TimeoutError`.
    """

    async def connect(self) -> None:
        """Begin to connect, and keep doing so."""

    async def reconnect(self) -> None:
        """Give the connection up, and begin to connect."""

    async def close(self) -> None:
        """Disconnect, and wait until no task of the SDK's is left."""

    async def subscribe(
        self,
        topic: str,
        listener: SubscriptionListener,
        *,
        data: Json,
        get_token: GetToken | None,
    ) -> None:
        """Begin to subscribe, and keep doing so; a topic only once at a time."""

    async def listen(self, topic: str, listener: SubscriptionListener) -> None:
        """Follow a topic to which the server subscribes the client, now or later."""

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription, or stop listening; its listener is told no more."""

    async def publish(self, topic: str, data: Json) -> None:
        """Publish."""

    async def rpc(self, method: str, data: Json) -> Json:
        """Call a method, and return its result."""

    async def presence(self, topic: str) -> Presence:
        """Return who is there."""

    async def presence_stats(self, topic: str) -> PresenceStats:
        """Return how many are there."""

    async def history(
        self, topic: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> Page:
        """Return a part of a topic's history."""
