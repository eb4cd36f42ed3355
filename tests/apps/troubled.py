"""A PubSub with methods that fail in every way that a Lambda function can."""

import os
import time

from wspubsub import History
from wspubsub.pubsub import (
    ANYONE,
    SUBSCRIBERS,
    ConnectRequest,
    PubSub,
    RpcRequest,
    User,
)

pubsub = PubSub.from_environment()


@pubsub.connect
def connect(request: ConnectRequest) -> User:
    return User(request.token)


room = pubsub.topic("room:{room_id}", history=History(limit=100, ttl_seconds=300))
room.subscribe(ANYONE)
room.publish(SUBSCRIBERS)


@pubsub.rpc("echo")
def echo(request: RpcRequest) -> object:
    return request.data


@pubsub.rpc("raise")
def fail(_request: RpcRequest) -> None:
    raise RuntimeError("a secret of the server")


@pubsub.rpc("die")
def die(_request: RpcRequest) -> None:
    os._exit(1)


@pubsub.rpc("hang")
def hang(_request: RpcRequest) -> None:
    time.sleep(60)


@pubsub.rpc("answer nonsense")
def answer_nonsense(_request: RpcRequest) -> object:
    return object()


handler = pubsub
