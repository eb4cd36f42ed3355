"""`centrifuge-python` behind the port `Sdk`.

What only this file knows of its source (0.7):

- Event handlers run in the task that reads the connection. Whoever awaits a command in
  one waits for an answer that nobody reads. Ours never wait.
- A handler that raises ends the connection for good. Ours do not raise.
- Any object with its handlers' names will do as event handler.
- The publications of a subscribe reply go to `on_publication` right after
  `on_subscribed`, without a pause as long as no handler waits. So what comes before the
  event loop's next turn came with the reply, and what comes later was pushed.
- Tasks that it does not wait for are in `_background_tasks`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import centrifuge

from wspubsub.client.callbacks import settle
from wspubsub.client.errors import ClientError, DisconnectedError, RefusedError
from wspubsub.client.sdk import (
    ConnectionListener,
    GetToken,
    Page,
    Publication,
    SubscribeReply,
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
            events=_SubscriptionEvents(listener),
            data=data,
            get_token=None if get_token is None else _adapt(get_token),
        )
        await subscription.subscribe()

    async def unsubscribe(self, topic: str) -> None:
        """End a subscription, and tell its listener nothing any more."""
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
        return {id_: _read_info(info) for id_, info in result.clients.items()}

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
        publications = tuple(map(_read_publication, page.publications))
        return Page(Position(page.epoch, page.offset), publications)


class _ConnectionEvents:
    """The SDK's events of a connection."""

    def __init__(self, listener: ConnectionListener) -> None:
        self.is_reconnecting = False
        self._listener = listener

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

    async def _ignore(self, _ctx: object) -> None:
        """Server-side subscriptions, which nobody here has asked for."""

    on_subscribed = on_subscribing = on_unsubscribed = _ignore
    on_publication = on_join = on_leave = _ignore

    def _tell(self, name: StateName, code: int, reason: str) -> None:
        self._listener.on_state(ConnectionState(name=name, code=code, reason=reason))


class _SubscriptionEvents:
    """The SDK's events of a subscription."""

    def __init__(self, listener: SubscriptionListener) -> None:
        self.is_over = False
        self._listener = listener
        self._reply: SubscribeReply | None = None  # while what comes belongs to it
        self._came: list[Publication] = []

    async def on_subscribing(self, _ctx: centrifuge.SubscribingContext) -> None:
        self._reply = None
        self._listener.on_interrupted()

    async def on_subscribed(self, ctx: centrifuge.SubscribedContext) -> None:
        position = ctx.stream_position
        self._reply = SubscribeReply(
            position and Position(position.epoch, position.offset),
            was_recovering=ctx.was_recovering,
            data=ctx.data,
        )
        self._came = []
        asyncio.get_running_loop().call_soon(self._conclude, self._reply)

    async def on_publication(self, ctx: centrifuge.PublicationContext) -> None:
        publication = _read_publication(ctx.pub)
        if self._reply is not None:
            self._came.append(publication)
        else:
            self._listener.on_publication(publication)

    async def on_unsubscribed(self, ctx: centrifuge.UnsubscribedContext) -> None:
        if not self.is_over:
            self._listener.on_unsubscribed(ctx.code, ctx.reason)

    async def on_join(self, ctx: centrifuge.JoinContext) -> None:
        self._listener.on_join(_read_info(ctx.info))

    async def on_leave(self, ctx: centrifuge.LeaveContext) -> None:
        self._listener.on_leave(_read_info(ctx.info))

    async def on_error(self, _ctx: centrifuge.SubscriptionErrorContext) -> None:
        """An attempt has failed, and the SDK goes on trying."""

    def _conclude(self, reply: SubscribeReply) -> None:
        self._reply = None
        self._listener.on_subscribed(reply._replace(publications=tuple(self._came)))


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


def _read_publication(publication: centrifuge.Publication) -> Publication:
    info = publication.info
    return Publication(
        publication.offset, publication.data, None if info is None else _read_info(info)
    )


def _read_info(info: centrifuge.ClientInfo) -> ClientInfo:
    return ClientInfo(
        client=info.client,
        user=info.user,
        conn_info=info.conn_info,
        chan_info=info.chan_info,
    )
