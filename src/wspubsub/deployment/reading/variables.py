"""The environment variables that a template gives its functions."""

from collections.abc import Iterator, Mapping
from typing import Any

from wspubsub.deployment.template.variables import STAND_IN

_FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")


def find_variables(template: Mapping[str, Any], handler: str) -> dict[str, str]:
    """Return what the module of a handler finds in its environment once deployed.

    Where only the stack knows a value, there is another in its place.

    Args:
        template: As `read_template` returns it.
        handler: What Lambda is configured with: `module.function`.
    """
    parameters = _mapping(template.get("Parameters"))
    everywhere = _mapping(_mapping(template.get("Globals")).get("Function"))
    functions = [everywhere, *_functions(template)]
    # The variables of its own function count more than those of others.
    functions.sort(key=lambda each: each.get("Handler") == handler)
    return {
        name: _text(value, parameters)
        for function in functions
        for name, value in _variables(function).items()
    }


def _functions(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for each in _mapping(template.get("Resources")).values():
        if _mapping(each).get("Type") in _FUNCTIONS:
            yield _mapping(each.get("Properties"))


def _variables(function: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _mapping(_mapping(function.get("Environment")).get("Variables"))
    return {name: each for name, each in found.items() if not name.startswith("Fn::")}


def _text(value: object, parameters: Mapping[str, Any]) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case {"Ref": str() as name}:
            default = _mapping(parameters.get(name)).get("Default")
            return STAND_IN if default is None else _text(default, {})
        case _:
            return STAND_IN


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
