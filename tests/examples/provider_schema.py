"""The schema of Terraform's AWS provider, as its bindings for TypeScript tell it.

The provider itself is a program that no package registry has; `@cdktf/provider-aws` is
generated from its schema and names every argument, block and attribute.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.servers.gateways import ROOT

LIBRARY = ROOT / ".tools" / "provider-aws"

_INTERFACE = re.compile(
    r"^export interface (\w+)[^{]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
_PROPERTY = re.compile(
    r"/\*\*(?P<comment>(?:(?!\*/).)*)\*/\s+readonly \w+(?P<optional>\??): "
    r"(?P<type>\{[^}]*\}|[^;]+);",
    re.DOTALL,
)
_NAME = re.compile(r"docs/(?:resources|data-sources)/\w+#(?P<name>\w+)")
_GETTER = re.compile(r"^    get (\w+)\(\):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument or a nested block.

    Attributes:
        is_required: Whether it must be there.
        kind: `string`, `number`, `bool`, `list`, `map`, or `block`.
        block: Of a block, what may stand in it.
    """

    is_required: bool
    kind: str
    block: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """What a kind of resource or data source has.

    Attributes:
        blocks: Arguments of the resource and of every block in it, by the name of the
            interface.
        root: The resource's own interface.
        attributes: What can be read.
    """

    blocks: dict[str, dict[str, Argument]]
    root: str
    attributes: frozenset[str]


@cache
def schema(kind: str, *, is_data: bool = False) -> Schema | None:
    """Return the schema of a kind such as `aws_sqs_queue`; None if there is none."""
    folder = kind.removeprefix("aws_").replace("_", "-")
    path = LIBRARY / (f"data-aws-{folder}" if is_data else folder) / "index.d.ts"
    return parsed(path) if path.is_file() else None


def parsed(path: Path) -> Schema:
    """Return what a file of the bindings says."""
    text = path.read_text()
    interfaces = dict(_INTERFACE.findall(text))
    root = next(name for name in interfaces if name.endswith("Config"))
    # The last class of the file is the resource's; others are those of its blocks.
    getters = _GETTER.findall(text[text.rindex("export declare class") :])
    return Schema(
        {name: _arguments(body, interfaces) for name, body in interfaces.items()},
        root,
        frozenset(_snake(getter) for getter in getters),
    )


def _arguments(body: str, interfaces: dict[str, str]) -> dict[str, Argument]:
    found = {}
    for match in _PROPERTY.finditer(body):
        name = _NAME.search(match["comment"])
        if name is None:
            continue
        block = match["type"].split("[")[0].split(" ")[0]
        is_block = f"{name['name']} block" in match["comment"]
        found[name["name"]] = Argument(
            is_required=not match["optional"],
            kind="block" if is_block else _kind(match["type"]),
            block=block if block in interfaces else None,
        )
    return found


def _kind(text: str) -> str:
    if text.startswith("{"):
        return "map"
    if "[]" in text:
        return "list"
    first = text.split(" ", maxsplit=1)[0]
    return {"boolean": "bool"}.get(first, first)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
