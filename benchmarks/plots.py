"""Pictures of what the benchmarks found."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benchmarks.errors import MissingError
from benchmarks.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS, _OTHERS = "#2a7de1", "#9aa5b1"
_ROW_INCHES = 0.36


def draw_bars(table: Table, found: Mapping[str, Any], target: Path) -> None:
    """Draw a bar for each row that the documentation shows.

    Args:
        table: What the documentation shows.
        found: The content of the benchmark's JSON file.
        target: The SVG file to write.

    Raises:
        MissingError: matplotlib is not installed.
    """
    pyplot = load_pyplot()
    column = table.columns[0]
    rows = table.find_rows(found)
    lengths = [figures[column.figure] * column.factor for _, figures in rows]
    figure, axis = pyplot.subplots(
        figsize=(7.5, 0.9 + _ROW_INCHES * len(rows)), layout="constrained"
    )
    bars = axis.barh(
        [label for label, _ in rows],
        lengths,
        color=[_OURS if "wspubsub" in label else _OTHERS for label, _ in rows],
    )
    axis.bar_label(bars, [column.write(figures) for _, figures in rows], padding=4)
    axis.invert_yaxis()
    axis.set(xlabel=column.head)
    axis.margins(x=0.15)
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, target)


def load_pyplot() -> ModuleType:
    """Return matplotlib's `pyplot`, set so that the same figures give the same file."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - of the extra "bench"
    except ModuleNotFoundError:
        raise MissingError(
            "pictures need matplotlib: pip install -e '.[bench]'"
        ) from None
    mpl.use("svg")
    # Text stays text.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "wspubsub"}
    # After the choice of what it draws.
    return importlib.import_module("matplotlib.pyplot")


def save(figure: "Figure", target: Path) -> None:
    """Write a figure as SVG, without the date."""
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None})
    load_pyplot().close(figure)
