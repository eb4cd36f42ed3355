"""Random frames for a `PubSub`, and the application that must withstand them."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from tests.support.pubsub_clients import World
from wspubsub import Forbidden, StoreError, TooManyTopicsError, Unauthorized
from wspubsub.errors import MessageError
from wspubsub.log.rules import History
from wspubsub.pubsub import (
    ANYONE,
    SUBSCRIBERS,
    CommandError,
    ConnectRequest,
    PublishRequest,
    PubSub,
    RpcRequest,
    SendRequest,
    SubscribeRequest,
    TokenExpired,
    User,
)
from wspubsub.subscriptions.memory_members import MemoryMemberStore

SECRET = "a secret text"
"""What no client may ever see."""

USERS = ("ada", "bob", "a:b", "é", "ada ", "")

ERRORS: dict[str, Callable[[], BaseException]] = {
    "key": lambda: KeyError(SECRET),
    "many": lambda: TooManyTopicsError(100),
    "store": lambda: StoreError(SECRET, operation="Query", code="Some"),
    "timeout": lambda: TimeoutError(SECRET),
    "cancelled": lambda: asyncio.CancelledError(SECRET),
    "forbidden": lambda: Forbidden(SECRET),
    "unauthorized": lambda: Unauthorized(SECRET),
    "message": lambda: MessageError(SECRET),
    "expired": lambda: TokenExpired(SECRET),
    "own": lambda: CommandError(404, "no such thing"),
    "recursion": lambda: RecursionError(SECRET),
    "memory": lambda: MemoryError(SECRET),
}

RESULTS: dict[str, Callable[[], object]] = {
    "false": lambda: False,
    "object": object,
    "nan": lambda: float("nan"),
    "set": lambda: {SECRET},
    "large": lambda: "x" * 140_000,
    "half": lambda: "\ud800",
}


def misbehave(how: str) -> object:
    """Raise or return what is named."""
    make_error = ERRORS.get(how)
    if make_error is not None:
        raise make_error()
    return RESULTS[how]() if how in RESULTS else None


class FlakyMembers(MemoryMemberStore):
    """Members of whom some calls fail, once `chance` is above 0."""

    def __init__(self, draw: random.Random, **options: Any) -> None:
        super().__init__(**options)
        self.chance = 0.0
        self._draw_member = draw

    def _fail(self) -> None:
        if self._draw_member.random() < self.chance:
            raise StoreError(SECRET, operation="Query", code="Some")


def _make_flaky(name: str) -> Callable[..., Any]:
    def call(self: FlakyMembers, *args: Any, **options: Any) -> Any:
        self._fail()
        return getattr(MemoryMemberStore, name)(self, *args, **options)

    return call


for _name in (
    "begin_session",
    "read_session",
    "renew_session",
    "is_gone",
    "begin_subscription",
    "undo_subscription",
    "end_subscription",
    "renew_subscription",
    "mark_lost",
    "members",
    "presence",
):
    setattr(FlakyMembers, _name, _make_flaky(_name))


def make_application(world: World) -> None:
    """Register topics and rules: good ones, and such as fail in every way."""
    _add_topics(world.pubsub)
    _add_methods(world.pubsub)


def _add_topics(pubsub: PubSub) -> None:

    @pubsub.connect
    async def connect(request: ConnectRequest) -> User:
        misbehave(request.token)
        if request.token not in USERS:
            raise Unauthorized(SECRET)
        own = [f"user:{request.token}"] if request.token in {"ada", "bob"} else []
        return User(request.token, info={"name": request.token}, subscribe=own)

    room = pubsub.topic(
        "room:{room_id}", history=History(limit=20), presence=True, join_leave=True
    )
    room.subscribe(ANYONE)
    room.publish(SUBSCRIBERS)
    news = pubsub.topic("news", history=History(limit=1), mode="cache")
    news.subscribe(ANYONE)
    pubsub.topic("user:{user}", history=History(limit=5), presence=True)
    own = pubsub.topic("own:{user}", presence=True)

    @own.subscribe
    def enter_own(request: SubscribeRequest, user: str) -> None:
        if user != request.user:
            raise Forbidden(SECRET)

    bad = pubsub.topic("bad:{how}", history=History())

    @bad.subscribe
    async def enter_badly(_request: SubscribeRequest, how: str) -> object:
        return misbehave(how)

    @bad.publish
    async def say_badly(_request: PublishRequest, how: str) -> object:
        await asyncio.sleep(0)
        return misbehave(how)


def _add_methods(pubsub: PubSub) -> None:
    @pubsub.rpc("echo")
    def echo(request: RpcRequest) -> object:
        return request.data

    @pubsub.rpc("bad")
    async def fail(request: RpcRequest) -> object:
        (how,) = request.fields(how=str)
        return misbehave(how)

    @pubsub.on_message
    async def take(request: SendRequest) -> None:
        if isinstance(request.data, str):
            misbehave(request.data)


def may_enter(user: str, channel: str) -> bool:
    """Return whether a user may get anything of a channel."""
    kind, _, name = channel.partition(":")
    return name == user if kind in {"user", "own"} else True


class Frames:
    """Makes frames: most are right, many nearly so, and some are noise."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._number = 0

    def make(self) -> str:
        draw = self._draw
        lines = [self._line() for _ in range(draw.choice((1, 1, 1, 2, 3, 8)))]
        text = draw.choice(("\n", "\n", "\n\n", "\r\n")).join(lines)
        if draw.random() < 0.03:
            text = self._damage(text)
        return text or "\n"

    def _line(self) -> str:
        draw = self._draw
        self._number += 1
        number: Any = self._number
        if draw.random() < 0.01:
            number = draw.choice((0, 1, -1, 2**32 - 1, 2**32, "1", 1.0, True, None, []))
        command = self._command()
        if not (set(command) & {"send", "ping"} and draw.random() < 0.5):
            command = {"id": number, **command}
        text = json.dumps(command, ensure_ascii=draw.random() < 0.5)
        try:
            text.encode()
        except UnicodeEncodeError:
            text = json.dumps(command)
        return text

    def _damage(self, text: str) -> str:
        at = self._draw.randrange(len(text) + 1)
        return self._draw.choice(
            (
                text[:at],
                text[:at] + self._draw.choice('{}[]":,\\\x00\u2028é0') + text[at:],
                text[:at] + "\n" + text[at:],
                text[at:] + text[:at],
                text.replace('"', "'"),
                text + "\n" + "[" * 2000,
                text + '\n{"id":1,"rpc":{"data":' + "[" * 500 + "]" * 500 + "}}",
            )
        )

    def _command(self) -> dict[str, Any]:
        pick = self._draw.choice
        if self._draw.random() < 0.01:
            return {"connect": self._connect()}
        channel = {"channel": self._channel()}
        return pick(
            (
                lambda: {"subscribe": channel | self._since() | self._junk()},
                lambda: {"subscribe": channel},
                lambda: {"unsubscribe": channel},
                lambda: {"publish": channel | {"data": self._data()}},
                lambda: {"publish": channel | {"data": self._data()}},
                lambda: {"presence": channel},
                lambda: {"presence_stats": channel},
                lambda: {"history": channel | self._history()},
                lambda: {"rpc": {"method": "echo", "data": self._data()}},
                lambda: {"rpc": {"method": "bad", "data": {"how": self._how()}}},
                lambda: {"rpc": {"method": self._text(), "data": self._data()}},
                lambda: {"send": {"data": pick((self._how(), self._data()))}},
                lambda: {
                    "refresh": {"token": pick((*USERS, *["ada"] * 8, self._how()))}
                },
                lambda: {"sub_refresh": channel | {"token": self._text()}},
                lambda: {"ping": {}},
                lambda: {self._text(): self._data()},
                dict,
            )
        )()

    def _connect(self) -> dict[str, Any]:
        subs = {self._channel(): self._since() for _ in range(2)}
        token = self._draw.choice((*USERS, "forged", self._how()))
        return {"token": token, "subs": subs} | self._junk()

    def _channel(self) -> str:
        pick = self._draw.choice
        user = pick((*USERS, "*", "ada\u0301", "%", "eve", "ada:x", "ada\x00"))
        return str(
            pick(
                (
                    *[f"room:{pick('123')}"] * 4,
                    f"user:{user}",
                    f"own:{user}",
                    f"bad:{self._how()}",
                    "news",
                    pick(("", ":", "room:", "room", "news ", "NEWS", "T#0#news")),
                    self._text(),
                    "room:" + "x" * pick((251, 252, 10_000)),
                )
            )
        )

    def _how(self) -> str:
        return self._draw.choice((*ERRORS, *RESULTS, "well"))

    def _since(self) -> dict[str, Any]:
        pick = self._draw.choice
        return {
            "recover": pick((True, True, False, None)),
            "epoch": pick(("", "_", "x" * 5000, "\ud800", "e:1")),
            "offset": pick((0, 1, 5, 2**53, 2**63, 2**64 - 1)),
            "flag": pick((0, 1, 2, 3, 2**64 - 1)),
        }

    def _history(self) -> dict[str, Any]:
        pick = self._draw.choice
        fields = {
            "limit": pick((0, 1, -1, -2, 300, 2**31 - 1)),
            "reverse": pick((True, False)),
        }
        return fields | pick(({}, {"since": self._since()}))

    def _junk(self) -> dict[str, Any]:
        return self._draw.choice(
            (
                *[{}] * 10,
                {"data": self._data()},
                {"headers": {"a": "b"}},
                {"headers": {"a": 1}},
                {"token": 7},
                {"new": {"field": []}},
            )
        )

    def _data(self) -> object:
        return self._draw.choice(
            (None, 0, False, "", "text\nwith\nlines", {}, [], {"a": [1]}, "\ud83d")
        )

    def _text(self) -> str:
        letters = 'ab:/#*{}"\\ \n\t\x7fé\u2028\ud800😀0'
        return "".join(self._draw.choices(letters, k=self._draw.randrange(6)))
