"""What the commands for a live deployment print: tables for people, or JSON lines."""

import errno
import json
import os
import select
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]

GAP = "  "


def show_rows(rows: Iterable[Row], columns: Sequence[Column], *, as_json: bool) -> None:
    """Print rows: a table with a heading, or a JSON object in each line.

    On a terminal a line is cut at its width.
    """
    if as_json:
        for row in rows:
            print_json(row)
        return
    cells = [[make_printable(read(row)) for _, read in columns] for row in rows]
    headings = [name for name, _ in columns]
    widths = [max(map(measure, each)) for each in zip(headings, *cells, strict=True)]
    for line in [headings, *cells]:
        print_line(line, widths)


def print_json(row: Row) -> None:
    """Print a JSON object in a line."""
    print(json.dumps(row, ensure_ascii=False), flush=True)


def print_line(cells: Sequence[str], widths: Sequence[int]) -> None:
    """Print a line of a table; on a terminal it is cut at its width."""
    padded = [
        cell + " " * (width - measure(cell))
        for cell, width in zip(cells, widths, strict=True)
    ]
    line = GAP.join(padded).rstrip()
    if sys.stdout.isatty():
        line = _cut(line, shutil.get_terminal_size().columns)
    print(line, flush=True)


def wait_for_reader(seconds: float) -> None:
    """Wait for some time, or until nobody reads the standard output any longer.

    Raises:
        BrokenPipeError: Nobody does.
    """
    try:
        poll, output = select.poll(), sys.stdout.fileno()
    except (AttributeError, OSError):  # Windows, or no file at all
        time.sleep(seconds)
        return
    poll.register(output, 0)  # of errors it reports in any case
    if poll.poll(seconds * 1000):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def make_printable(text: str) -> str:
    """Return a text whose control characters cannot change a terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )


def measure(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(_measure_one, text))


def show_time(seconds: float | None) -> str:
    """Return a time of this machine's time zone; empty for None."""
    if seconds is None:
        return ""
    local = datetime.fromtimestamp(seconds).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S")


def read_text(name: str) -> Callable[[Row], str]:
    """Return what reads a field as text; empty if it is not there."""
    return lambda row: str(row.get(name, ""))


def read_time(name: str) -> Callable[[Row], str]:
    """Return what reads a field as a time; empty if it is not there."""
    return lambda row: show_time(row.get(name))


def _measure_one(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(line: str, width: int) -> str:
    if measure(line) <= width:
        return line
    kept, taken = "", 0
    for character in line:
        taken += _measure_one(character)
        if taken > width - 1:
            break
        kept += character
    return f"{kept}…"
