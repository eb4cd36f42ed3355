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
    "src/wspubsub/eventsources/*.py",
    "src/wspubsub/fanout/*.py",
    "src/wspubsub/log/*.py",
    "src/wspubsub/subscriptions/*.py",
)
TESTS = tuple(
    f"tests/{folder}/test_*.py"
    for folder in ("contracts", "core", "dynamodb", "eventsources", "fanout", "log")
)

Lines = Mapping[str, frozenset[int]]


class Measured(NamedTuple):
    """What one test took and ran.

    Attributes:
        seconds: How much time of the processor it took; others may use it as well.
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
    files.remove("src/wspubsub/__main__.py")  # it does all it does when imported
    names = [name.removeprefix("src/wspubsub/").removesuffix(".py") for name in wanted]
    unknown = [name for name in names if not any(_names(name, path) for path in files)]
    if unknown:
        raise SystemExit(f"not one of the modules to mutate: {', '.join(unknown)}")
    return [path for path in files if not names or any(_names(n, path) for n in names)]


def _names(name: str, path: str) -> bool:
    return f"src/wspubsub/{name}.py" == path or f"/{name.rstrip('/')}/" in path


def test_files() -> list[str]:
    """Return the files of the tests."""
    found = {path for pattern in TESTS for path in glob(pattern)}
    return sorted(path for path in found)


def tests_for(
    mutant: Mutant, measured: Mapping[str, Measured], budget: float, *, runs: bool
) -> list[str]:
    """Return the tests that may notice a change, the likeliest first.

    Those in files that are named after the module are all taken.

    Args:
        mutant: The change.
        measured: Every test.
        budget: For how many seconds others are taken, the quick ones first.
        runs: Whether the change is in a function, so that only tests that run its line
            can notice it. Otherwise it is in what is done at import.
    """
    ranks = _ranks_by_line(mutant) if runs else _ranks_by_name(mutant)
    ordered = sorted(
        (
            _distance(name, mutant.module),
            min(rank for rank, where in ranks if _ran(test, where)),
            test.seconds,
            name,
        )
        for name, test in measured.items()
        if any(_ran(test, where) for _rank, where in ranks)
    )
    if any(rank < FAR for _distance, rank, *_ in ordered):
        ordered = [one for one in ordered if one[1] < FAR]
    chosen: list[str] = []
    spent = 0.0
    for distance, _rank, seconds, name in ordered:
        if distance == 0 or spent + seconds <= budget:
            spent += seconds
            chosen.append(name)
    return chosen


def _distance(test: str, module: str) -> int:
    """Return 0 for a file of tests that has the module's name, 1 for its package's."""
    file = "_".join(Path(test.partition("::")[0]).parts)
    path = Path(module)
    if path.stem in file:
        return 0
    return 1 if path.parent.name in file else 2


def is_run(mutant: Mutant, lines: Lines) -> bool:
    """Return whether a change is in one of these lines."""
    return any(
        span & lines.get(path, frozenset())
        for _rank, where in _ranks_by_line(mutant)
        for path, span in where.items()
    )


FAR = 2
"""The rank of tests that run nothing of the module."""

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
    return [(0, named), (1, {mutant.module: every[mutant.module]}), (FAR, every)]


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
