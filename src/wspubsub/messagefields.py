"""Typed reading of the JSON object that a client sent.

A field that is missing, or of another type than the handler asks for, is a
`MessageError` that names it, so that the client's mistake does not become an error of
the function.
"""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from wspubsub.errors import MessageError, UsageError

FieldType = type[Any] | UnionType | tuple[type[Any] | UnionType, object]
"""What `MessageEvent.fields` takes for a field: a type, or a type and a default."""

_WANTED = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
    NoneType: "null",
    object: "any value",
}
_FOUND = {**_WANTED, float: "a decimal number"}
# Databases and most other languages hold no larger ones.
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1


def read_fields(message: object, types: Mapping[str, FieldType]) -> tuple[Any, ...]:
    """Return the named fields of a client's message, in the order they are named.

    Args:
        message: The message, read from JSON.
        types: What each field must be; see `MessageEvent.fields`.

    Raises:
        MessageError: The message is not an object; a field is missing or wrong.
        UsageError: That is not a type of a JSON value.
    """
    if not isinstance(message, dict):
        raise MessageError(f"the message must be a JSON object, not {_kind(message)}")
    return tuple(_read(message, name, given) for name, given in types.items())


def _read(message: dict[str, Any], name: str, given: FieldType) -> object:
    has_default = isinstance(given, tuple)
    wanted, default = _split(name, given) if has_default else (given, None)
    options = _options(name, wanted)
    value, is_there = message.get(name), name in message
    if value is None and not (is_there and {NoneType, object} & {*options}):
        if has_default:
            return default
        if NoneType in options:
            return None
        if not is_there:
            raise MessageError(f'the message has no field "{name}"')
    return _check(name, options, value)


def _split(name: str, given: object) -> tuple[object, object]:
    match given:
        # (str, int) is how `isinstance` is asked, and would make a class the default.
        case (wanted, default) if not isinstance(default, type):
            return wanted, default
    raise _unusable(name, given)


def _options(name: str, wanted: object) -> tuple[Any, ...]:
    is_union = get_origin(wanted) in {Union, UnionType}
    options = get_args(wanted) if is_union else (wanted,)
    for option in options:
        item = [*get_args(option), option][0] if get_origin(option) is list else option
        if not isinstance(item, type) or item not in _WANTED:
            raise _unusable(name, wanted)
    return options


def _unusable(name: str, given: object) -> UsageError:
    return UsageError(
        f"field {name!r} cannot be {given!r}; use str, int, float, bool, list, "
        "dict or object, list[str], a union such as str | None, or a type and a "
        "default such as (int, 100)"
    )


def _check(name: str, options: tuple[Any, ...], value: object) -> object:
    for option in options:
        if get_origin(option) is list and isinstance(value, list):
            items = get_args(option)
            return [
                _check(f"{name}[{at}]", items, each) for at, each in enumerate(value)
            ]
        if _is_of(option, value):
            return float(value) if option is float and isinstance(value, int) else value
    wanted = " or ".join(_WANTED[get_origin(option) or option] for option in options)
    raise MessageError(f'field "{name}" must be {wanted}, not {_kind(value)}')


def _is_of(option: object, value: object) -> bool:
    if option is float:
        return type(value) in {int, float}
    if option is int:
        return type(value) is int and _MIN_INTEGER <= value <= _MAX_INTEGER
    return option is object or type(value) is option


def _kind(value: object) -> str:
    if type(value) is int and not _is_of(int, value):
        return "one of more than 64 bits"
    return _FOUND[type(value)]
