"""Notifications to a user, on each of the user's devices.

The authorizer (authorizer.py) says whose device it is that connects. Two more Lambda
functions are in this file. `handler` serves the devices:

    {"action": "resume", "since": P}        P: the last position seen, or null
        subscribes the device to its user, and is answered with what it missed:
        {"type": "resumed", "recovered": true, "messages": [...], "position": P,
         "has_more": false}
    {"action": "read", "id": "parcel-17"}
        marks a notification as read: the user's other devices get
        {"type": "read", "id": "parcel-17", "at": T, "position": P}, and this one
        {"type": "done", "id": "parcel-17", "position": P}

`notify` is invoked by whatever has something to say, with
{"user": "alice", "id": "parcel-17", "title": "Your parcel is here"}. It publishes

    {"type": "notification", "id": "parcel-17", "title": ..., "at": T, "position": P}

and answers how many devices have got it. The message stays in the user's log for 30
days, so a device that is away gets it when it is back. The same `id` is published
once, however often `notify` is invoked with it.
"""

import json
import os
from typing import Any

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    History,
    LoggedMessage,
    MessageError,
    MessageEvent,
    Position,
    Publisher,
    Router,
    Unauthorized,
)
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog

TABLE = os.environ["WSPUBSUB_TABLE"]
HISTORY = History(limit=500, ttl_seconds=30 * 24 * 60 * 60)
MAX_BYTES = 200
REPLAYED_AT_ONCE = 50


def enveloped(message: LoggedMessage) -> dict[str, Any]:
    about = {"at": message.published_at, "position": message.position}
    return {**json.loads(message.data), **about}


store = DynamoDBSubscriptionStore(TABLE)
log = DynamoDBTopicLog(TABLE, history=HISTORY)
publisher = Publisher(
    store,
    ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]),
    log=log,
    envelope=enveloped,
)
router = Router()


@router.connect
def connect(event: ConnectEvent) -> None:
    if event.principal is None:
        raise Unauthorized("there is no authorizer")  # all would be one user
    # Subscribed when it resumes: until the handshake is answered, nothing that is
    # published could reach it.
    store.connect(event.connection)


@router.disconnect
def disconnect(event: DisconnectEvent) -> None:
    store.disconnect(event.connection_id)


@router.route("resume")
def resume(event: MessageEvent) -> None:
    (since,) = event.fields(since=(object, None))
    topic, position = topic_of(event.principal), Position.parse(since)
    # First, so that nothing can fall between the replay and the subscription.
    store.subscribe(event.connection_id, topic)
    # A user without notifications has a position too, to resume from.
    log.ensure_position(topic)
    replay = log.read(topic, position, limit=REPLAYED_AT_ONCE)
    resumed = {
        "type": "resumed",
        "recovered": replay.recovered,
        "messages": [enveloped(each) for each in replay.messages],
        "position": replay.position,
        "has_more": replay.has_more,
    }
    publisher.post(event.connection_id, resumed)


@router.route("read")
def read(event: MessageEvent) -> None:
    (id_,) = event.fields(id=str)
    check("id", id_)
    report = publisher.publish(
        topic_of(event.principal),
        {"type": "read", "id": id_},
        exclude={event.connection_id},
        key=f"read {id_}",
        timeout_seconds=event.remaining_seconds(),
    )
    done = {"type": "done", "id": id_, "position": report.position}
    publisher.post(event.connection_id, done)


@router.default
def unknown(_event: MessageEvent) -> None:
    raise MessageError("action is resume or read")


@router.exception_handler(MessageError)
def refuse(event: MessageEvent, error: MessageError) -> None:
    publisher.post(event.connection_id, {"type": "error", "reason": str(error)})


def notify(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    for name in ("user", "id", "title"):
        check(name, event.get(name))
    topic, id_ = topic_of(event["user"]), event["id"]
    notification = {"type": "notification", "id": id_, "title": event["title"]}
    report = publisher.publish(topic, notification, key=f"notify {id_}")
    return {"devices": report.delivered, "repeated": report.repeated}


def topic_of(user: str | None) -> str:
    return f"user:{user}"


def check(name: str, value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_BYTES:
        raise MessageError(f"{name} must be text of 1 to {MAX_BYTES} bytes")


handler = router
