"""Draw what `scale` found: `python -m benchmarks.scale_plot scale.json scale.svg`."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.scale import TIERS

_AXES = (
    ("last_delivery_s", "time to the last delivery, s"),
    ("dollars", "US dollars for a publish"),
)


def main(source: str, target: str) -> None:
    """Draw time and price over the number of subscribers, a line for each tier."""
    import matplotlib as mpl  # noqa: PLC0415 - of the extra "bench"

    mpl.use("svg")
    # Text stays text, and the same figures give the same file.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "wspubsub"}
    from matplotlib import pyplot  # noqa: PLC0415 - after the choice of what it draws

    rows: list[dict[str, Any]] = json.loads(Path(source).read_text())["rows"]
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, (name, label) in zip(axes, _AXES, strict=True):
        for tier, marker in zip(TIERS, "osD^", strict=True):
            points = list(_points(rows, tier, name))
            axis.plot(*zip(*points, strict=True), marker=marker, label=tier)
        axis.set(xscale="log", yscale="log", xlabel="subscribers", ylabel=label)
        axis.grid(visible=True, alpha=0.3)
    axes[0].legend()
    figure.savefig(target, metadata={"Date": None})


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


if __name__ == "__main__":
    main(*sys.argv[1:])
