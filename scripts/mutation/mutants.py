"""Finds what can be changed in a module, and changes it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from mutation.operators import all_operators

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
    for name, operator in OPERATORS.items():
        places = [
            place
            for node in ast_nodes(get_ast(source))
            for place in operator.mutation_positions(node)
        ]
        for occurrence, (start, _end) in enumerate(places):
            if any(first <= start < last for first, last in skipped):
                continue
            mutant = _mutant(module, source, name, occurrence, start[0])
            if " not not " not in mutant.after:  # another operator takes `not` away
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
        case ast.AnnAssign(annotation=annotation):
            yield annotation
        case ast.arg(annotation=ast.expr() as annotation):
            yield annotation
        case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns):
            if returns is not None:
                yield returns
            yield from (one for one in node.decorator_list if _is_for_mypy(one))
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            yield node
        case ast.Assign(value=ast.BinOp(op=ast.BitOr()) as value):
            yield value
        case ast.Call(func=ast.Name(id="TypeVar" | "cast")):
            yield node
        case _:
            pass


def _is_for_mypy(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id in {"override", "overload"}
