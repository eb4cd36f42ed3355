"""What a schedule invokes each day: it says in which room the quiz is today.

Twice on a day is the same as once, since the message has the day as its key.
"""

from typing import Any

from app import pubsub


def handler(event: dict[str, Any], _context: object) -> None:
    day = str(event["time"])[:10]
    pubsub.publish("news", {"day": day, "room": f"daily-{day}"}, key=day)
