"""Templates as text: YAML or JSON, with CloudFormation's short forms when read.

PyYAML is in the extra `infra`; JSON needs nothing.
"""

import json
import re
from collections.abc import Hashable
from types import ModuleType
from typing import Any, TypeAlias

from wspubsub.errors import UsageError

# Loaders and nodes of PyYAML, which is loaded late.
_Yaml: TypeAlias = Any

_INSTALL = "the package PyYAML is not installed; run: pip install 'wspubsub[infra]'"
# What some reader of YAML 1.1 or 1.2 takes for a number, a date, a time, a truth value
# or nothing: PyYAML quotes only what PyYAML itself does. An account ID such as
# 012345678901 is one, and `1e3` and `y` are.
_LOOKS_LIKE_DATA = re.compile(
    r"[-+]?[.0-9][\w.,:+ -]*|[-+]?(inf|infinity|nan)"
    r"|y|n|yes|no|on|off|true|false|null|nil|none|undefined|~|=|<<|",
    re.IGNORECASE | re.ASCII,
)
_ENDS_OF_LINES = frozenset("\x85\u2028\u2029")
# The short form of every other function is its name after "Fn::".
_UNPREFIXED = {"Ref", "Condition"}
_STANDARD = "tag:yaml.org,2002:"
_TEXT = f"{_STANDARD}str"
# No template needs more, and what reads them calls itself for each level.
_MAX_DEPTH = 100


def to_json(template: dict[str, Any]) -> str:
    """Return a template as JSON."""
    return json.dumps(template, indent=2, ensure_ascii=False) + "\n"


def to_yaml(template: dict[str, Any]) -> str:
    """Return a template as YAML, with functions in their long form.

    Raises:
        ImportError: PyYAML is not installed.
    """
    yaml = _yaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[misc,name-defined] # a module found late
        def ignore_aliases(self, _data: object) -> bool:
            # CloudFormation knows no aliases; what stands twice is written twice.
            return True

    def represent_text(dumper: _Yaml, text: str) -> _Yaml:
        style = "'" if _LOOKS_LIKE_DATA.fullmatch(text) else None
        if not _ENDS_OF_LINES.isdisjoint(text):
            style = '"'  # which escapes them; in others they become blanks
        return dumper.represent_scalar(_TEXT, text, style=style)

    Dumper.add_representer(str, represent_text)
    text: str = yaml.dump(
        template,
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text


def read_template(text: str, name: str) -> dict[str, Any]:
    """Return a template that is written in YAML or JSON.

    Args:
        text: The template.
        name: What messages call it.

    Raises:
        ImportError: It is not JSON, and PyYAML is not installed.
        UsageError: It is not a template.
    """
    document = _parse(text, name)
    if not isinstance(document, dict) or not _has_resources(document):
        raise UsageError(
            f"{name} is not a CloudFormation or SAM template: it has no Resources"
        )
    if _is_too_deep(document):
        raise UsageError(
            f"{name} is not a template: it is nested more than {_MAX_DEPTH} levels deep"
        )
    return document


def _is_too_deep(document: object) -> bool:
    level = {id(document): document}
    for _ in range(_MAX_DEPTH):
        level = {
            id(inner): inner for each in level.values() for inner in _list_inner(each)
        }
        if not level:
            return False
    return True


def _list_inner(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _has_resources(document: dict[str, Any]) -> bool:
    resources = document.get("Resources")
    return isinstance(resources, dict) and all(
        # Fn::ForEach::NAME and Fn::Transform stand in the place of resources.
        str(name).startswith("Fn::")
        or (isinstance(each, dict) and isinstance(each.get("Type"), str))
        for name, each in resources.items()
    )


def _parse(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    yaml = _yaml()
    try:
        return yaml.load(text, Loader=_loader(yaml))
    # PyYAML lets the last two through for values such as `!!bool x` and `!!int ""`.
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
        AttributeError,
        LookupError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{name} is neither YAML nor JSON: {reason}") from error


def _loader(yaml: ModuleType) -> _Yaml:
    class Loader(yaml.SafeLoader):  # type: ignore[misc,name-defined] # a module found late
        """Reads `!Ref` and the like; reads dates as text, as CloudFormation does."""

    Loader.yaml_implicit_resolvers = {
        letter: [(tag, regexp) for tag, regexp in found if "timestamp" not in tag]
        for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def intrinsic(loader: _Yaml, suffix: str, node: _Yaml) -> dict[str, Any]:
        value = _plain(loader, node)
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {suffix if suffix in _UNPREFIXED else f"Fn::{suffix}": value}

    def mapping(loader: _Yaml, node: _Yaml) -> dict[Hashable, Any]:
        return _mapping_of(loader, node)

    Loader.add_multi_constructor("!", intrinsic)
    Loader.add_constructor(f"{_STANDARD}map", mapping)
    return Loader


def _plain(loader: _Yaml, node: _Yaml) -> object:
    if node.id == "scalar":
        return loader.construct_scalar(node)
    if node.id == "sequence":
        return loader.construct_sequence(node, deep=True)
    return _mapping_of(loader, node)


def _mapping_of(loader: _Yaml, node: _Yaml) -> dict[Hashable, Any]:
    # PyYAML keeps the last of two equal keys; CloudFormation refuses them.
    keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
    twice = {key for key in keys if keys.count(key) > 1 and key != "<<"}
    if twice:
        line = node.start_mark.line + 1
        raise ValueError(f"the mapping at line {line} has {sorted(twice)} twice")
    loader.flatten_mapping(node)
    for key, _ in node.value:
        # CloudFormation takes a key such as 404 or true for the text that it is.
        if key.id == "scalar" and key.tag.startswith(_STANDARD):
            key.tag = _TEXT
    found: dict[Hashable, Any] = loader.construct_mapping(node, deep=True)
    return found


def _yaml() -> ModuleType:
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError(_INSTALL, name="yaml") from error
    return yaml
