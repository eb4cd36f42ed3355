"""Rooms whose members are seen: anybody comes in by any name."""

from wspubsub import History
from wspubsub.pubsub import ANYONE, ConnectRequest, PubSub, User

# Not every emulator of API Gateway has two-way routes.
pubsub = PubSub.from_environment(replies="post")


@pubsub.connect
def connect(request: ConnectRequest) -> User:
    return User(request.token, info={"name": request.token.title()})


room = pubsub.topic(
    "room:{room_id}", history=History(limit=100, ttl_seconds=300), presence=True
)
room.subscribe(ANYONE)

handler = pubsub
