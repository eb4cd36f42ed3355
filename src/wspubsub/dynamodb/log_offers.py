"""Offers: messages that wait for whoever writes the next entry of a log.

| item | pk | sk |
|---|---|---|
| offer | `L#<topic>` | `~<10,000,000,000 - number of the period>#<place>` |

Where many append to a topic at once, only one can be next. The others leave their
messages beside the log, and the one that is next carries them in its entry.

Offers stand behind the entries, those of the latest period first, so one Query gives
the entries from an offset on, the offers of the last seconds behind them, and nothing
that was left behind before. A program has a few places in each period, which it uses
again and again; nothing is deleted, since time to live does that at no charge.

An offer says up to which position its writer knew the log before it made the offer: up
to there the message cannot be in the log, and who knows all that follows knows whether
it is.
"""

import math
from typing import NamedTuple

from wspubsub.dynamodb.items import Item
from wspubsub.dynamodb.log_items import content_of, log_partition, read_content
from wspubsub.log.drafts import Draft
from wspubsub.log.rules import DELETION_MARGIN_SECONDS, Position

MAX_OFFER_BYTES = 1024
"""Most bytes of a message that is offered, with its info and `exclude`.

All who append to the topic read all offers, and an offer is written twice.
"""

MAX_CARRIED = 99
MAX_CARRIED_BYTES = 65_536
"""An entry that carries so much is still written in a few milliseconds."""

PERIOD_SECONDS = 10.0
LENIENCY_SECONDS = 2.0
"""How far the clocks of those who carry each other's messages may be apart."""

_PREFIX = "~"
_LAST_PERIOD = 10**10


class Offer(NamedTuple):
    """A message that whoever writes next may carry.

    Attributes:
        drafted: The message.
        since: Position up to which its writer knew the log.
        period: When it was made, as a number of periods since the epoch.
        place: Text that no two offers of the same period have at the same time.
    """

    drafted: Draft
    since: Position
    period: int
    place: str


def may_be_offered(drafted: Draft) -> bool:
    """Return whether others may carry a message.

    Not one with a key, which is written in a transaction with the item of the key.
    """
    return drafted.key is None and size_of(drafted) <= MAX_OFFER_BYTES


def size_of(drafted: Draft) -> int:
    """Return how many bytes a message has with what is kept with it."""
    exclude = sum(len(each.encode()) for each in drafted.exclude)
    return len(drafted.data) + len(drafted.info or b"") + exclude


def offer_of(drafted: Draft, since: Position, place: str, now: float) -> Offer:
    """Return an offer that is made now."""
    return Offer(drafted, since, _period(now), place)


def is_recent(offer: Offer, now: float) -> bool:
    """Return whether an offer is neither old nor from the future."""
    first, last = _period(now - LENIENCY_SECONDS), _period(now + LENIENCY_SECONDS)
    return first <= offer.period <= last


def find_end(offer: Offer) -> float:
    """Return when an offer is not recent any more, in seconds since the epoch."""
    return (offer.period + 1) * PERIOD_SECONDS + LENIENCY_SECONDS


def last_key(now: float) -> str:
    """Return a sort key behind those of all offers that are recent."""
    return _key(_period(now - LENIENCY_SECONDS), _PREFIX)


def offer_item(offer: Offer) -> Item:
    """Return the item of an offer."""
    content = content_of(offer.drafted)
    expires_at = (offer.period + 1) * PERIOD_SECONDS + DELETION_MARGIN_SECONDS
    return {
        "pk": {"S": log_partition(offer.drafted.topic)},
        "sk": {"S": _key(offer.period, offer.place)},
        # No attribute `id`, by which the stream's function knows what it has to send.
        "offer": {"M": content},
        "epoch": {"S": offer.since.epoch},
        "offset": {"N": str(offer.since.offset)},
        "expires_at": {"N": str(math.ceil(expires_at))},
    }


def is_offer(item: Item) -> bool:
    """Return whether an item of a log's partition is an offer."""
    return "offer" in item


def read_offer(item: Item) -> Offer:
    """Return the offer in an item."""
    period, place = item["sk"]["S"].removeprefix(_PREFIX).split("#", 1)
    return Offer(
        read_content(item["offer"]["M"], item["pk"]["S"].removeprefix("L#")),
        Position(item["epoch"]["S"], int(item["offset"]["N"])),
        _LAST_PERIOD - int(period),
        place,
    )


def _period(now: float) -> int:
    return int(now // PERIOD_SECONDS)


def _key(period: int, place: str) -> str:
    return f"{_PREFIX}{_LAST_PERIOD - period:010d}#{place}"
