"""The environment variables that a template gives its functions."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wspubsub.deployment.reading.identities import FUNCTION
from wspubsub.deployment.reading.read import list_unread_loops, make_stack
from wspubsub.deployment.reading.stack import as_mapping
from wspubsub.deployment.template.variables import STAND_IN

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def find_variables(template: Mapping[str, Any], handler: str) -> dict[str, str]:
    """Return what the module of a handler finds in its environment once deployed.

    Where only the stack knows a value, there is another in its place.

    Args:
        template: As `read_template` returns it.
        handler: What Lambda is configured with: `module.function`.
    """
    parameters = as_mapping(template.get("Parameters"))
    everywhere = as_mapping(as_mapping(template.get("Globals")).get("Function"))
    # The variables of its own function count more than those of others.
    functions = sorted(
        _list_functions(template), key=lambda each: each.get("Handler") == handler
    )
    return {
        name: _read_text(value, parameters)
        for function in (everywhere, *functions)
        for name, value in _read_variables(function).items()
    }


def _list_functions(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    # A loop that cannot be read takes its function out of the stack, but nothing away
    # from the other variables.
    resources = as_mapping(template.get("Resources"))
    for name in list_unread_loops(template):
        yield as_mapping(as_mapping(resources[name]).get("Properties"))
    for each in make_stack(template).of_kind(FUNCTION):
        yield each.properties


def _read_variables(function: Mapping[str, Any]) -> Mapping[str, Any]:
    found = as_mapping(as_mapping(function.get("Environment")).get("Variables"))
    # Lambda takes no other names, and the environment of a process not all of them.
    return {name: each for name, each in found.items() if _NAME.fullmatch(name)}


def _read_text(value: object, parameters: Mapping[str, Any]) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            text = str(value)
            return text if _is_possible(text) else STAND_IN
        case {"Ref": str() as name}:
            default = as_mapping(parameters.get(name)).get("Default")
            return STAND_IN if default is None else _read_text(default, {})
        case _:
            return STAND_IN


def _is_possible(text: str) -> bool:
    """Return whether a variable of a process can have a value."""
    return "\0" not in text and text == text.encode(errors="ignore").decode()
