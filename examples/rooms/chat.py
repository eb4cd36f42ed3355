"""A room in a terminal: prints what is said, and says what is typed.

    python chat.py --name Ann
    python chat.py --token "$(python sign_in.py alice Alice)" --room room:garden

It reconnects by itself, and shows each message once and in order.
"""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator

from wspubsub.client import (
    Client,
    ClientError,
    ClientInfo,
    ConnectionState,
    DisconnectedError,
    Message,
    MessagesLostError,
    Subscription,
    connect,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Shows a room in a terminal.")
    parser.add_argument("--url", default="ws://127.0.0.1:3001/dev")
    parser.add_argument("--room", default="room:lobby")
    parser.add_argument("--name", default="somebody", help="who you are without token")
    parser.add_argument("--token", default="")
    options = parser.parse_args()
    try:
        asyncio.run(chat(options.url, options.room, options.name, options.token))
    except (ClientError, TimeoutError) as error:
        sys.exit(f"* {error}")
    except KeyboardInterrupt:
        pass  # Ctrl-C is the way out


async def chat(url: str, room: str, name: str, token: str) -> None:
    client = connect(
        url,
        get_token=(lambda: token) if token else None,
        data={"name": name},
        on_state=show_state,
    )
    async with (
        client,
        client.subscribe(
            room,
            on_lost=show_loss,
            on_join=lambda info: print(f"* {name_of(info)} has come"),
            on_leave=lambda info: print(f"* {name_of(info)} has left"),
        ) as messages,
    ):
        await show_past(client, messages)
        tasks = [
            asyncio.create_task(listen(messages)),
            asyncio.create_task(speak(client, room)),
        ]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        for task in done:
            task.result()  # raises what has ended it


async def show_past(client: Client, messages: Subscription) -> None:
    """Show what was said before the first message that comes."""
    begin = messages.position
    page = await client.history(messages.topic)
    for message in page.messages:
        if begin and message.position and message.position <= begin:
            show(message)


async def listen(messages: Subscription) -> None:
    async for message in messages:
        show(message)


async def speak(client: Client, room: str) -> None:
    async for line in read_lines():
        try:
            await client.publish(room, {"text": line, "at": int(time.time() * 1000)})
        except (DisconnectedError, TimeoutError):
            print("* say it again if it does not appear", flush=True)


async def read_lines() -> AsyncIterator[str]:
    """Yield what is typed; a thread reads it, because files block on some systems."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.strip())
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def show(message: Message) -> None:
    data = message.data
    text = data.get("text", "") if isinstance(data, dict) else data
    print(f"{name_of(message.info)}: {text}", flush=True)


def show_state(state: ConnectionState) -> None:
    print(f"* {state.name}", flush=True)


def show_loss(_lost: MessagesLostError) -> None:
    print("* some messages are lost", flush=True)


def name_of(info: ClientInfo | None) -> str:
    return (info and (info.conn_info or {}).get("name")) or "somebody"


if __name__ == "__main__":
    main()
