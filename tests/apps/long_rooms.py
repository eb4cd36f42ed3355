"""Rooms that keep more than a reply can carry."""

from wspubsub import History
from wspubsub.pubsub import ANYONE, PubSub, User

pubsub = PubSub.from_environment()


@pubsub.connect
def connect(_request: object) -> User:
    return User("")


room = pubsub.topic("room:{room_id}", history=History(limit=1000, ttl_seconds=300))
room.subscribe(ANYONE)

chat = pubsub.topic("chat:{room_id}")
chat.subscribe(ANYONE)

handler = pubsub
