"""A live dashboard: pages watch, and only the shop's own events change what they show.

    orders:{board}  each order of the last two hours, as {"cents": 1990, "at": time}
    hour:{board}    the last hour in one message: {"minutes": [[count, cents], ...],
                    "until": position, "latest": order}; what is behind `until` in
                    `orders:{board}` belongs to the minute that is not over

There are two boards, `orders` and `refunds`. Everybody may watch, and nobody publishes
but `tick`, a Lambda function of its own: EventBridge invokes it when the shop says that
an order is placed or refunded, and each minute.

Orders and minutes are published under the ID of their event: EventBridge delivers some
of them twice, and the second time nothing is published. A minute counts the orders
behind the minute before, so each is counted once, whenever the schedule comes.
"""

from typing import Any

from wspubsub import History, KeyConflictError, Position, UsageError
from wspubsub.pubsub import ANYONE, PubSub, SubscribeRequest

BOARDS = {"order placed": "orders", "order refunded": "refunds"}
"""Which event of the shop changes which board."""

SHOWN_MINUTES = 60
ORDERS = History(limit=5_000, ttl_seconds=2 * 60 * 60)
HOUR = History(limit=1, ttl_seconds=2 * 60 * 60)
Json = dict[str, Any]

pubsub = PubSub.from_environment()
pubsub.connect(ANYONE)


def watch(request: SubscribeRequest) -> None:
    board = request.topic.removeprefix("hour:")
    if find_hour(board) is None:
        end_minute(board, key="first")


for name in BOARDS.values():
    orders = pubsub.topic(f"orders:{name}", history=ORDERS)
    orders.subscribe(ANYONE)
    hour = pubsub.topic(f"hour:{name}", history=HOUR, mode="cache")
    hour.subscribe(watch)


def tick(event: Json, _context: object = None) -> None:
    if event["source"] == "aws.events":
        for board in BOARDS.values():
            end_minute(board, key=event["id"])
        return
    cents = event["detail"]["cents"]
    if not isinstance(cents, int):
        raise TypeError(f"cents are a whole number, not {cents!r:.80}")
    order = {"cents": cents, "at": event["time"]}
    pubsub.publish(f"orders:{BOARDS[event['detail-type']]}", order, key=event["id"])


def end_minute(board: str, *, key: str) -> None:
    hour = find_hour(board) or {"minutes": [], "until": None, "latest": None}
    found, until = read_orders(board, hour["until"])
    minute = [len(found), sum(each["cents"] for each in found)]
    ended = {
        "minutes": [*hour["minutes"], minute][-SHOWN_MINUTES:],
        "until": until,
        "latest": found[-1] if found else hour["latest"],
    }
    try:
        pubsub.publish(f"hour:{board}", ended, key=key)
    except KeyConflictError:
        return  # its event came before; what was ordered since is the next minute's


def find_hour(board: str) -> Json | None:
    page = pubsub.history(f"hour:{board}", limit=1, reverse=True)
    found: list[Json] = [each.json() for each in page.publications]
    return found[0] if found else None


def read_orders(board: str, since: list[Any] | None) -> tuple[list[Json], Position]:
    """Return the orders behind a position, and the position of the last one."""
    topic = f"orders:{board}"
    found: list[Json] = []
    try:
        page = pubsub.history(topic, Position(*since) if since else None)
    except UsageError:  # nobody has ordered for hours, or 5,000 at once
        page = pubsub.history(topic)
    while page.publications:
        found += [each.json() for each in page.publications]
        page = pubsub.history(topic, page.end)
    return found, page.position


handler = pubsub
