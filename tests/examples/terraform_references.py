"""What the blocks of a Terraform module say of each other."""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from tests.examples.provider_schema import schema
from tests.examples.terraform import Block, Module

_REFERENCE = re.compile(
    r"(?<![\w.\"])(var|local|data|aws_\w+)\.([\w.]+(?:\[[^\]]*\]\.[\w.]+)*)"
)
_INDEX = re.compile(r"\[[^\]]*\]")
_EACH = re.compile(r"(?<![\w.])each\.(?:key|value)\b")
_SEVERAL = ("count", "for_each")


class Reference(NamedTuple):
    """What an expression refers to.

    Attributes:
        address: Such as `var.name`, `aws_sqs_queue.chat`, `data.aws_partition.current`.
        attribute: What is read of it; None for all of it.
        is_indexed: Whether one of several is meant.
    """

    address: str
    attribute: str | None
    is_indexed: bool


def reference_problems(module: Module) -> list[str]:
    """Return what refers to nothing, to itself, or is referred to by nothing."""
    places = _places(module)
    return [
        *(
            f"{place}: {reason}"
            for place, body in places.items()
            for reference in references(body)
            if (reason := _problem(module, reference))
        ),
        *_each_problems(module),
        *_unused(module, places),
        *_cycles(places),
    ]


def references(value: Any) -> Iterator[Reference]:
    """Return all references in a value, at any depth."""
    if isinstance(value, str):
        for head, rest in _REFERENCE.findall(value):
            yield _reference(head, rest)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key != "__comments__":
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def _reference(head: str, rest: str) -> Reference:
    parts = _INDEX.sub("", rest).split(".")
    length = 2 if head == "data" else 1
    attribute = parts[length] if len(parts) > length else None
    return Reference(".".join([head, *parts[:length]]), attribute, "[" in rest)


def _places(module: Module) -> dict[str, Any]:
    return {
        **{each.address: each.body for each in module.blocks},
        **{f"local.{name}": value for name, value in module.locals.items()},
        **{f"output.{name}": body for name, body in module.outputs.items()},
        **{f"provider.{name}": body for name, body in module.providers.items()},
    }


def _problem(module: Module, reference: Reference) -> str | None:
    address, attribute, _ = reference
    head, _, name = address.partition(".")
    if head in {"var", "local"}:
        there = module.variables if head == "var" else module.locals
        return None if name in there else f"there is no {address}"
    block = next((each for each in module.blocks if each.address == address), None)
    if block is None:
        return f"there is no {address}"
    found = schema(block.kind, is_data=block.is_data)
    if found is None or attribute is None:
        return None
    if attribute not in found.attributes:
        return f"{address} has no attribute {attribute}"
    return _index_problem(block, reference)


def _index_problem(block: Block, reference: Reference) -> str | None:
    has_several = any(each in block.body for each in _SEVERAL)
    if has_several == reference.is_indexed:
        return None
    return f"{block.address} {'needs an' if has_several else 'has no'} index"


def _each_problems(module: Module) -> Iterator[str]:
    for block in module.blocks:
        if "for_each" not in block.body and _EACH.search(str(block.body)):
            yield f"{block.address}: each is of no for_each"


def _unused(module: Module, places: dict[str, Any]) -> Iterator[str]:
    used = {found.address for body in places.values() for found in references(body)}
    declared = [
        *(f"var.{name}" for name in module.variables),
        *(f"local.{name}" for name in module.locals),
    ]
    for address in declared:
        if address not in used:
            yield f"{address} is not used"


def _cycles(places: dict[str, Any]) -> Iterator[str]:
    needs = {
        place: {found.address for found in references(body)}
        for place, body in places.items()
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        yield f"cycle: {' -> '.join(reversed(error.args[1]))}"
