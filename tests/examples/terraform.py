"""A Terraform module, parsed and judged by the provider's schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

from tests.examples.provider_schema import Argument, Schema, schema

META_ARGUMENTS = {"count", "for_each", "depends_on", "provider", "lifecycle"}
_PYTHON_TYPES = {"bool": bool, "number": (int, float), "list": list, "map": dict}

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A resource or a data source.

    Attributes:
        kind: Such as `aws_sqs_queue`.
        name: What the module calls it.
        body: What stands in it.
        is_data: Whether it is a data source.
    """

    kind: str
    name: str
    body: Body
    is_data: bool

    @property
    def address(self) -> str:
        """How the module refers to it."""
        return f"{'data.' if self.is_data else ''}{self.kind}.{self.name}"


class Module:
    """A folder with files of Terraform.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.blocks: list[Block] = []
        self.variables: dict[str, Body] = {}
        self.locals: Body = {}
        self.outputs: dict[str, Body] = {}
        self.providers: dict[str, Body] = {}
        for path in sorted(folder.glob("*.tf")):
            self._read(path)

    def block(self, address: str) -> Body:
        """Return what stands in a resource or data source."""
        (found,) = (each for each in self.blocks if each.address == address)
        return found.body

    def problems(self) -> list[str]:
        """Return what the provider would refuse, a line each."""
        return [line for each in self.blocks for line in _block_problems(each)]

    def _read(self, path: Path) -> None:
        with path.open() as file:
            parsed = hcl2.load(file)
        for is_data, word in ((False, "resource"), (True, "data")):
            for entry in parsed.get(word, []):
                ((kind, named),) = entry.items()
                ((name, body),) = named.items()
                self.blocks.append(Block(text(kind), text(name), body, is_data))
        for word, found in (
            ("variable", self.variables),
            ("output", self.outputs),
            ("provider", self.providers),
        ):
            for entry in parsed.get(word, []):
                found.update({text(name): body for name, body in entry.items()})
        for entry in parsed.get("locals", []):
            self.locals.update(_plain(entry))


def text(value: str) -> str:
    """Return the text of a quoted string."""
    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value


def _plain(body: Body) -> Body:
    return {key: value for key, value in body.items() if not key.startswith("__")}


def _block_problems(block: Block) -> Iterator[str]:
    found = schema(block.kind, is_data=block.is_data)
    if found is None:
        yield f"{block.address}: the provider has no {block.kind}"
        return
    arguments = {
        name: value
        for name, value in _plain(block.body).items()
        if name not in META_ARGUMENTS
    }
    yield from _body_problems(block.address, arguments, found, found.root)


def _body_problems(
    place: str, body: Body, found: Schema, interface: str
) -> Iterator[str]:
    known = found.blocks[interface]
    for name, argument in known.items():
        if argument.is_required and name not in body:
            yield f"{place}: {name} is missing"
    for name, value in body.items():
        if name not in known:
            yield f"{place}: there is no argument {name}"
        else:
            yield from _argument_problems(f"{place}.{name}", known[name], value, found)


def _argument_problems(
    place: str, argument: Argument, value: Any, found: Schema
) -> Iterator[str]:
    is_block = isinstance(value, list) and any(
        isinstance(each, dict) and each.get("__is_block__") for each in value
    )
    if (argument.kind == "block") != is_block:
        yield f"{place}: is {'a block' if is_block else 'an argument'} here"
    elif is_block:
        for each in value:
            yield from _body_problems(place, _plain(each), found, str(argument.block))
    elif not _fits(argument.kind, value):
        yield f"{place}: {value!r} is not a {argument.kind}"


def _fits(kind: str, value: Any) -> bool:
    if value is None or (isinstance(value, str) and value.startswith("${")):
        return True  # an expression
    if kind == "string":
        return isinstance(value, str)
    if kind == "number" and isinstance(value, bool):
        return False
    return isinstance(value, _PYTHON_TYPES.get(kind, object))  # type: ignore[arg-type] # types, or a tuple of them
