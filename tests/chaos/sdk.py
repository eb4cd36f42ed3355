"""A model of an SDK with many topics, which knows of a connection what a client can.

It drops no duplicates and notices no hole. Where it connects again, it recovers from
the offset of whatever came last. A connection may be gone without its noticing.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

Reply = dict[str, Any] | None
"""What a command was answered; None if no answer has come in time."""

Done = Callable[[Reply], None]

TIMEOUT_SECONDS = 5.0
LAST_OF_RECONNECTS = 3500
"""Codes from here on end a client for good."""


class Listener(Protocol):
    """What is told of a subscription, in the order in which it happens."""

    def take_subscribed(self, reply: dict[str, Any]) -> None:
        """Take the reply to a subscribe; its publications follow one by one."""

    def take_publication(self, publication: dict[str, Any]) -> None: ...

    def take_subscribing(self) -> None:
        """Learn that the subscription is interrupted."""


class Wire(Protocol):
    """A connection, as its client sees it."""

    def send(self, frame: str) -> None: ...

    def close(self) -> None: ...


class _Waiting(NamedTuple):
    until: float
    done: Done


class _Subscription:
    def __init__(self, topic: str, listener: Listener) -> None:
        self.topic = topic
        self.listener = listener
        self.is_on = False
        self.position: tuple[str, int] | None = None
        self.command = 0
        self.try_at: float | None = None


class Sdk:
    """One client.

    Args:
        user: Who it is.
        open_wire: Connects.
        now: Clock in seconds.
        joins: Whether all that can be sent together is one frame, as in JavaScript.
    """

    def __init__(
        self,
        user: str,
        open_wire: Callable[[], Wire],
        now: Callable[[], float],
        *,
        joins: bool,
    ) -> None:
        self.user = user
        self.wire: Wire | None = None
        self.is_connected = False
        self.connects_at: float | None = now()
        self._open_wire = open_wire
        self._now = now
        self._joins = joins
        self._subscriptions: dict[str, _Subscription] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._number = 0

    @property
    def is_settled(self) -> bool:
        """Whether it is connected and subscribed, and waits for nothing."""
        on = all(each.is_on for each in self._subscriptions.values())
        return self.is_connected and on and not self._waiting

    @property
    def topics(self) -> list[str]:
        return list(self._subscriptions)

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Subscribe, now or with the next connection."""
        self._subscriptions[topic] = _Subscription(topic, listener)

    def ask(self, *asked: tuple[Done, dict[str, Any]]) -> None:
        """Send commands, each with who is told its answer."""
        if self.is_connected:
            self._send([self._command(done, command) for done, command in asked])
            return
        for done, _ in asked:
            done(None)

    def tick(self) -> None:
        """Do what it is time for."""
        now = self._now()
        if self.wire is None and self.connects_at is not None:
            if self.connects_at <= now:
                self._connect()
            return
        late = [n for n, each in self._waiting.items() if each.until <= now]
        for number in late:
            waiting = self._waiting.pop(number, None)
            if waiting is not None:
                waiting.done(None)
        again = [
            each
            for each in self._subscriptions.values()
            if each.try_at is not None and each.try_at <= now and self.is_connected
        ]
        self._send([self._subscribe_command(each) for each in again])

    def read(self, frame: str) -> None:
        """Take a frame that has come."""
        for line in frame.split("\n"):
            message = json.loads(line)
            if message.get("id") in self._waiting:
                self._waiting.pop(message["id"]).done(message)
            elif "push" in message:
                self._take_push(message["push"])

    def lose_wire(self) -> None:
        """Learn that the connection is gone."""
        self.wire = None
        self.is_connected = False
        self.connects_at = self._now() + 0.5
        waiting, self._waiting = self._waiting, {}
        for each in self._subscriptions.values():
            each.is_on, each.try_at, each.command = False, None, 0
            each.listener.take_subscribing()
        for left in waiting.values():
            left.done(None)

    def reconnect(self) -> None:
        """Close the connection, and connect again."""
        if self.wire is not None:
            self.wire.close()
            self.lose_wire()

    def stay_away(self) -> None:
        """Never connect again."""
        self.connects_at = None

    def _connect(self) -> None:
        self.connects_at = None
        self.wire = self._open_wire()

        def take(reply: Reply) -> None:
            if reply is None or "error" in reply:
                self.reconnect()
                return
            self.is_connected = True
            every = list(self._subscriptions.values())
            self._send([self._subscribe_command(each) for each in every])

        self._send([self._command(take, {"connect": {"token": self.user}})])

    def _subscribe_command(self, subscription: _Subscription) -> str:
        request: dict[str, Any] = {"channel": subscription.topic, "flag": 1}
        if subscription.position is not None:
            epoch, offset = subscription.position
            request |= {"recover": True, "epoch": epoch, "offset": offset}
        subscription.try_at = None
        command = self._command(
            lambda reply: self._take_subscribed(subscription, number, reply),
            {"subscribe": request},
        )
        number = subscription.command = self._number
        return command

    def _take_subscribed(
        self, subscription: _Subscription, number: int, reply: Reply
    ) -> None:
        if number != subscription.command:
            return
        if reply is None:
            self.reconnect()
        elif "error" in reply:
            assert reply["error"].get("temporary"), reply
            subscription.try_at = self._now() + 1.0
        else:
            self._begin(subscription, reply["subscribe"])

    def _begin(self, subscription: _Subscription, reply: dict[str, Any]) -> None:
        subscription.is_on = True
        subscription.position = (reply["epoch"], reply.get("offset", 0))
        subscription.listener.take_subscribed(reply)
        for each in reply.get("publications", ()):
            self._give(subscription, each)

    def _give(self, subscription: _Subscription, publication: dict[str, Any]) -> None:
        assert subscription.position is not None
        subscription.position = (subscription.position[0], publication["offset"])
        subscription.listener.take_publication(publication)

    def _take_push(self, push: dict[str, Any]) -> None:
        if "disconnect" in push:
            assert push["disconnect"]["code"] < LAST_OF_RECONNECTS, push
            self.reconnect()
            return
        subscription = self._subscriptions.get(push.get("channel", ""))
        if subscription is None or not subscription.is_on:
            return
        if "pub" in push:
            self._give(subscription, push["pub"])
        elif "unsubscribe" in push:
            subscription.is_on = False
            subscription.listener.take_subscribing()
            self._send([self._subscribe_command(subscription)])

    def _command(self, done: Done, command: dict[str, Any]) -> str:
        self._number += 1
        self._waiting[self._number] = _Waiting(self._now() + TIMEOUT_SECONDS, done)
        return json.dumps({"id": self._number, **command})

    def _send(self, commands: list[str]) -> None:
        if self.wire is None:
            return
        for frame in self._frames(commands):
            self.wire.send(frame)

    def _frames(self, commands: list[str]) -> Iterator[str]:
        if self._joins and commands:
            yield "\n".join(commands)
        else:
            yield from commands
