"""Notifications to a user, on each of the user's devices.

    user:{user}     what the user is told and has read, of the last 30 days; only the
                    user's own devices may subscribe:
        {"type": "notification", "id": "parcel-17", "title": ..., "at": seconds}
        {"type": "read", "id": "parcel-17"}

A device brings a token: a JWT, signed with HS256 and the secret in TOKEN_SECRET, with
the claims `sub` and `exp`. Two methods can be called: `inbox` returns the newest
messages, and the position to go on from; `read` marks a notification as read.

`notify` is a Lambda function of its own, for whatever has something to say. It is
invoked with {"user": "alice", "id": "parcel-17", "title": "Your parcel is here"}, and
answers how many devices are connected. The same `id` is published once, however often
it is invoked with it.
"""

import os
import time
from typing import Any

from wspubsub import Forbidden, History, KeyConflictError, MessageError
from wspubsub.pubsub import (
    ConnectRequest,
    PubSub,
    RpcRequest,
    SubscribeRequest,
    Unauthorized,
    User,
)
from wspubsub.pubsub.jwt import Tokens

HISTORY = History(limit=500, ttl_seconds=30 * 24 * 60 * 60)
MAX_BYTES = 200
NEWEST = 50

pubsub = PubSub.from_environment()
tokens = Tokens(os.environ["TOKEN_SECRET"])


@pubsub.connect
def connect(request: ConnectRequest) -> User:
    user = tokens.user(request)
    if not user.id or ":" in user.id:
        raise Unauthorized("an ID that cannot be part of a topic's name")
    return User(user.id, expires_at=user.expires_at, data={"topic": topic_of(user.id)})


own = pubsub.topic("user:{user}", history=HISTORY, presence=True)


@own.subscribe
def follow(request: SubscribeRequest, user: str) -> None:
    if user != request.user:
        raise Forbidden


@pubsub.rpc("inbox")
def inbox(request: RpcRequest) -> dict[str, Any]:
    page = pubsub.history(topic_of(request.user), limit=NEWEST, reverse=True)
    messages = [each.json() for each in reversed(page.publications)]
    return {"messages": messages, "position": page.position}


@pubsub.rpc("read")
def read(request: RpcRequest) -> None:
    (id_,) = request.fields(id=str)
    check("id", id_)
    message = {"type": "read", "id": id_}
    pubsub.publish(topic_of(request.user), message, key=f"read {id_}")


def notify(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    for name in ("user", "id", "title"):
        check(name, event.get(name))
    topic, id_ = topic_of(event["user"]), event["id"]
    message = {"type": "notification", "id": id_, "title": event["title"]}
    try:
        pubsub.publish(topic, {**message, "at": time.time()}, key=f"notify {id_}")
    except KeyConflictError:  # it has another time
        return {"repeated": True}
    return {"repeated": False, "devices": pubsub.presence_stats(topic).clients}


def topic_of(user: str) -> str:
    return f"user:{user}"


def check(name: str, value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_BYTES:
        raise MessageError(f"{name} must be text of 1 to {MAX_BYTES} bytes")


handler = pubsub
