"""What `centrifuge-python` reports of subscriptions, passed on to listeners.

The publications of a subscribe reply go to `on_publication` right after
`on_subscribed`, without a pause as long as no handler waits. So what comes before the
event loop's next turn came with the reply, and what comes later was pushed.
"""

import asyncio

import centrifuge

from wspubsub.client.sdk import Publication, SubscribeReply, SubscriptionListener
from wspubsub.client.values import ClientInfo
from wspubsub.log.rules import Position

_SERVER_UNSUBSCRIBE = 2000
"""The code with which a server ends a subscription; the SDK does not say it of those
that the server itself began."""


class SubscriptionEvents:
    """The SDK's events of a subscription."""

    def __init__(self, listener: SubscriptionListener) -> None:
        self.is_over = False
        self._listener = listener
        self._reply: SubscribeReply | None = None  # while what comes belongs to it
        self._came: list[Publication] = []

    async def on_subscribing(self, _ctx: centrifuge.SubscribingContext) -> None:
        """Say that it is interrupted."""
        self._reply = None
        self._listener.on_interrupted()

    async def on_subscribed(self, ctx: centrifuge.SubscribedContext) -> None:
        """Keep the reply until what came with it is there."""
        position = ctx.stream_position
        self._reply = SubscribeReply(
            position and Position(position.epoch, position.offset),
            was_recovering=ctx.was_recovering,
            data=ctx.data,
        )
        self._came = []
        asyncio.get_running_loop().call_soon(self._conclude, self._reply)

    async def on_publication(self, ctx: centrifuge.PublicationContext) -> None:
        """Take a publication: of the reply, or pushed."""
        publication = read_publication(ctx.pub)
        if self._reply is not None:
            self._came.append(publication)
        else:
            self._listener.on_publication(publication)

    async def on_unsubscribed(self, ctx: centrifuge.UnsubscribedContext) -> None:
        """Say that it is over."""
        self._reply = None
        if not self.is_over:
            code = getattr(ctx, "code", _SERVER_UNSUBSCRIBE)
            self._listener.on_unsubscribed(
                code, getattr(ctx, "reason", "by the server")
            )

    async def on_join(self, ctx: centrifuge.JoinContext) -> None:
        """Say who came in."""
        self._listener.on_join(read_info(ctx.info))

    async def on_leave(self, ctx: centrifuge.LeaveContext) -> None:
        """Say who left."""
        self._listener.on_leave(read_info(ctx.info))

    async def on_error(self, _ctx: centrifuge.SubscriptionErrorContext) -> None:
        """An attempt has failed, and the SDK goes on trying."""

    def _conclude(self, reply: SubscribeReply) -> None:
        if self._reply is not reply:
            return  # the subscription was interrupted, or ended, before this
        self._reply = None
        self._listener.on_subscribed(reply._replace(publications=tuple(self._came)))


class ServerTopic:
    """A topic to which the server has subscribed the client, or is going to.

    It begins when the client connects, which is before anybody can listen. So what the
    listener needs to find all that has come since is kept: the first reply and the last
    one, and the newest publication; the history has those between.

    Attributes:
        listener: Whoever listens; None before and after.
    """

    def __init__(self) -> None:
        self.listener: SubscriptionListener | None = None
        self._first: SubscribeReply | None = None
        self._last: SubscribeReply | None = None
        self._newest: Publication | None = None

    def listen(self, listener: SubscriptionListener) -> None:
        """Let somebody know what has come, and what comes."""
        self.listener = listener
        if self._first is not None:
            listener.on_subscribed(self._first)
        if self._last is not None and self._last is not self._first:
            listener.on_subscribed(self._last)
        if self._newest is not None and self._newest.offset:
            listener.on_publication(self._newest)

    def leave(self) -> None:
        """Begin where the topic stands for whoever listens next."""
        self.listener = None
        reply, newest = self._last, self._newest
        if reply is not None and reply.position is not None:
            offset = max(reply.position.offset, newest.offset if newest else 0)
            position = reply.position._replace(offset=offset)
            reply = reply._replace(position=position, publications=())
        self._first = self._last = reply
        self._newest = None

    def on_subscribed(self, reply: SubscribeReply) -> None:
        """Keep a reply, and pass it on."""
        if self._first is None or not _is_same_epoch(self._first, reply):
            self._first, self._newest = reply, None
        self._last = reply
        if reply.publications:
            self._newest = reply.publications[-1]
        if self.listener is not None:
            self.listener.on_subscribed(reply)

    def on_publication(self, publication: Publication) -> None:
        """Keep a publication, and pass it on."""
        self._newest = publication
        if self.listener is not None:
            self.listener.on_publication(publication)

    def on_interrupted(self) -> None:
        """Pass it on."""
        if self.listener is not None:
            self.listener.on_interrupted()

    def on_unsubscribed(self, code: int, reason: str) -> None:
        """Forget everything, and pass it on."""
        self._first = self._last = self._newest = None
        if self.listener is not None:
            self.listener.on_unsubscribed(code, reason)

    def on_join(self, info: ClientInfo) -> None:
        """Pass it on."""
        if self.listener is not None:
            self.listener.on_join(info)

    def on_leave(self, info: ClientInfo) -> None:
        """Pass it on."""
        if self.listener is not None:
            self.listener.on_leave(info)


def _is_same_epoch(one: SubscribeReply, other: SubscribeReply) -> bool:
    if one.position is None or other.position is None:
        return one.position is other.position
    return one.position.epoch == other.position.epoch


def read_publication(publication: centrifuge.Publication) -> Publication:
    """Return a publication of the SDK's as the port has it."""
    info = publication.info
    return Publication(
        publication.offset, publication.data, None if info is None else read_info(info)
    )


def read_info(info: centrifuge.ClientInfo) -> ClientInfo:
    """Return a client of the SDK's as the port has it."""
    return ClientInfo(
        client=info.client,
        user=info.user,
        conn_info=info.conn_info,
        chan_info=info.chan_info,
    )
