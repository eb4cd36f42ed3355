"""Which modules are mutated, which tests there are for them, and which come first."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mutation.mutants import Mutant

MODULES = (
    "src/wspubsub/*.py",
    "src/wspubsub/dynamodb/*.py",
    "src/wspubsub/fanout/*.py",
)
# The files that test the modules; the others need processes, or test what is above.
TESTS = (
    "tests/contracts/test_*.py",
    "tests/test_backoff*.py",
    "tests/test_connections*.py",
    "tests/test_delivery*.py",
    "tests/test_dynamodb_*.py",
    "tests/test_errors*.py",
    "tests/test_event*s.py",
    "tests/test_events_*.py",
    "tests/test_exports.py",
    "tests/test_fanout_*.py",
    "tests/test_history*.py",
    "tests/test_log*.py",
    "tests/test_messages*.py",
    "tests/test_publisher*.py",
    "tests/test_records*.py",
    "tests/test_reports*.py",
    "tests/test_responses*.py",
    "tests/test_router*.py",
    "tests/test_selection*.py",
    "tests/test_store_*.py",
    "tests/test_subscri*.py",
    "tests/test_topics*.py",
    "tests/test_testing_recording.py",
)

Lines = Mapping[str, frozenset[int]]


class Measured(NamedTuple):
    """What one test took and ran.

    Attributes:
        seconds: How long it took.
        lines: The lines that it ran, by file.
    """

    seconds: float
    lines: Lines


def glob(pattern: str) -> list[str]:
    """Return the files that a pattern fits, from the root of the repository."""
    return sorted(map(str, Path().glob(pattern)))


def chosen_modules(wanted: Iterable[str]) -> list[str]:
    """Return the files of the modules that somebody named, or of all.

    `dynamodb` is the package, `dynamodb/log` and `headers` are modules.
    """
    files = sorted(path for pattern in MODULES for path in glob(pattern))
    names = [name.removeprefix("src/wspubsub/").removesuffix(".py") for name in wanted]
    unknown = [name for name in names if not any(_names(name, path) for path in files)]
    if unknown:
        raise SystemExit(f"not one of the modules to mutate: {', '.join(unknown)}")
    return [path for path in files if not names or any(_names(n, path) for n in names)]


def _names(name: str, path: str) -> bool:
    return f"src/wspubsub/{name}.py" == path or f"/{name.rstrip('/')}/" in path


def test_files() -> list[str]:
    """Return the files of the tests."""
    return sorted({path for pattern in TESTS for path in glob(pattern)})


def tests_for(
    mutant: Mutant, measured: Mapping[str, Measured], budget: float, *, runs: bool
) -> list[str]:
    """Return the tests that may notice a change, the likeliest first.

    Args:
        mutant: The change.
        measured: Every test.
        budget: For how many seconds tests are taken, the quick ones first.
        runs: Whether the change is in a function, so that only tests that run its line
            can notice it. Otherwise it is in what is done at import.
    """
    ranks = _ranks_by_line(mutant) if runs else _ranks_by_name(mutant)
    ordered = sorted(
        (min(rank for rank, where in ranks if _ran(test, where)), test.seconds, name)
        for name, test in measured.items()
        if any(_ran(test, where) for _rank, where in ranks)
    )
    chosen: list[str] = []
    spent = 0.0
    for _rank, seconds, name in ordered:
        if spent + seconds <= budget or not chosen:
            spent += seconds
            chosen.append(name)
    return chosen


Ranks = list[tuple[int, Lines]]


def _ran(test: Measured, where: Lines) -> bool:
    return any(
        lines & test.lines.get(path, frozenset()) for path, lines in where.items()
    )


def _ranks_by_line(mutant: Mutant) -> Ranks:
    """Return the lines of the statement: coverage knows only the first."""
    tree = ast.parse(Path(mutant.module).read_text(encoding="utf-8"))
    spans = [
        range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not hasattr(node, "body")
    ]
    holding = [span for span in spans if mutant.line in span]
    smallest = min(holding, key=len, default=range(mutant.line, mutant.line + 1))
    return [(0, {mutant.module: frozenset(smallest)})]


def _ranks_by_name(mutant: Mutant) -> Ranks:
    """Rank lines: those that name what is changed, the module's, and all others."""
    files = [path for pattern in MODULES for path in glob(pattern)]
    every = {path: frozenset(range(1, 1000)) for path in files}
    named = {path: frozenset(_lines_with(path, _names_at(mutant))) for path in files}
    return [(0, named), (1, {mutant.module: every[mutant.module]}), (2, every)]


def _lines_with(path: str, names: set[str]) -> Iterator[int]:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if names & set(re.findall(r"\w+", line)):
            yield number


def _names_at(mutant: Mutant) -> set[str]:
    """Return the names of the constant, the field or the function that is changed."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(mutant.module).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.stmt) or not node.lineno <= mutant.line:
            continue
        if mutant.line > (node.end_lineno or 0):
            continue
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.FunctionDef(name="__init__"):
                pass
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case _:
                pass
    return names
