"""Draws what `scale` found."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.plots import load_pyplot, save
from benchmarks.scale import TIERS

_AXES = (
    ("last_delivery_s", "time to the last delivery, s"),
    ("dollars", "US dollars for a publish"),
)


def draw_scale(found: Mapping[str, Any], target: Path) -> None:
    """Draw time and price over the number of subscribers, a line for each tier."""
    pyplot = load_pyplot()
    rows = found["rows"]
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, (name, label) in zip(axes, _AXES, strict=True):
        for tier, marker in zip(TIERS, "osD^", strict=True):
            points = list(_points(rows, tier, name))
            axis.plot(*zip(*points, strict=True), marker=marker, label=tier)
        axis.set(xscale="log", yscale="log", xlabel="subscribers", ylabel=label)
        axis.grid(visible=True, alpha=0.3)
    axes[0].legend()
    save(figure, target)


def _points(
    rows: list[dict[str, Any]], tier: str, name: str
) -> list[tuple[int, float]]:
    found = []
    for row in rows:
        who, _, size = row["name"].rpartition(", ")
        subscribers = (
            int(size.replace(",", "")) if size.replace(",", "").isdigit() else 0
        )
        # What reached only some is no publish to so many.
        if who == tier and row["figures"]["delivered"] == subscribers:
            found.append((subscribers, row["figures"][name]))
    return found
