"""`centrifuge-python` behind the port `Sdk`.

What only this file knows of its source (0.7):

- Event handlers run in the task that reads the connection. Whoever awaits a command in
  one waits for an answer that nobody reads. Ours never wait.
- A handler that raises ends the connection for good. Ours do not raise.
- Any object with its handlers' names will do as event handler.
- Tasks that it does not wait for are in `_background_tasks`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import centrifuge

from wspubsub.client.callbacks import settle
from wspubsub.client.centrifuge_events import (
    ServerTopic,
    SubscriptionEvents,
    read_info,
    read_publication,
)
from wspubsub.client.errors import ClientError, DisconnectedError, RefusedError
from wspubsub.client.sdk import (
    ConnectionListener,
    GetToken,
    Page,
    SubscriptionListener,
)
from wspubsub.client.values import (
    ClientInfo,
    ConnectionState,
    PresenceStats,
    StateName,
)
from wspubsub.errors import Unauthorized
from wspubsub.log.rules import Position
from wspubsub.messages import Json

_CLOSE_SECONDS = 2.0
"""The SDK gives the server a second to answer the close frame."""

_NO_PING = 2
"""The code with which SDKs say that nothing was heard."""


class CentrifugeSdk:
    """A client of `centrifuge-python`.

    Args:
        url: The WebSocket API's.
        listener: Is told what happens to the connection.
        get_token: Returns the connection's token; None if it needs none.
        data: What the connect rule gets.
        headers: For the handshake.
        ssl_context: For TLS; None for Python's default.
        timeout_seconds: How long to wait for an answer.
    """

    def __init__(
        self,
        url: str,
        listener: ConnectionListener,
        *,
        get_token: GetToken | None = None,
        data: Json = None,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._events = _ConnectionEvents(listener)
        self._client = centrifuge.Client(
            url,
            events=self._events,
            get_token=None if get_token is None else _adapt(get_token),
            data=data,
            headers=dict(headers or {}),
            ssl_context=ssl_context,
            timeout=timeout_seconds,
        )

    async def connect(self) -> None:
        """Begin to connect, and keep doing so."""
        await self._client.connect()

    async def reconnect(self) -> None:
        """Give the connection up, and begin to connect."""
        self._events.is_reconnecting = True
        try:
            await self._client.disconnect()
            await self._client.connect()
        finally:
            self._events.is_reconnecting = False

    async def close(self) -> None:
        """Disconnect, and wait until no task of the SDK's is left."""
        await self._client.disconnect()
        tasks = set(getattr(self._client, "_background_tasks", ()))
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
            for task in tasks:
                task.cancel()

    async def subscribe(
        self,
        topic: str,
        listener: SubscriptionListener,
        *,
        data: Json,
        get_token: GetToken | None,
    ) -> None:
        """Begin to subscribe, and keep doing so."""
        subscription = self._client.new_subscription(
            topic,
            events=SubscriptionEvents(listener),
            data=data,
            get_token=None if get_token is None else _adapt(get_token),
        )
        await subscription.subscribe()

    async def listen(self, topic: str, listener: SubscriptionListener) -> None:
        """Follow a topic to which the server subscribes the client."""
        self._events.find(topic).listen(listener)

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription, and tell its listener nothing any more."""
        self._events.leave(topic)
        subscription = self._client.get_subscription(topic)
        if subscription is not None:
            subscription.events.is_over = True
            await subscription.unsubscribe()
            self._client.remove_subscription(subscription)

    async def publish(self, topic: str, data: Json) -> None:
        """Publish."""
        with _translate_errors():
            await self._client.publish(topic, data)

    async def rpc(self, method: str, data: Json) -> Json:
        """Call a method, and return its result."""
        with _translate_errors():
            return (await self._client.rpc(method, data)).data

    async def presence(self, topic: str) -> Mapping[str, ClientInfo]:
        """Return who is there."""
        with _translate_errors():
            result = await self._client.presence(topic)
        return {id_: read_info(info) for id_, info in result.clients.items()}

    async def presence_stats(self, topic: str) -> PresenceStats:
        """Return how many are there."""
        with _translate_errors():
            result = await self._client.presence_stats(topic)
        return PresenceStats(clients=result.num_clients, users=result.num_users)

    async def history(
        self, topic: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> Page:
        """Return a part of a topic's history."""
        position = since and centrifuge.StreamPosition(
            offset=since.offset, epoch=since.epoch
        )
        with _translate_errors():
            page = await self._client.history(
                topic, limit=limit, since=position, reverse=reverse
            )
        publications = tuple(map(read_publication, page.publications))
        return Page(Position(page.epoch, page.offset), publications)


