"""`Fn::ForEach`, as the transform `AWS::LanguageExtensions` expands it.

"Fn::ForEach": `${Name}` and `&{Name}` stand for each value of the collection in turn;
in a key, `&{Name}` is what is left of the value without anything but letters and
digits.
"""

import re
from collections.abc import Mapping
from typing import Any

_PREFIX = "Fn::ForEach::"
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")
_LIST_TYPES = ("CommaDelimitedList", "List<")


class UnknownCollectionError(Exception):
    """What a loop goes through is known when it is deployed only."""


def is_loop(key: str) -> bool:
    """Return whether a key of a template begins a loop."""
    return key.startswith(_PREFIX)


def expand_loops(
    section: Mapping[str, Any], template: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return a section of a template without loops, and whether that is all of it.

    A loop whose collection is not known yet, or that is not written as one, makes
    nothing.
    """
    found: dict[str, Any] = {}
    is_whole = True
    for key, value in section.items():
        try:
            found |= _expand(key, value, template)
        except UnknownCollectionError:
            is_whole = False
    return found, is_whole


def _expand(key: str, value: object, template: Mapping[str, Any]) -> dict[str, Any]:
    if not is_loop(key):
        return {key: _expand_inside(value, template)}
    match value:
        case [str() as name, collection, dict() as fragment]:
            found: dict[str, Any] = {}
            for item in _read_collection(collection, template):
                for inner, each in fragment.items():
                    filled = _fill(each, name, item)
                    found |= _expand(_fill_key(inner, name, item), filled, template)
            return found
        case _:
            raise UnknownCollectionError


def _expand_inside(value: object, template: Mapping[str, Any]) -> object:
    if isinstance(value, list):
        return [_expand_inside(each, template) for each in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, each in value.items():
        found |= _expand(str(key), each, template)
    return found


def _read_collection(value: object, template: Mapping[str, Any]) -> list[str]:
    match value:
        case {"Ref": str() as name}:
            return _read_parameter(name, template)
        case list() as items:
            return [item for each in items for item in _read_item(each, template)]
        case _:
            raise UnknownCollectionError


def _read_item(value: object, template: Mapping[str, Any]) -> list[str]:
    match value:
        case {"Ref": str() as name}:
            return _read_parameter(name, template)
        case bool() | dict() | list() | None:
            raise UnknownCollectionError
        case _:
            return [str(value)]


def _read_parameter(name: str, template: Mapping[str, Any]) -> list[str]:
    parameters = template.get("Parameters")
    found = parameters.get(name) if isinstance(parameters, dict) else None
    default = found.get("Default") if isinstance(found, dict) else None
    if not isinstance(found, dict) or default in (None, ""):
        raise UnknownCollectionError
    if not str(found.get("Type", "")).startswith(_LIST_TYPES):
        return [str(default)]
    return [part.strip() for part in str(default).split(",")]


def _fill_key(key: str, name: str, item: str) -> str:
    plain = _NOT_ALPHANUMERIC.sub("", item)
    return key.replace(f"&{{{name}}}", plain).replace(f"${{{name}}}", item)


def _fill(value: object, name: str, item: str) -> object:
    if value == {"Ref": name}:
        return item
    if isinstance(value, dict):
        # The keys of inner loops are made when these are expanded.
        return {
            _fill_key(str(key), name, item): _fill(each, name, item)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_fill(each, name, item) for each in value]
    if isinstance(value, str):
        return value.replace(f"${{{name}}}", item).replace(f"&{{{name}}}", item)
    return value
