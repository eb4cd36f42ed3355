"""A live dashboard: pages watch, and only the shop's own events change what they show.

Two Lambda functions are in this file. `handler` serves the pages:

    connecting with ?board=orders (or refunds; orders if nothing is said)
    {"action": "sync"}
        subscribes the page and is answered with all that it needs to begin:
        {"type": "state", "minutes": [...], "open": {...}, "latest": {...}}

`tick` is invoked by EventBridge, and publishes to the pages:

    when the shop says that an order is placed or refunded
        {"type": "order", "cents": 1990, "at": "2026-11-23T11:02:07Z", "position": P}
    each minute
        {"type": "minute", "count": 7, "cents": 9130, "until": P, "at": ...,
         "position": P}

A minute counts the orders that are in the board's log behind the minute before it, up
to the position `until`. So each order is counted once, whenever the schedule comes.
Orders and minutes are published under the ID of their event: EventBridge delivers some
of them twice, and the second time nothing is published.
"""

import json
import os
from dataclasses import replace
from typing import Any

from wspubsub import (
    ConnectEvent,
    DisconnectEvent,
    History,
    KeyConflictError,
    LoggedMessage,
    MessageError,
    MessageEvent,
    Position,
    Publisher,
    Reject,
    Router,
)
from wspubsub.aws import ManagementApi
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog

BOARDS = {"order placed": "orders", "order refunded": "refunds"}
"""Which event of the shop changes which board."""

SHOWN_MINUTES = 60
HISTORY = History(limit=5_000, ttl_seconds=2 * 60 * 60)
TABLE = os.environ["WSPUBSUB_TABLE"]


def with_position(message: LoggedMessage) -> dict[str, Any]:
    # By which a page knows what it has already, and what it has missed.
    return {**json.loads(message.data), "position": message.position}


store = DynamoDBSubscriptionStore(TABLE)
log = DynamoDBTopicLog(TABLE, history=HISTORY)
publisher = Publisher(
    store,
    ManagementApi(os.environ["WSPUBSUB_ENDPOINT"]),
    log=log,
    envelope=with_position,
    # A minute is published to each board, one after the other, within 29 s.
    timeout_seconds=12,
)
router = Router()


@router.connect
def connect(event: ConnectEvent) -> None:
    board = event.query.get("board", "orders")
    if board not in BOARDS.values():
        raise Reject(404, f"there is no board {board!r:.80}")
    # Not subscribed yet: until the handshake is answered, nothing that is published
    # could reach it.
    store.connect(replace(event.connection, attributes={"board": board}))


@router.disconnect
def disconnect(event: DisconnectEvent) -> None:
    store.disconnect(event.connection_id)


@router.route("sync")
def sync(event: MessageEvent) -> None:
    connection = store.connection(event.connection_id)
    if connection is None:
        raise MessageError("this connection is not known any more: connect again")
    board = connection.attributes["board"]
    # First, so that nothing can fall between the state and the subscription.
    store.subscribe(event.connection_id, board)
    store.subscribe(event.connection_id, minutes_of(board))
    publisher.post(event.connection_id, state(board))


@router.default
def anything_else(_event: MessageEvent) -> None:
    raise MessageError('a dashboard only watches: send {"action": "sync"}')


@router.exception_handler(MessageError)
def refuse(event: MessageEvent, error: MessageError) -> None:
    publisher.post(event.connection_id, {"type": "error", "reason": str(error)})


def minutes_of(board: str) -> str:
    return f"{board}:minutes"


def state(board: str) -> dict[str, Any]:
    minutes = log.read(minutes_of(board), limit=SHOWN_MINUTES).messages
    newest = log.read(board, limit=1).messages
    return {
        "type": "state",
        "minutes": [with_position(each) for each in minutes],
        "open": open_minute(board),
        "latest": with_position(newest[-1]) if newest else None,
    }


def open_minute(board: str) -> dict[str, Any]:
    """Return what the orders behind the last minute come to."""
    last = log.read(minutes_of(board), limit=1).messages
    until = json.loads(last[-1].data)["until"] if last else None
    replay = log.read(board, Position(*until) if until else None, HISTORY.limit)
    if not replay.recovered:  # nobody has ordered for hours, or 5,000 at once
        replay = log.read(board, limit=HISTORY.limit)
    cents = [json.loads(each.data)["cents"] for each in replay.messages]
    return {"count": len(cents), "cents": sum(cents), "until": replay.position}


def tick(event: dict[str, Any], _context: object = None) -> None:
    if event["source"] == "aws.events":
        for board in BOARDS.values():
            minute = {"type": "minute", **open_minute(board), "at": event["time"]}
            try:
                publisher.publish(minutes_of(board), minute, key=event["id"])
            except KeyConflictError:
                # The minute is in the log since its event came for the first time. What
                # was ordered later goes into the next one.
                continue
        return
    cents = event["detail"]["cents"]
    if not isinstance(cents, int):
        raise TypeError(f"cents are a whole number, not {cents!r:.80}")
    order = {"type": "order", "cents": cents, "at": event["time"]}
    publisher.publish(BOARDS[event["detail-type"]], order, key=event["id"])


handler = router
