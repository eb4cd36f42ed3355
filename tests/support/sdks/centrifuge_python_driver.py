"""Drives the unmodified centrifuge-python of PyPI as `driver.py` says.

A request a line comes in; replies and what the SDK reports go out, a line each.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from centrifuge import (
    CentrifugeError,
    Client,
    ClientEventHandler,
    ReplyError,
    StreamPosition,
    SubscriptionEventHandler,
)

Describe = Callable[[Any], dict[str, Any]]


def say(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)  # noqa: T201 - the test reads it


def describe_info(info: Any) -> dict[str, Any] | None:
    if info is None:
        return None
    return {"user": info.user, "client": info.client, "conn_info": info.conn_info}


def describe_position(position: Any) -> dict[str, Any] | None:
    if position is None:
        return None
    return {"offset": position.offset, "epoch": position.epoch}


def describe_publication(publication: Any) -> dict[str, Any]:
    return {
        "data": publication.data,
        "offset": publication.offset,
        "info": describe_info(publication.info),
    }


def describe_subscribed(ctx: Any) -> dict[str, Any]:
    return {
        "recovered": ctx.recovered,
        "was_recovering": ctx.was_recovering,
        "recoverable": ctx.recoverable,
        "position": describe_position(ctx.stream_position),
        "data": ctx.data,
    }


def describe_code(ctx: Any) -> dict[str, Any]:
    # The client's own `unsubscribed`, of a server-side subscription, has neither.
    return {
        each: getattr(ctx, each) for each in ("code", "reason") if hasattr(ctx, each)
    }


def describe_error(ctx: Any) -> dict[str, Any]:
    code = ctx.error.code if isinstance(ctx.error, ReplyError) else ctx.code
    return {"code": code, "reason": str(ctx.error)}


DESCRIBE: dict[str, Describe] = {
    "connecting": describe_code,
    "connected": lambda ctx: {"id": ctx.client, "data": ctx.data},
    "disconnected": describe_code,
    "error": describe_error,
    "subscribing": describe_code,
    "subscribed": describe_subscribed,
    "unsubscribed": describe_code,
    "publication": lambda ctx: describe_publication(ctx.pub),
    "join": lambda ctx: {"info": describe_info(ctx.info)},
    "leave": lambda ctx: {"info": describe_info(ctx.info)},
}


def listen(events: Any, **about: Any) -> Any:
    """Have each event that the SDK knows printed; a server-side one has a channel."""

    def reporter(event: str, describe: Describe) -> Callable[[Any], Awaitable[None]]:
        async def report(ctx: Any) -> None:
            channel = {"channel": ctx.channel} if hasattr(ctx, "channel") else {}
            say({"event": event, **about, **channel, **describe(ctx)})

        return report

    for event, describe in DESCRIBE.items():
        if hasattr(events, f"on_{event}"):
            setattr(events, f"on_{event}", reporter(event, describe))
    return events


def in_order(values: Iterable[Any], on_asked: Callable[[], None]) -> Any:
    """Return a callback that returns these in order, and the last one from then on."""
    pending = list(values)

    async def take(*_: object) -> Any:
        on_asked()
        return pending.pop(0) if len(pending) > 1 else pending[0]

    return take


class Driver:
    """Does what the requests say."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}

    async def open(
        self,
        client: str,
        url: str,
        token: str = "",
        *,
        tokens: list[str] | None = None,
        data: Any = None,
        timeout: float = 5.0,
        max_ping_delay: float = 10.0,
    ) -> None:
        get_token = tokens and in_order(
            tokens, lambda: say({"event": "token_asked", "client": client})
        )
        self.clients[client] = Client(
            url,
            events=listen(ClientEventHandler(), client=client),
            token=token,
            get_token=get_token or None,
            data=data,
            timeout=timeout,
            max_server_ping_delay=max_ping_delay,
            min_reconnect_delay=0.05,
            max_reconnect_delay=0.2,
            proxy=None,
        )

    async def connect(self, client: str) -> None:
        await self.clients[client].connect()

    async def disconnect(self, client: str) -> None:
        await self.clients[client].disconnect()

    async def subscribe(
        self,
        client: str,
        channels: list[str],
        states: list[dict[str, Any]] | None = None,
        data: Any = None,
    ) -> None:
        for channel in channels:
            sub = self.clients[client].get_subscription(channel)
            if sub is None:
                asked = {"event": "state_asked", "client": client, "channel": channel}
                positions = [StreamPosition(**each) for each in states or ()]
                sub = self.clients[client].new_subscription(
                    channel,
                    events=listen(
                        SubscriptionEventHandler(), client=client, channel=channel
                    ),
                    data=data,
                    min_resubscribe_delay=0.05,
                    get_state=in_order(positions, partial(say, asked))
                    if positions
                    else None,
                )
            await sub.subscribe()

    async def unsubscribe(self, client: str, channel: str) -> None:
        await self._subscription(client, channel).unsubscribe()

    async def toggle(self, client: str, channel: str) -> None:
        sub = self._subscription(client, channel)
        await sub.unsubscribe()
        await sub.subscribe()

    async def publish(self, client: str, channel: str, data: Any) -> None:
        await self.clients[client].publish(channel, data)

    async def presence(self, client: str, channel: str) -> dict[str, Any]:
        result = await self.clients[client].presence(channel)
        return {id_: describe_info(info) for id_, info in result.clients.items()}

    async def presence_stats(self, client: str, channel: str) -> dict[str, Any]:
        stats = await self.clients[client].presence_stats(channel)
        return {"num_clients": stats.num_clients, "num_users": stats.num_users}

    async def history(
        self,
        client: str,
        channel: str,
        limit: int,
        since: dict[str, Any] | None,
        *,
        reverse: bool,
    ) -> dict[str, Any]:
        position = StreamPosition(**since) if since else None
        page = await self.clients[client].history(
            channel, limit=limit, since=position, reverse=reverse
        )
        publications = [describe_publication(each) for each in page.publications]
        return {
            "publications": publications,
            "offset": page.offset,
            "epoch": page.epoch,
        }

    async def rpc(self, client: str, method: str, data: Any) -> Any:
        return (await self.clients[client].rpc(method, data)).data

    def _subscription(self, client: str, channel: str) -> Any:
        return self.clients[client].get_subscription(channel)


async def main() -> None:
    driver = Driver()
    reader = asyncio.StreamReader(limit=2**22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    running = set()
    while line := await reader.readline():
        task = asyncio.create_task(answer(driver, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


async def answer(driver: Driver, request: dict[str, Any]) -> None:
    number, name = request.pop("id"), request.pop("do")
    try:
        result = await getattr(driver, name)(**request)
    except CentrifugeError as error:
        code = error.code if isinstance(error, ReplyError) else 0
        say({"reply": number, "error": {"code": code, "message": str(error)}})
    else:
        say({"reply": number, "result": result})


if __name__ == "__main__":
    asyncio.run(main())
