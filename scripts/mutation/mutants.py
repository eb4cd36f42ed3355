"""Finds what can be changed in a module, and changes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from mutation.operators import all_operators

_ASSIGNMENT = re.compile(r" not \w+ :=")
OPERATORS = all_operators()


class Mutant(NamedTuple):
    """One small change to one module.

    Attributes:
        module: The file, from the root of the repository.
        operator: Who makes the change.
        occurrence: Which of the operator's places in the file it is.
        line: Where it is.
        before: The line as it stands, and `after`, as it would be: what stays the same
            when lines above it come and go.
    """

    module: str
    operator: str
    occurrence: int
    line: int
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What a mutant is recognized by in another version of the file."""
        return self.module, self.before, self.after


def find_mutants(module: str) -> Iterator[Mutant]:
    """Yield every change that can be made to a module and means something."""
    source = Path(module).read_text(encoding="utf-8")
    skipped = _skipped_places(source)
    calculations = set(_calculations(source))
    for name, operator in OPERATORS.items():
        places = [
            place
            for node in ast_nodes(get_ast(source))
            for place in operator.mutation_positions(node)
        ]
        for occurrence, (start, _end) in enumerate(places):
            if any(first <= start < last for first, last in skipped):
                continue
            if "BinaryOperator" in name and start not in calculations:
                continue  # the `*` of a signature, the `**` of a call
            mutant = _mutant(module, source, name, occurrence, start[0])
            # Another operator takes a `not` away, and an assignment must not have one.
            if " not not " not in mutant.after and not _ASSIGNMENT.search(mutant.after):
                yield mutant


def mutate(mutant: Mutant) -> str:
    """Return the source of a mutant's module with the change."""
    source = Path(mutant.module).read_text(encoding="utf-8")
    return _changed(source, mutant.operator, mutant.occurrence)


def _mutant(
    module: str, source: str, operator: str, occurrence: int, line: int
) -> Mutant:
    old = source.splitlines()
    new = _changed(source, operator, occurrence).splitlines()
    different = (
        at for at, pair in enumerate(zip(old, new, strict=False)) if _differ(pair)
    )
    at = next(different, line - 1)
    before, after = old[at].strip(), new[at].strip()
    if len(old) > len(new):
        after = "(removed)"
    return Mutant(module, operator, occurrence, line, before, after)


def _differ(pair: tuple[str, str]) -> bool:
    return pair[0] != pair[1]


def _changed(source: str, operator: str, occurrence: int) -> str:
    changed = mutate_code(source, OPERATORS[operator], occurrence)
    assert changed is not None  # noqa: S101 - the place was found in the same source
    return str(changed)


Place = tuple[int, int]


def _calculations(source: str) -> Iterator[Place]:
    """Yield where the operators of calculations may stand."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.BinOp(left=before, right=after):
                pass
            case ast.AugAssign(target=before, value=after):
                pass
            case _:
                continue
        lines = source.splitlines()
        for line in range(before.end_lineno or 0, after.lineno + 1):
            first = before.end_col_offset or 0 if line == before.end_lineno else 0
            last = after.col_offset if line == after.lineno else len(lines[line - 1])
            yield from ((line, column) for column in range(first, last))


def _skipped_places(source: str) -> list[tuple[Place, Place]]:
    """Return where a change means nothing: annotations and what only mypy reads."""
    return [
        (
            (node.lineno, node.col_offset),
            (node.end_lineno or 0, node.end_col_offset or 0),
        )
        for parent in ast.walk(ast.parse(source))
        for node in _not_run(parent)
    ]


def _not_run(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    match node:
        case (
            ast.AnnAssign(annotation=ast.expr() as annotation)
            | ast.arg(annotation=ast.expr() as annotation)
            | ast.FunctionDef(returns=ast.expr() as annotation)
        ):
            yield annotation
        case (
            ast.ClassDef(bases=[*_, ast.Name(id="Protocol")])
            | ast.If(test=ast.Name(id="TYPE_CHECKING"))
            | ast.Call(func=ast.Name(id="TypeVar" | "cast"))
            | ast.Assign(value=ast.BinOp(op=ast.BitOr()))
        ):
            yield node
        case _:
            pass
    decorators = getattr(node, "decorator_list", [])
    yield from (one for one in decorators if _is_for_mypy(one))


def _is_for_mypy(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id in {"override", "overload"}
