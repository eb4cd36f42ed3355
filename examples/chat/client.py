"""Two clients of the chat: one counts on the topic `general`, the other listens.

python client.py ws://127.0.0.1:3001/dev
"""

import asyncio
import contextlib
import itertools
import json
import sys

from websockets.asyncio.client import ClientConnection, connect

TOPIC = "general"


async def publish(client: ClientConnection) -> None:
    for number in itertools.count(1):
        await client.send(
            json.dumps({"type": "message", "topic": TOPIC, "message": number})
        )
        print(f"sent {number}", flush=True)
        await asyncio.sleep(1)


async def listen(client: ClientConnection) -> None:
    async for text in client:
        message = json.loads(text)
        if message["type"] == "message":
            print(f"received {message['message']}", flush=True)
        else:
            print(f"was told {message}", flush=True)


async def main(url: str) -> None:
    async with connect(url) as subscriber, connect(url) as publisher:
        # Wait for the answer: what is published before it may not reach us.
        await subscriber.send(json.dumps({"type": "subscribe", "topic": TOPIC}))
        print(f"was told {json.loads(await subscriber.recv())}", flush=True)
        await asyncio.gather(listen(subscriber), listen(publisher), publish(publisher))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1]))
