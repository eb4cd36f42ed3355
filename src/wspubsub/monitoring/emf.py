"""CloudWatch's embedded metric format: one JSON object a line."""

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

from wspubsub.connections import Outcome

MAX_VALUES = 100
"""How many values of a metric a line may have (the format's specification)."""

_UNITS = {
    "Invocations": "Count",
    "Errors": "Count",
    "Duration": "Milliseconds",
    "Messages": "Count",
    "PostDuration": "Milliseconds",
    **{each.value.capitalize(): "Count" for each in Outcome},
}


class Counts:
    """What has been posted since it was last asked."""

    def __init__(self) -> None:
        # Handlers may publish from threads.
        self._lock = Lock()
        self._outcomes: dict[Outcome, int] = {}
        self._milliseconds: list[float] = []

    def add(self, outcomes: Mapping[Outcome, int], *, seconds: float) -> None:
        """Count a message that was handed over for posting, and its posts."""
        with self._lock:
            self._milliseconds.append(seconds * 1000)
            for outcome, count in outcomes.items():
                self._outcomes[outcome] = self._outcomes.get(outcome, 0) + count

    def take(self) -> dict[str, Any]:
        """Return the values of each metric, and begin from nothing."""
        with self._lock:
            outcomes, milliseconds = self._outcomes, self._milliseconds
            self._outcomes, self._milliseconds = {}, []
        if not milliseconds:
            return {}
        return {
            "Messages": len(milliseconds),
            # Of more messages than fit into a line, the first are measured.
            "PostDuration": milliseconds[:MAX_VALUES],
            **{each.value.capitalize(): outcomes.get(each, 0) for each in Outcome},
        }


def write_line(
    posted: Mapping[str, Any],
    *,
    namespace: str,
    dimensions: Mapping[str, str],
    route: str,
    at: float,
    milliseconds: float,
    is_error: bool,
) -> str:
    """Return the line of an invocation.

    Args:
        posted: Values of the metrics of what it has posted.
        namespace: Namespace of the metrics.
        dimensions: Names and values of what all metrics have.
        route: Value of the dimension `Route`.
        at: When it ended, in seconds since the epoch.
        milliseconds: How long it took.
        is_error: Whether it failed.
    """
    values = {
        "Invocations": 1,
        "Errors": int(is_error),
        "Duration": milliseconds,
        **posted,
    }
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions), [*dimensions, "Route"]],
        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in values],
    }
    record = {
        "_aws": {"Timestamp": int(at * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        "Route": route,
        **values,
    }
    return json.dumps(record, separators=(",", ":")) + "\n"
