"""Puts prices to what was counted."""

from collections.abc import Iterable, Mapping
from typing import Any

from wspubsub.local.costs.meter import Meter
from wspubsub.local.costs.prices import PRICES, REQUESTS_PER_SECOND, Prices

Json = dict[str, Any]


def estimate(
    meter: Meter,
    *,
    dynamodb: Mapping[str, Mapping[str, float]],
    requests: Iterable[Mapping[str, Any]],
    topics: Mapping[str, Mapping[str, int]],
    memory_mb: int,
    now: float,
    prices: Prices = PRICES,
) -> Json:
    """Return what was used, and what that costs on AWS.

    Args:
        meter: What API Gateway and Lambda would have billed.
        dynamodb: What was used of the table, see `Tally.to_json`.
        requests: Requests to queues and streams, see there.
        topics: Billed messages by topic.
        memory_mb: Memory of the functions.
        now: The time, in seconds since the epoch.
        prices: What things cost.
    """
    seconds = meter.connection_seconds + sum(now - at for at in meter.opened.values())
    gb = memory_mb / 1024
    requests = [
        {**each, "dollars": each["billed"] * getattr(prices, each["price"])}
        for each in requests
    ]
    used = {
        "message": meter.messages_in + meter.messages_out,
        "connection_minute": seconds / 60,
        "invocation": meter.invocations.total(),
        "gb_second": sum(meter.seconds.values()) * gb,
        "read_unit": sum(each["read_units"] for each in dynamodb.values()),
        "write_unit": sum(each["write_units"] for each in dynamodb.values()),
        **{
            name: sum(each["billed"] for each in requests if each["price"] == name)
            for name in ("stream_read", "queue_request", "fifo_request")
        },
    }
    dollars = {name: count * getattr(prices, name) for name, count in used.items()}
    return {
        "messages": {"in": meter.messages_in, "out": meter.messages_out},
        "used": used,
        "requests": dict(meter.requests),
        "invocations": _price_invocations(meter, gb, prices, of_sources=False),
        "event_sources": _price_invocations(meter, gb, prices, of_sources=True),
        "memory_mb": memory_mb,
        "dynamodb": {
            name: _price_units(each, prices) for name, each in dynamodb.items()
        },
        "queues_and_streams": requests,
        "topics": {
            name: {**each, "dollars": sum(each.values()) * prices.message}
            for name, each in topics.items()
        },
        "requests_per_second": {
            "most": meter.most_requests,
            "quota": REQUESTS_PER_SECOND,
        },
        "dollars": {**dollars, "total": sum(dollars.values())},
        "prices": prices.to_json(),
    }


def _price_invocations(
    meter: Meter, gb: float, prices: Prices, *, of_sources: bool
) -> Json:
    return {
        cause.name: {
            "count": count,
            "gb_seconds": meter.seconds[cause] * gb,
            "dollars": count * prices.invocation
            + meter.seconds[cause] * gb * prices.gb_second,
        }
        for cause, count in meter.invocations.items()
        if cause.is_source == of_sources
    }


def _price_units(used: Mapping[str, float], prices: Prices) -> Json:
    dollars = used["read_units"] * prices.read_unit
    return {**used, "dollars": dollars + used["write_units"] * prices.write_unit}
