"""Puts prices to what was counted."""

from collections.abc import Mapping
from typing import Any

from wspubsub.local.costs.meter import Meter
from wspubsub.local.costs.prices import PRICES, REQUESTS_PER_SECOND, Prices

Json = dict[str, Any]


def estimate(
    meter: Meter,
    *,
    dynamodb: Mapping[str, Mapping[str, float]],
    topics: Mapping[str, Mapping[str, int]],
    memory_mb: int,
    now: float,
    prices: Prices = PRICES,
) -> Json:
    """Return what was used, and what that costs on AWS.

    Args:
        meter: What API Gateway and Lambda would have billed.
        dynamodb: `requests`, `read_units` and `write_units` by operation.
        topics: Billed messages by topic.
        memory_mb: Memory of the functions.
        now: The time, in seconds since the epoch.
        prices: What things cost.
    """
    seconds = meter.connection_seconds + sum(now - at for at in meter.opened.values())
    gb = memory_mb / 1024
    used = {
        "message": meter.messages_in + meter.messages_out,
        "connection_minute": seconds / 60,
        "invocation": meter.invocations.total(),
        "gb_second": sum(meter.seconds.values()) * gb,
        "read_unit": sum(each["read_units"] for each in dynamodb.values()),
        "write_unit": sum(each["write_units"] for each in dynamodb.values()),
    }
    dollars = {name: count * getattr(prices, name) for name, count in used.items()}
    return {
        "messages": {"in": meter.messages_in, "out": meter.messages_out},
        "connection_minutes": used["connection_minute"],
        "requests": dict(meter.requests),
        "invocations": {
            route: {"count": count, "gb_seconds": meter.seconds[route] * gb}
            for route, count in meter.invocations.items()
        },
        "memory_mb": memory_mb,
        "dynamodb": {name: dict(each) for name, each in dynamodb.items()},
        "topics": {name: dict(each) for name, each in topics.items()},
        "requests_per_second": {
            "most": meter.most_requests,
            "quota": REQUESTS_PER_SECOND,
        },
        "dollars": {**dollars, "total": sum(dollars.values())},
        "prices": prices.to_json(),
    }
