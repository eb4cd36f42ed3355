"""Rooms: a chat with names, presence and history, for clients that speak Centrifugo.

    room:{room_id}  everybody may enter, and who is in may publish; who comes later, or
                    back, gets what was said: 100 messages of the last five minutes
    news            everybody may subscribe, only the server publishes; a new subscriber
                    gets the newest message
    user:{user}     what a user is told on all devices; each user is subscribed to the
                    own one when connecting, and nobody can subscribe to another

A client brings a token: a JWT, signed with HS256 and the secret in ROOMS_SECRET, with
the claims `sub`, `exp` and `info`. With ROOMS_ANONYMOUS=1 it may come without one.

Two methods can be called: `echo` returns its data, and `announce` publishes its data to
`news`.
"""

import os

from wspubsub import History
from wspubsub.pubsub import (
    ANYONE,
    SUBSCRIBERS,
    ConnectRequest,
    PubSub,
    RpcRequest,
    Unauthorized,
    User,
)
from wspubsub.pubsub.jwt import Tokens

LETS_ANONYMOUS_IN = os.environ.get("ROOMS_ANONYMOUS") == "1"
DAY_SECONDS = 24 * 60 * 60

pubsub = PubSub.from_environment()
tokens = Tokens(os.environ["ROOMS_SECRET"])


@pubsub.connect
def connect(request: ConnectRequest) -> User:
    if request.token:
        user = tokens.user(request)
        if not user.id or ":" in user.id:
            raise Unauthorized("an ID that cannot be part of a topic's name")
        own = [f"user:{user.id}"]
        return User(user.id, info=user.info, expires_at=user.expires_at, subscribe=own)
    if LETS_ANONYMOUS_IN:
        return User("", info=request.data)
    raise Unauthorized


room = pubsub.topic(
    "room:{room_id}",
    history=History(limit=100, ttl_seconds=300),
    presence=True,
    join_leave=True,
)
room.subscribe(ANYONE)
room.publish(SUBSCRIBERS)

news = pubsub.topic(
    "news", history=History(limit=1, ttl_seconds=DAY_SECONDS), mode="cache"
)
news.subscribe(ANYONE)

pubsub.topic("user:{user}")


@pubsub.rpc("echo")
def echo(request: RpcRequest) -> object:
    return request.data


@pubsub.rpc("announce")
def announce(request: RpcRequest) -> None:
    pubsub.publish("news", request.data)


handler = pubsub
