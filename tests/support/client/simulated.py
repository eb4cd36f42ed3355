"""A server and an SDK in memory, which do to a client what real ones may do.

Publications are in the server's log at once; `push` decides which of them arrive, how
often and in which order. The SDK keeps no offset, recovers nothing and reconnects when
it is told that the network is back.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from wspubsub import Position
from wspubsub.client import (
    Client,
    ClientInfo,
    ConnectionState,
    PresenceStats,
    RefusedError,
)
from wspubsub.client.hub import Hub
from wspubsub.client.sdk import (
    ConnectionListener,
    GetToken,
    Page,
    Publication,
    SubscribeReply,
    SubscriptionListener,
)
from wspubsub.client.timing import Timing

ANN = ClientInfo(client="1", user="ann")


@dataclass
class Topic:
    """A topic of the server's; without an epoch it has no history."""

    epoch: str = "a"
    newest: int = 0
    kept: dict[int, Any] = field(default_factory=dict)
    is_cache: bool = False

    @property
    def position(self) -> Position | None:
        return Position(self.epoch, self.newest) if self.epoch else None

    def publish(self, *values: Any) -> None:
        for value in values:
            self.newest += 1
            self.kept[self.newest] = value

    def trim(self, offset: int) -> None:
        """Forget everything up to an offset."""
        self.kept = {each: data for each, data in self.kept.items() if each > offset}

    def restart(self, epoch: str) -> None:
        self.epoch, self.newest, self.kept = epoch, 0, {}

    def read(self, since: Position | None, limit: int) -> Page:
        position, first = Position(self.epoch, self.newest), 0
        if since is not None:
            first = since.offset + 1
            is_left = since.offset >= self.newest or first in self.kept
            if since.epoch != self.epoch or not is_left:
                raise RefusedError(112, "unrecoverable position")
        offsets = sorted(each for each in self.kept if each >= first)
        page = offsets[: min(limit, 300)]
        return Page(position, tuple(Publication(e, self.kept[e]) for e in page))


class Server:
    """What is at the other end.

    Attributes:
        topics: By name.
        listeners: Who is subscribed, by topic.
        calls: What was asked, in order.
        failures: What the next commands of a name fail with, in order.
        refused: Code with which a subscribe to a topic is refused.
        is_silent: Whether no command is answered.
        is_down: Whether nobody can connect.
    """

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.listeners: dict[str, SubscriptionListener] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.failures: dict[str, list[Exception]] = {}
        self.refused: dict[str, int] = {}
        self.is_silent = False
        self.is_down = False
        self.sdk: SimulatedSdk | None = None

    def topic(self, name: str = "room", **fields: Any) -> Topic:
        return self.topics.setdefault(name, Topic(**fields))

    def push(self, *offsets: int, topic: str = "room") -> None:
        """Let publications of the log arrive."""
        for offset in offsets:
            publication = Publication(offset, self.topics[topic].kept[offset], ANN)
            self.listeners[topic].on_publication(publication)

    def publish(self, *values: Any, topic: str = "room") -> None:
        """Publish, and let it arrive."""
        found = self.topics[topic]
        for value in values:
            found.publish(value)
            offset = found.newest if found.epoch else 0
            if topic in self.listeners:
                self.listeners[topic].on_publication(Publication(offset, value, ANN))

    def find_calls(self, name: str) -> list[tuple[Any, ...]]:
        return [each for each in self.calls if each[0] == name]


