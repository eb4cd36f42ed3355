"""`wspubsub demo`: the classic two clients against the chat example, for real.

One publishes a growing count to the topic `general`, the other subscribes first and
receives. Nothing is in-process but the two clients: gateway, workers and DynamoDB are
those of `wspubsub dev`.
"""

import asyncio
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from wspubsub.gateway import GatewayConfig
from wspubsub.handlers.target import Target
from wspubsub.local.dev import LocalGateway
from wspubsub.local.journal import Journal
from wspubsub.local.settings import LocalSettings
from wspubsub.local.tasks import first_of

TOPIC = "general"
PATIENCE_SECONDS = 15.0

SETTLING_SECONDS = 0.3
"""How long to wait for messages that arrive twice."""

_SHIPPED = Path(__file__).with_name("chat_app.py")
_CHECKOUT = Path(__file__).parents[3] / "examples" / "chat" / "app.py"


class Demo:
    """One run of the demo.

    Args:
        messages: How many messages are published.
        interval_seconds: Time between two of them.
        say: Called with each line of output.
        app: File with the chat's handler.
        patience_seconds: How long the last messages may take to arrive.
    """

    def __init__(
        self,
        *,
        messages: int,
        interval_seconds: float,
        say: Callable[[str], None],
        app: Path | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._expected = range(1, messages + 1)
        self._interval_seconds = interval_seconds
        self._say = say
        self._app = app or chat_example()
        self._patience_seconds = patience_seconds
        self._received: Counter[int] = Counter()
        self._problems: list[str] = []
        self._is_complete = asyncio.Event()

    async def run(self) -> bool:
        """Run the demo and return whether every message arrived exactly once."""
        log = io.StringIO()
        target = Target.parse(f"{self._app}:handler", cwd=self._app.parent)
        settings = LocalSettings(config=GatewayConfig(), target=target)
        async with LocalGateway(settings, Journal(log)) as gateway:
            self._say(f"gateway at {gateway.url}, chat example {self._app}")
            await self._converse(gateway.url)
        is_good = self._judge()
        if not is_good:
            self._say(f"\nWhat the gateway logged:\n{log.getvalue()}")
        return is_good

    async def _converse(self, url: str) -> None:
        async with (
            connect(url, proxy=None) as subscriber,
            connect(url, proxy=None) as publisher,
        ):
            await subscriber.send(json.dumps({"type": "subscribe", "topic": TOPIC}))
            async with asyncio.timeout(self._patience_seconds):
                reply = json.loads(await subscriber.recv())
            if reply.get("type") != "subscribed":
                self._problems.append(f"the answer to the subscription was {reply}")
                return
            self._say(f"subscribed to {TOPIC}")
            listening = [
                asyncio.create_task(self._listen(each))
                for each in (subscriber, publisher)
            ]
            try:
                await self._publish(publisher)
            finally:  # also if it is interrupted
                for task in listening:
                    task.cancel()
                await asyncio.gather(*listening, return_exceptions=True)

    async def _publish(self, publisher: ClientConnection) -> None:
        for number in self._expected:
            await publisher.send(
                json.dumps({"type": "message", "topic": TOPIC, "message": number})
            )
            self._say(f"sent {number}")
            await asyncio.sleep(self._interval_seconds)
        complete = asyncio.ensure_future(self._is_complete.wait())
        await first_of(complete, timeout_seconds=self._patience_seconds)
        complete.cancel()
        await asyncio.sleep(SETTLING_SECONDS)

    async def _listen(self, client: ClientConnection) -> None:
        async for text in client:
            message: dict[str, Any] = json.loads(text)
            if message.get("type") != "message":
                self._problems.append(f"a client received {message}")
                continue
            number = message["message"]
            self._say(f"received {number}")
            self._received[number] += 1
            if self._received.keys() >= set(self._expected):
                self._is_complete.set()

    def _judge(self) -> bool:
        missing = [n for n in self._expected if not self._received[n]]
        repeated = [n for n in self._expected if self._received[n] > 1]
        if missing:
            self._problems.append(f"never received: {_join_numbers(missing)}")
        if repeated:
            self._problems.append(f"received more than once: {_join_numbers(repeated)}")
        for problem in self._problems:
            self._say(problem)
        if not self._problems:
            self._say(f"{len(self._expected)} sent, each received exactly once")
        return not self._problems


def chat_example() -> Path:
    """Return the chat example: shipped in the wheel, or in the checkout."""
    return _SHIPPED if _SHIPPED.exists() else _CHECKOUT


def _join_numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
