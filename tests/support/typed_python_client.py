"""A program that uses `wspubsub.client`, typed in detail.

It is never run: `test_typing.py` has type checkers look at it.
"""

from typing import assert_type

from wspubsub import Position
from wspubsub.client import (
    Client,
    ConnectionState,
    HistoryPage,
    Message,
    MessagesLostError,
    PresenceStats,
    Subscription,
    connect,
)


async def read_token() -> str:
    return "token"


def note_state(state: ConnectionState) -> None:
    assert_type(state.code, int)


async def reload(lost: MessagesLostError) -> None:
    assert_type(lost.after, Position | None)


async def use(url: str) -> None:
    """Use everything once."""
    async with connect(url, get_token=read_token, on_state=note_state) as client:
        assert_type(client, Client)
        async with client.subscribe("room:1", on_lost=reload) as room:
            assert_type(room, Subscription)
            async for message in room:
                assert_type(message, Message)
                assert_type(message.position, Position | None)
        await client.publish("room:1", {"text": "hello"})
        assert_type(await client.history("room:1", since=room.position), HistoryPage)
        assert_type(await client.presence_stats("room:1"), PresenceStats)
        for info in (await client.presence("room:1")).values():
            assert_type(info.user, str)


connect("wss://example.com", get_token=lambda: "token")
connect("wss://example.com", get_token=lambda: 5)  # type: ignore[arg-type,return-value] # they are to refuse it
