"""What a hold adds to the item of a subscriber: see `member_items`."""

from typing import Any

from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.member_items import make_request, number

_UNMARKED = -1


def make_held_request(item: Item, now: float) -> dict[str, Any]:
    """Return the UpdateItem that writes a subscriber and holds publishers back."""
    sets = {name: value for name, value in item.items() if name not in {"pk", "sk"}}
    request = make_request(
        sets | {"h": number(now)},
        ["d", "e", "s", "t", "u"],
        {"o": "if_not_exists(lost, :unmarked)"},
    )
    request["ExpressionAttributeValues"][":unmarked"] = number(_UNMARKED)
    return request


def told_item(told: tuple[str, int]) -> Item:
    """Return what a subscriber gets that was told all up to an epoch and offset."""
    epoch, offset = told
    return {"e": {"S": epoch}, "d": number(offset)}


def is_held(item: Item) -> bool:
    """Return whether publishers wait until a subscriber has its reply."""
    return "h" in item


def read_seen(item: Item) -> int | None:
    """Return which mark the subscribe saw that holds publishers back."""
    seen = int(item.get("o", number(_UNMARKED))["N"])
    return None if seen == _UNMARKED else seen


def read_traces(item: Item) -> int:
    """Return how many publications have met a subscriber that is held."""
    return int(item["t"]["N"]) if "t" in item else 0
