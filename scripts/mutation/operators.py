"""Which of Cosmic Ray's operators are used, and four that it does not have."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cosmic_ray.ast import get_ast
from cosmic_ray.operators import provider
from cosmic_ray.operators.operator import Example, Operator

# One neighbor and one opposite for each comparison; Cosmic Ray would put each in the
# place of each other, which multiplies the time and finds the same tests missing.
_CORE = (
    "AddNot",
    "ExceptionReplacer",
    "NumberReplacer",
    "RemoveDecorator",
    "ReplaceAndWithOr",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_Mul",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBreakWithContinue",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_LtE",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Lt_GtE",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ZeroIterationForLoop",
)

Span = tuple[tuple[int, int], tuple[int, int]]


class RemoveCall(Operator):  # type: ignore[misc] # untyped
    """Leaves out a statement that only calls something."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Yield where the call stands."""
        if node.type == "simple_stmt" and _is_call(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - as Cosmic Ray calls it
        """Put `pass` in its place."""
        call = node.children[0]
        first = call.get_first_leaf()
        node.children[0] = type(first)("pass", call.start_pos, prefix=first.prefix)
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Say what it does, in Cosmic Ray's form."""
        return (Example("f(1)\n", "pass\n"),)


class DropKeyword(Operator):  # type: ignore[misc] # untyped
    """Leaves out an argument that is given by name, so that its default counts."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Yield where each of a call's named arguments stands."""
        for argument in _keywords(node):
            yield argument.start_pos, argument.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Remove one of them, and its comma."""
        place = node.children.index(list(_keywords(node))[index])
        following = node.children[place + 1 : place + 2]
        comma = 1 if following and following[0] == "," else 0
        del node.children[place : place + 1 + comma]
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Say what it does, in Cosmic Ray's form."""
        return (Example("f(1, a=2)\n", "f(1, )\n"),)


class SwapIn(Operator):  # type: ignore[misc] # untyped
    """Has a test for membership succeed when it would have failed."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Yield where `in` and `not in` stand."""
        for operator in _memberships(node):
            yield operator.start_pos, operator.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put the other one in the place of one of them."""
        operator = list(_memberships(node))[index]
        other = " not in" if operator.get_code().strip() == "in" else " in"
        node.children[node.children.index(operator)] = get_ast(other)
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Say what it does, in Cosmic Ray's form."""
        return (Example("a in b\n", "a not in b\n"),)


class WidenFormat(Operator):  # type: ignore[misc] # untyped
    """Makes the numbers that an f-string formats one digit longer."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Yield where the digits of a number are counted."""
        if node.type == "fstring_format_spec" and re.search(r"\dd", node.get_code()):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - as Cosmic Ray calls it
        """Add one to the number."""
        number = node.children[1]
        number.value = re.sub(r"\d+", _one_more, number.value, count=1)
        return node

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Say what it does, in Cosmic Ray's form."""
        return (Example('f"{x:016d}"\n', 'f"{x:017d}"\n'),)


def _one_more(match: re.Match[str]) -> str:
    return str(int(match[0]) + 1).zfill(len(match[0]))


def _memberships(node: Any) -> Iterator[Any]:
    if node.type == "comparison":
        for operator in node.children[1::2]:
            if operator.get_code().split() in (["in"], ["not", "in"]):
                yield operator


def _is_call(node: Any) -> bool:
    if node.type == "await":
        return True
    last = node.children[-1] if node.type == "atom_expr" else None
    return last is not None and last.type == "trailer" and last.children[0] == "("


def _keywords(node: Any) -> Iterator[Any]:
    if node.type != "arglist" and not (
        node.type == "trailer" and node.children[0] == "("
    ):
        return
    for child in node.children:
        if child.type == "argument" and child.children[1] == "=":
            yield child


def all_operators() -> dict[str, Operator]:
    """Return every operator of a run by its name."""
    known = provider.OperatorProvider()
    return {name: known[name]() for name in _CORE} | {
        "RemoveCall": RemoveCall(),
        "DropKeyword": DropKeyword(),
        "SwapIn": SwapIn(),
        "WidenFormat": WidenFormat(),
    }