class SimulatedSdk:
    """The SDK of one client."""

    def __init__(self, server: Server, listener: ConnectionListener) -> None:
        server.sdk = self
        self._server = server
        self._listener = listener
        self._wanted: dict[str, SubscriptionListener] = {}

    async def connect(self) -> None:
        self._tell("connecting")
        if self._server.is_down:
            self._listener.on_error(OSError("nobody listens"))
        else:
            self._tell("connected")
            self._subscribe_all()

    async def reconnect(self) -> None:
        self._server.calls.append(("reconnect",))
        self.cut()
        self._server.is_silent = False
        self.mend()

    async def close(self) -> None:
        self._server.listeners.clear()
        self._tell("disconnected", 0, "disconnect called")

    def cut(self) -> None:
        """Lose the connection."""
        for listener in self._server.listeners.values():
            listener.on_interrupted()
        self._server.listeners.clear()
        self._tell("connecting")

    def mend(self) -> None:
        self._tell("connected")
        self._subscribe_all()

    def send_away(self, code: int, reason: str) -> None:
        """Disconnect for good."""
        self._server.listeners.clear()
        self._tell("disconnected", code, reason)

    async def subscribe(
        self,
        topic: str,
        listener: SubscriptionListener,
        *,
        data: Any,
        get_token: GetToken | None,
    ) -> None:
        await self._answer("subscribe", topic, data)
        assert topic not in self._wanted
        self._wanted[topic] = listener
        asyncio.get_running_loop().call_soon(self._let_in, topic)

    async def listen(self, topic: str, listener: SubscriptionListener) -> None:
        self._server.calls.append(("listen", topic))
        self._wanted[topic] = listener
        asyncio.get_running_loop().call_soon(self._let_in, topic)

    async def unsubscribe(self, topic: str) -> None:
        self._server.calls.append(("unsubscribe", topic))
        self._wanted.pop(topic, None)
        self._server.listeners.pop(topic, None)

    async def publish(self, topic: str, data: Any) -> None:
        await self._answer("publish", topic, data)
        self._server.publish(data, topic=topic)

    async def rpc(self, method: str, data: Any) -> Any:
        await self._answer("rpc", method, data)
        if method != "echo":
            raise RefusedError(104, "method not found")
        return data

    async def presence(self, topic: str) -> Mapping[str, ClientInfo]:
        await self._answer("presence", topic)
        return {ANN.client: ANN}

    async def presence_stats(self, topic: str) -> PresenceStats:
        await self._answer("presence_stats", topic)
        return PresenceStats(clients=1, users=1)

    async def history(
        self, topic: str, since: Position | None, limit: int, *, reverse: bool = False
    ) -> Page:
        await self._answer("history", topic, since, limit)
        return self._server.topics[topic].read(since, limit)

    async def _answer(self, *call: Any) -> None:
        self._server.calls.append(call)
        await asyncio.sleep(0)
        if self._server.is_silent:
            raise TimeoutError("no answer in time")
        if failures := self._server.failures.get(call[0]):
            raise failures.pop(0)

    def _subscribe_all(self) -> None:
        for topic in self._wanted:
            self._let_in(topic)

    def _let_in(self, topic: str) -> None:
        listener = self._wanted[topic]
        if code := self._server.refused.get(topic):
            listener.on_unsubscribed(code, "permission denied")
            return
        self._server.listeners[topic] = listener
        found = self._server.topics[topic]
        reply = SubscribeReply(found.position, data={"state": topic})
        if found.is_cache:
            newest = Publication(found.newest, found.kept[found.newest])
            reply = reply._replace(publications=(newest,), was_recovering=True)
        listener.on_subscribed(reply)

    def _tell(self, name: Any, code: int = 0, reason: str = "") -> None:
        state = ConnectionState(name=name, code=code, reason=reason)
        self._listener.on_state(state)


class VirtualTime:
    """Clocks that stand still until they are moved, and whoever waits by them."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.asleep_seconds = 0.0
        self._numbers = count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def timing(self) -> Timing:
        return Timing(
            sleep=self.sleep,
            clock=lambda: self.now,
            wall_clock=lambda: self.now + self.asleep_seconds,
        )

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        entry = (self.now + seconds, next(self._numbers), future)
        heapq.heappush(self._waiting, entry)
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due until then."""
        end = self.now + seconds
        await settle()
        while self._waiting and self._waiting[0][0] <= end:
            self.now, _, future = heapq.heappop(self._waiting)
            if not future.cancelled():
                future.set_result(None)
                await settle()
        self.now = end


async def settle() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


def make_client(
    server: Server,
    time: VirtualTime | None = None,
    on_state: Callable[[ConnectionState], object] | None = None,
    open_timeout_seconds: float | None = None,
) -> Client:
    """Return a client of the server in memory."""
    timing = (time or VirtualTime()).timing
    hub = Hub(
        lambda listener: SimulatedSdk(server, listener),
        on_state=on_state,
        timing=timing,
    )
    return Client(hub, open_timeout_seconds)
