"""What a benchmark found: rows of figures, and the ratios that matter."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Figure = float | int | str
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one peer, or of one size of its work.

    Attributes:
        name: Whose figures they are.
        figures: Name and unit to number; a `note` says what else is to know, such as
            why a peer is missing.
    """

    name: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A peer's figure against ours, and what it must reach.

    Attributes:
        name: As in the JSON file.
        value: The number.
        at_least: Lowest good value, if there is one.
        at_most: Highest good value, if there is one.
    """

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    def __str__(self) -> str:
        target = (
            f"at least {self.at_least:g}"
            if self.at_least is not None
            else f"at most {self.at_most:g}"
        )
        verdict = "reached" if self.is_reached else "MISSED"
        return f"{self.name} = {_cell(self.value)} ({target}: {verdict})"

    @property
    def bounds(self) -> dict[str, float]:
        """What it must reach, as in the JSON file."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        return {name: value for name, value in bounds.items() if value is not None}

    @property
    def is_reached(self) -> bool:
        """True if the value is within its bounds."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a benchmark found.

    Attributes:
        title: What was measured, and how.
        machine: Where.
        rows: The figures.
        ratios: What they come to.
    """

    title: str
    machine: Mapping[str, str | int]
    rows: list[Row]
    ratios: list[Ratio] = field(default_factory=list)

    def __str__(self) -> str:
        machine = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        parts = [self.title, machine, "", table(self.rows)]
        if self.ratios:
            parts += ["", *map(str, self.ratios)]
        return "\n".join(parts)

    def write_json(self, path: Path) -> None:
        """Write it for machines to read."""
        content = {
            "title": self.title,
            "machine": self.machine,
            "rows": [
                {"name": row.name, "figures": dict(row.figures)} for row in self.rows
            ],
            "ratios": {ratio.name: ratio.value for ratio in self.ratios},
            "bounds": {ratio.name: ratio.bounds for ratio in self.ratios},
        }
        path.write_text(json.dumps(content, indent=2) + "\n")


def table(rows: list[Row]) -> str:
    """Return rows as a table of text; the numbers of a column are aligned right."""
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    heads = ["", *names]
    lines = [
        [row.name, *(_cell(row.figures.get(name, "")) for name in names)]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    texts = {
        position
        for position, name in enumerate(heads)
        if not name or any(isinstance(row.figures.get(name), str) for row in rows)
    }
    return "\n".join(
        _GAP.join(
            cell.ljust(width) if position in texts else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [heads, *lines]
    )


def _cell(figure: Figure) -> str:
    if isinstance(figure, float):
        return f"{figure:,.0f}" if figure >= _WHOLE_FROM else f"{figure:.3g}"
    return f"{figure:,}" if isinstance(figure, int) else figure


_WHOLE_FROM = 1000
