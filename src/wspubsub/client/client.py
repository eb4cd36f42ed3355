"""A client of a `PubSub`."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Self

from wspubsub.client.feed import FeedOptions
from wspubsub.client.hub import Hub, OnState
from wspubsub.client.reading import OnLost, Reading
from wspubsub.client.sdk import ConnectionListener, GetToken
from wspubsub.client.sizes import check_size
from wspubsub.client.subscription import Subscription
from wspubsub.client.values import (
    ClientInfo,
    ConnectionState,
    HistoryPage,
    Message,
    Presence,
    PresenceStats,
)
from wspubsub.errors import UsageError, shorten
from wspubsub.log.rules import Position
from wspubsub.messages import Json

try:
    from wspubsub.client.centrifuge_sdk import CentrifugeSdk
except ModuleNotFoundError as missing:
    raise ImportError(
        "wspubsub.client needs centrifuge-python; install it with "
        "pip install 'wspubsub[client]'"
    ) from missing


def connect(
    url: str,
    *,
    get_token: GetToken | None = None,
    data: Json = None,
    on_state: OnState | None = None,
    headers: Mapping[str, str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    timeout_seconds: float = 5.0,
    open_timeout_seconds: float | None = 10.0,
) -> "Client":
    """Prepare a client: `async with` connects it.

    It stays connected until the block ends: it reconnects and subscribes again by
    itself, and asks for new tokens.

    Args:
        url: The WebSocket API's, `wss://…/stage` or `ws://127.0.0.1:3001/dev`.
        get_token: Returns the connection's token, and may be `async def`: asked when
            connecting, and again before it expires. It raises `wspubsub.Unauthorized`
            if it has none, which disconnects for good; after any other exception it
            is asked again.
        data: What the connect rule gets.
        on_state: Is told each change of the connection's state, at once.
        headers: For the handshake, such as `Origin`.
        ssl_context: For TLS; None for Python's default.
        timeout_seconds: How long to wait for an answer.
        open_timeout_seconds: How long entering the block waits for the first
            connection; None for ever.

    Raises:
        UsageError: The URL is not a WebSocket's, or the data is not JSON.
        MessageTooLargeError: The data has more than 32 KB.
    """
    if not url.lower().startswith(("ws://", "wss://")):
        raise UsageError(f"expected a URL like wss://host/path, not {shorten(url)}")
    if ssl_context is not None and not url.lower().startswith("wss://"):
        raise UsageError(f"ssl_context needs a URL with wss://, not {shorten(url)}")
    check_size("connect", {"data": data})

    def make_sdk(listener: ConnectionListener) -> CentrifugeSdk:
        return CentrifugeSdk(
            url,
            listener,
            get_token=get_token,
            data=data,
            headers=headers,
            ssl_context=ssl_context,
            timeout_seconds=timeout_seconds,
        )

    return Client(Hub(make_sdk, on_state=on_state), open_timeout_seconds)


class Client:
    """A connection that is made again whenever it is lost; `connect` makes one.

    What waits for an answer raises `RefusedError` if the server refuses,
    `DisconnectedError` if the connection is lost before the answer, and `TimeoutError`
    if the answer does not come in time. All of it may be awaited in a loop over a
    subscription.
    """

    def __init__(self, hub: Hub, open_timeout_seconds: float | None = None) -> None:
        self._hub = hub
        self._sdk = hub.sdk
        self._open_timeout_seconds = open_timeout_seconds

    @property
    def state(self) -> ConnectionState:
        """Whether there is a connection."""
        return self._hub.state

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            DisconnectedError: The server refused the connection.
            TimeoutError: There was no connection in time.
            UsageError: The client has been used already.
        """
        seconds = self._open_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._hub.open()
        except TimeoutError:
            await self.aclose()
            reason = self._hub.error or "no answer"
            raise TimeoutError(f"no connection in {seconds:g} s: {reason}") from None
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Disconnect."""
        await self.aclose()

    async def aclose(self) -> None:
        """Disconnect; loops over subscriptions end, and no task is left."""
        await self._hub.close()

    def subscribe(
        self,
        topic: str,
        *,
        since: Position | None = None,
        on_lost: OnLost | None = None,
        queue_size: int = 256,
        data: Json = None,
        get_token: GetToken | None = None,
        on_join: Callable[[ClientInfo], object] | None = None,
        on_leave: Callable[[ClientInfo], object] | None = None,
    ) -> Subscription:
        """Return the messages of a topic, to be iterated; it subscribes when they are.

        Args:
            topic: The topic.
            since: `Message.position` of the last message that was handled, perhaps by
                an earlier process; None to begin where the topic stands.
            on_lost: Is told what is lost, in its place among the messages, and may be
                `async def`; without it the loop raises `MessagesLostError`.
            queue_size: How many messages wait for the loop. Of a topic with history,
                more are fetched once there is room; of another one they are dropped,
                counted and told.
            data: What the subscribe rule gets.
            get_token: Returns the subscription's own token, if it needs one.
            on_join: Is told at once who came in.
            on_leave: Is told at once who left.

        Raises:
            MessageTooLargeError: The command would have more than 32 KB.
            UsageError: The topic has no name, the queue has no room, or the data is
                not JSON.
        """
        check_size("subscribe", {"channel": topic, "data": data})
        return self._read(
            topic,
            FeedOptions(
                capacity=queue_size,
                data=data,
                get_token=get_token,
                on_join=on_join,
                on_leave=on_leave,
            ),
            since,
            on_lost,
        )

    def listen(
        self,
        topic: str,
        *,
        since: Position | None = None,
        on_lost: OnLost | None = None,
        queue_size: int = 256,
        on_join: Callable[[ClientInfo], object] | None = None,
        on_leave: Callable[[ClientInfo], object] | None = None,
    ) -> Subscription:
        """Return the messages of a topic to which the server subscribes the client.

        Where the server has done so already, it begins with what came since, if the
        topic has a history; entering its block waits until the server does.

        Args:
            topic: The topic, such as `user:ann`.
            since: As for `subscribe`.
            on_lost: As for `subscribe`.
            queue_size: As for `subscribe`.
            on_join: As for `subscribe`.
            on_leave: As for `subscribe`.

        Raises:
            UsageError: The topic has no name, or the queue has no room.
        """
        options = FeedOptions(
            capacity=queue_size,
            is_server_side=True,
            on_join=on_join,
            on_leave=on_leave,
        )
        return self._read(topic, options, since, on_lost)

    async def publish(self, topic: str, data: Json) -> None:
        """Publish to a topic.

        Raises:
            MessageTooLargeError: The command has more than 32 KB.
            UsageError: The data is not JSON.
        """
        check_size("publish", {"channel": topic, "data": data})
        await self._sdk.publish(topic, data)

    async def rpc(self, method: str, data: Json = None) -> Json:
        """Call a method of the application, and return its result.

        Raises:
            MessageTooLargeError: The command has more than 32 KB.
            UsageError: The data is not JSON.
        """
        check_size("rpc", {"method": method, "data": data})
        return await self._sdk.rpc(method, data)

    async def presence(self, topic: str) -> Presence:
        """Return who is in a topic, by the ID of the connection."""
        return await self._sdk.presence(topic)

    async def presence_stats(self, topic: str) -> PresenceStats:
        """Return how many are in a topic."""
        return await self._sdk.presence_stats(topic)

    async def history(
        self,
        topic: str,
        *,
        since: Position | None = None,
        limit: int = -1,
        reverse: bool = False,
    ) -> HistoryPage:
        """Return a part of a topic's history.

        Args:
            topic: The topic.
            since: Position of the message before the first one; None for the oldest,
                or for the newest if reversed.
            limit: How many messages; 0 for the position only, -1 for all, up to 300.
            reverse: Whether the newest come first.
        """
        page = await self._sdk.history(topic, since, limit, reverse=reverse)
        return HistoryPage(
            messages=tuple(
                Message(
                    topic=topic,
                    data=each.data,
                    position=page.position._replace(offset=each.offset),
                    info=each.info,
                )
                for each in page.publications
            ),
            position=page.position,
        )

    def _read(
        self,
        topic: str,
        options: FeedOptions,
        since: Position | None,
        on_lost: OnLost | None,
    ) -> Subscription:
        if not topic:
            raise UsageError("a topic must have a name")
        if options.capacity < 1:
            size = f"{options.capacity!r:.80}"
            raise UsageError(f"queue_size must be 1 or more, not {size}")
        return Subscription(
            Reading(self._hub, topic, options, since=since, on_lost=on_lost)
        )
