"""Write what the benchmarks found into the documentation.

`python -m benchmarks.documents` makes tables, pictures and the README's figures anew
from `benchmarks/results`; `python -m benchmarks all --docs` measures before.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.plots import draw_bars
from benchmarks.processes import ROOT
from benchmarks.scale_plot import draw_scale
from benchmarks.tables import TABLES

RESULTS = Path(__file__).parent / "results"
PICTURES = ROOT / "docs" / "_static" / "benchmarks"


def main() -> None:
    """Write everything that there are results for."""
    for page, text in write_pages().items():
        page.write_text(text)
    for name, found in read_results().items():
        target = PICTURES / f"{name}.svg"
        if name == "scale":
            draw_scale(found, target)
        else:
            draw_bars(TABLES[name], found, target)


def read_results() -> dict[str, Any]:
    """Return the content of each benchmark's JSON file, by the benchmark's name."""
    return {
        path.stem: json.loads(path.read_text())
        for path in sorted(RESULTS.glob("*.json"))
    }


def write_pages() -> dict[Path, str]:
    """Return the pages that show figures, as they are to be."""
    pages: dict[Path, str] = {}
    for name, path, text in _blocks(read_results()):
        page = ROOT / path
        before = pages.get(page) or page.read_text()
        begin, end = f"<!-- benchmark: {name} -->", "<!-- end of benchmark -->"
        head, found, rest = before.partition(begin)
        _, ended, tail = rest.partition(end)
        if not (found and ended):
            raise BenchmarkError(f"{path} has no place for {name}: {begin} … {end}")
        pages[page] = f"{head}{begin}\n{text}\n{end}{tail}"
    return pages


def _blocks(results: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, table in TABLES.items():
        source = table.source or name
        if source in results:
            yield name, table.page, table.write(results[source])
    yield "summary", "README.md", _summarize(results)


def _summarize(results: dict[str, Any]) -> str:
    def find(benchmark: str, row: str, figure: str) -> float:
        rows = {each["name"]: each["figures"] for each in results[benchmark]["rows"]}
        return float(rows[row][figure])

    ours, loop = (
        find("fanout", f"TLS: {peer}", "cpu_us_per_post")
        for peer in ("wspubsub", "boto3, loop")
    )
    start, boto3 = (find("coldstart", peer, "cpu_ms") for peer in ("wspubsub", "boto3"))
    clients, megabytes = (
        find("sockets", "wspubsub dev", figure) for figure in ("sockets", "gateway_mb")
    )
    return (
        f"- A post costs 1/{loop / ours:.0f} of the CPU time of a boto3 loop: "
        f"{ours:.0f} µs instead of {loop:.0f} µs.\n"
        f"- A cold start up to the first answer costs about 1/{boto3 / start:.0f} of "
        f"the CPU time that it takes with boto3: {start:.0f} ms instead of "
        f"{boto3:.0f} ms.\n"
        f"- `wspubsub dev` with {clients:,.0f} idle clients takes {megabytes:.0f} MB "
        "of memory."
    )


if __name__ == "__main__":
    main()
