"""Which figures of each benchmark the documentation shows, and how."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Figures = Mapping[str, Any]


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        head: Its title.
        figure: Which figure of a row it has.
        text: How the figure is written.
        factor: What it is multiplied with before.
        digits: To how many significant digits it is rounded before; None for all.
    """

    head: str
    figure: str
    text: str = "{:,.0f}"
    factor: float = 1.0
    digits: int | None = None

    def write(self, figures: Figures) -> str:
        """Return the text of a cell; empty if there is no such figure."""
        if self.figure not in figures:
            return ""
        value = figures[self.figure] * self.factor
        if self.digits is not None:
            value = float(f"{value:.{self.digits}g}")
        return self.text.format(value)


class Table(NamedTuple):
    """What the documentation shows of a benchmark.

    Attributes:
        page: Where, below the project's folder.
        head: Title of the column with the rows' names.
        columns: The other columns; the first one is also drawn.
        prefix: Only rows whose names begin with it are shown, without it.
        source: Which benchmark's, where that has two tables.
    """

    page: str
    head: str
    columns: tuple[Column, ...]
    prefix: str = ""
    source: str = ""

    def find_rows(self, found: Mapping[str, Any]) -> list[tuple[str, Figures]]:
        """Return names and figures of the rows that are shown.

        Args:
            found: The content of a benchmark's JSON file.
        """
        return [
            (row["name"].removeprefix(self.prefix), row["figures"])
            for row in found["rows"]
            if row["name"].startswith(self.prefix)
            and self.columns[0].figure in row["figures"]
        ]

    def write(self, found: Mapping[str, Any]) -> str:
        """Return the table in Markdown, and below it what was measured where."""
        heads = [self.head, *(column.head for column in self.columns)]
        lines = [heads, ["---"] * len(heads)]
        lines += [
            [name, *(column.write(figures) for column in self.columns)]
            for name, figures in self.find_rows(found)
        ]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        machine = ", ".join(f"{name} {text}" for name, text in found["machine"].items())
        return f"{table}\n\n*{found['title']}.\n{machine}.*"


PERFORMANCE = "docs/explanation/performance.md"
SCALE = "docs/explanation/scale.md"

TABLES = {
    "fanout": Table(
        PERFORMANCE,
        "over TLS",
        (
            Column("CPU a post", "cpu_us_per_post", "{:.0f} µs"),
            Column("posts a second", "posts_per_second"),
            Column("CPU against ours", "cpu_vs_ours", "{:g}", digits=3),
        ),
        prefix="TLS: ",
    ),
    "coldstart": Table(
        PERFORMANCE,
        "",
        (
            Column("wall time", "wall_ms", "{:.0f} ms"),
            Column("CPU time", "cpu_ms", "{:.0f} ms"),
            Column("wall time against ours", "wall_vs_ours", "{:g}", digits=3),
        ),
    ),
    "publish": Table(
        PERFORMANCE,
        "",
        (
            Column("wall time", "wall_ms", "{:g} s", 1e-3, digits=3),
            Column("CPU for each", "cpu_us_per_subscriber", "{:.0f} µs"),
            Column("peak memory", "peak_mib", "{:.0f} MiB"),
            Column("read units", "read_units", "{:g}"),
        ),
    ),
    "store": Table(
        PERFORMANCE,
        "operation",
        (
            Column("requests", "requests"),
            Column("read units", "read_units", "{:g}"),
            Column("write units", "write_units", "{:g}"),
        ),
    ),
    "log": Table(
        PERFORMANCE,
        "processes, messages",
        (
            Column("messages a second", "appends_per_s"),
            Column("write units for each", "write_units_each", "{:.1f}"),
            Column("read units", "read_units_each", "{:.1f}"),
            Column("half take less than", "p50_ms", "{:,.0f} ms"),
            Column("1 % take longer than", "p99_ms", "{:,.0f} ms"),
            Column("the slowest", "slowest_ms", "{:,.0f} ms"),
        ),
    ),
    "sockets": Table(
        PERFORMANCE,
        "",
        (
            Column("KB a client", "kb_per_socket", "{:g}", digits=3),
            Column("clients", "sockets"),
            Column("MB without clients", "without_mb"),
            Column("MB with them", "gateway_mb"),
        ),
    ),
    "gateway": Table(
        PERFORMANCE,
        "",
        (
            Column("round trips a second", "roundtrips_per_s"),
            Column("CPU of each", "roundtrips_cpu_us", "{:,.0f} µs"),
            Column("answers a second", "answers_per_s"),
            Column("CPU of each", "answers_cpu_us", "{:,.0f} µs"),
        ),
    ),
    "gateway, in all": Table(
        PERFORMANCE,
        "",
        (
            Column("handshakes a second", "handshakes_per_s"),
            Column("a message to 1,000 clients", "fanout_per_s", "{:,.0f} a second"),
            Column("of them arrived", "fanout_arrived"),
            Column("KB a client", "kb_per_connection", "{:.0f}"),
            Column("ready after", "ready_s", "{:.2f} s"),
        ),
        source="gateway",
    ),
    "scale": Table(
        SCALE,
        "tier, subscribers",
        (
            Column("time to the last delivery", "last_delivery_s", "{:g} s", digits=2),
            Column("reached", "delivered"),
            Column("the publishing call takes", "call_s", "{:g} s", digits=2),
            Column("posts", "posts"),
            Column("of them throttled", "of_them_429"),
            Column("functions run", "functions"),
            Column("price", "dollars", "${:g}", digits=2),
        ),
    ),
    "lag": Table(
        SCALE,
        "messages a second, subscribers",
        (
            Column("typical lag", "median_s", "{:.1f} s"),
            Column("longest lag", "longest_s", "{:.1f} s"),
            Column("the last message's lag", "last_s", "{:.1f} s"),
            Column("posts", "posts"),
            Column("functions run", "functions"),
            Column("price", "dollars", "${:.2f}"),
        ),
    ),
}