class _ConnectionEvents:
    """The SDK's events of a connection."""

    def __init__(self, listener: ConnectionListener) -> None:
        self.is_reconnecting = False
        self._listener = listener
        self._topics: dict[str, ServerTopic] = {}
        self._events: dict[str, SubscriptionEvents] = {}

    async def on_connecting(self, ctx: centrifuge.ConnectingContext) -> None:
        if not self.is_reconnecting:
            self._tell("connecting", ctx.code, ctx.reason)

    async def on_connected(self, _ctx: centrifuge.ConnectedContext) -> None:
        self._listener.on_state(ConnectionState(name="connected"))

    async def on_disconnected(self, ctx: centrifuge.DisconnectedContext) -> None:
        if self.is_reconnecting:
            self._tell("connecting", _NO_PING, "no answer")
        else:
            self._tell("disconnected", ctx.code, ctx.reason)

    async def on_error(self, ctx: centrifuge.ErrorContext) -> None:
        self._listener.on_error(_translate(ctx.error))

    async def on_subscribing(self, ctx: centrifuge.ServerSubscribingContext) -> None:
        await self._find(ctx.channel).on_subscribing(ctx)

    async def on_subscribed(self, ctx: centrifuge.ServerSubscribedContext) -> None:
        await self._find(ctx.channel).on_subscribed(ctx)

    async def on_unsubscribed(self, ctx: centrifuge.ServerUnsubscribedContext) -> None:
        await self._find(ctx.channel).on_unsubscribed(ctx)

    async def on_publication(self, ctx: centrifuge.ServerPublicationContext) -> None:
        await self._find(ctx.channel).on_publication(ctx)

    async def on_join(self, ctx: centrifuge.ServerJoinContext) -> None:
        await self._find(ctx.channel).on_join(ctx)

    async def on_leave(self, ctx: centrifuge.ServerLeaveContext) -> None:
        await self._find(ctx.channel).on_leave(ctx)

    def _find(self, channel: str) -> SubscriptionEvents:
        if channel not in self._events:
            self._events[channel] = SubscriptionEvents(self.find(channel))
        return self._events[channel]

    def find(self, topic: str) -> ServerTopic:
        """Return what is known of a topic that the server may choose."""
        return self._topics.setdefault(topic, ServerTopic())

    def leave(self, topic: str) -> None:
        """Tell nobody any more of a topic that the server may choose."""
        if topic in self._topics:
            self._topics[topic].leave()

    def _tell(self, name: StateName, code: int, reason: str) -> None:
        self._listener.on_state(ConnectionState(name=name, code=code, reason=reason))


def _adapt(get_token: GetToken) -> Callable[..., Awaitable[str]]:
    async def ask(*_topic: str) -> str:
        try:
            return await settle(get_token())
        except Unauthorized as error:
            raise centrifuge.UnauthorizedError(str(error)) from error

    return ask


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except centrifuge.CentrifugeError as error:
        raise _translate(error) from error


def _translate(error: Exception) -> Exception:
    match error:
        case centrifuge.ReplyError():
            return RefusedError(error.code, error.message, is_temporary=error.temporary)
        case centrifuge.OperationTimeoutError():
            return TimeoutError("no answer in time")
        case centrifuge.ClientDisconnectedError():
            return DisconnectedError(0, str(error))
        case _:
            return ClientError(str(error) or type(error).__name__)
