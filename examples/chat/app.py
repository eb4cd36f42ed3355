"""The classic chat: clients subscribe to topics and send messages to each other.

What a client may send, as JSON, and what comes of it:

    {"type": "subscribe", "topic": T}
        is answered with {"type": "subscribed", "topic": T}
    {"type": "unsubscribe", "topic": T}
        is answered with {"type": "unsubscribed", "topic": T}
    {"type": "message", "topic": T, "message": M}
        reaches the other subscribers of T, with "from": the sender's connection ID

Anything wrong is answered with {"type": "error", "reason": text}.

The router evaluates the route selection expression itself, so an API that has only the
routes $connect, $disconnect and $default is enough.

A message is posted to the subscribers by the function that it came to. With the table's
stream as an event source (`wspubsub dev --streams`, which sets WSPUBSUB_STREAM), it is
logged first, and the stream brings it on, so that it gets through whatever happens to
that function; subscribers then find "epoch" and "offset" in it. With a queue
(`--queue`, WSPUBSUB_QUEUE) topics with many subscribers are served in parts.
"""

import json
import logging
import os
from typing import Any

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    LoggedMessage,
    MessageError,
    MessageEvent,
    Publisher,
    Router,
)
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.eventsources import EventSources, QueueHandler, StreamHandler
from wspubsub.fanout import QueueFanout, StreamFanout

log = logging.getLogger("chat")
log.setLevel(logging.INFO)

TABLE = os.environ["WSPUBSUB_TABLE"]
IS_STREAMED = bool(os.environ.get("WSPUBSUB_STREAM"))
QUEUE_URL = os.environ.get("WSPUBSUB_QUEUE")
# Topics with more subscribers go through the queue, if there is one.
INLINE_THRESHOLD = int(os.environ.get("CHAT_INLINE_THRESHOLD", "2000"))


def with_position(message: LoggedMessage) -> dict[str, Any]:
    # So that a subscriber can tell what it has already: a message may come twice.
    epoch, offset = message.position
    return {**json.loads(message.data), "epoch": epoch, "offset": offset}


store = DynamoDBSubscriptionStore(TABLE)
queue = QueueFanout(QUEUE_URL, inline_threshold=INLINE_THRESHOLD) if QUEUE_URL else None
publisher = Publisher(
    store,
    ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]),
    log=DynamoDBTopicLog(TABLE) if IS_STREAMED else None,
    envelope=with_position if IS_STREAMED else None,
    fanout=StreamFanout(then=queue) if IS_STREAMED else queue,
)
router = Router(route_selection_expression="$request.body.type")


@router.connect
def connect(event: ConnectEvent) -> None:
    store.connect(event.connection)


@router.disconnect
def disconnect(event: DisconnectEvent) -> None:
    store.disconnect(event.connection_id)


@router.route("subscribe")
def subscribe(event: MessageEvent) -> None:
    (topic,) = event.fields(topic=str)
    store.subscribe(event.connection_id, topic)
    reply(event, {"type": "subscribed", "topic": topic})


@router.route("unsubscribe")
def unsubscribe(event: MessageEvent) -> None:
    (topic,) = event.fields(topic=str)
    store.unsubscribe(event.connection_id, topic)
    reply(event, {"type": "unsubscribed", "topic": topic})


@router.route("message")
def message(event: MessageEvent) -> None:
    topic, content = event.fields(topic=str, message=object)
    report = publisher.publish(
        topic,
        {
            "type": "message",
            "topic": topic,
            "message": content,
            "from": event.connection_id,
        },
        exclude={event.connection_id},
        timeout_seconds=event.remaining_seconds(),
    )
    log.info("published to %s: %s", topic, report)


@router.default
def unknown(event: MessageEvent) -> None:
    (type_,) = event.fields(type=object)
    raise MessageError(f"type is subscribe, unsubscribe or message, not {type_!r}")


@router.exception_handler(MessageError)
def refuse(event: MessageEvent, error: MessageError) -> None:
    reply(event, {"type": "error", "reason": str(error)})


def reply(event: MessageEvent, data: object) -> None:
    # Not as the handler's response: that reaches the client only where the route has
    # a route response.
    publisher.post(event.connection_id, data)


handler = EventSources(
    router,
    stream=StreamHandler(publisher) if IS_STREAMED else None,
    queue=QueueHandler(publisher, queue) if queue else None,
)
