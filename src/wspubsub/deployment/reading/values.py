"""Intrinsic functions as texts: what is known is in them, the rest is a hole.

"Intrinsic function reference" (CloudFormation).
"""

import re
from collections.abc import Mapping
from typing import Any

from wspubsub.deployment.description.texts import (
    ANYTHING,
    is_known,
    is_literal,
    name_unknown,
    split_text,
)
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.reading.identities import attribute_of, reference_to
from wspubsub.deployment.reading.stack import NO_VALUE, Stack, as_mapping, is_function

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_LITERAL = re.compile(r"\$\{!([^}]*)\}")
# "Using dynamic references": what Systems Manager and Secrets Manager keep.
_DYNAMIC = re.compile(r"\{\{resolve:.*?\}\}")
_BRACES = re.compile(r"[${}]")
_ON, _OFF = "true", "false"


class Values:
    """The values of a template's properties.

    Args:
        stack: The template.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def text(self, value: object) -> str:
        """Return a value as a text, with holes for what is known later."""
        if isinstance(value, bool):
            return _ON if value else _OFF
        if isinstance(value, str | int | float):
            return _hide_dynamic(str(value))
        if is_function(value) and isinstance(value, dict):
            ((function, argument),) = value.items()
            return _hide_dynamic(self._evaluate(function, argument))
        return ANYTHING

    def literal(self, value: object, default: str | None = None) -> Maybe[str] | None:
        """Return a text that is known as a whole; the default for None."""
        if value is None:
            return default
        text = self.text(value)
        return text if is_literal(text) else UNKNOWN

    def number(self, value: object, default: int) -> Maybe[int]:
        """Return a whole number; the default for None."""
        text = self.literal(value, str(default))
        try:
            return int(float(text)) if isinstance(text, str) else UNKNOWN
        except (ValueError, OverflowError):
            return UNKNOWN

    def switch(self, value: object, *, default: bool = False) -> Maybe[bool]:
        """Return whether something is on; the default for None."""
        text = self.literal(value, _ON if default else _OFF)
        known = {_ON: True, _OFF: False}
        return known.get(text.lower(), UNKNOWN) if isinstance(text, str) else UNKNOWN

    def items(self, value: object) -> tuple[list[object], bool]:
        """Return the items of a list, and whether these are all.

        A value that is not a list is one item; an entry with Fn::If may be anything,
        so it is left out and the list is not whole.
        """
        if value is None or value == NO_VALUE:
            return [], True
        if not isinstance(value, list):
            value = [value]
        kept = [each for each in value if each is not None and each != NO_VALUE]
        known = [each for each in kept if not _is_choice(each)]
        return known, len(known) == len(kept)

    def mapping(self, value: object) -> Maybe[Mapping[str, Any]]:
        """Return a mapping; an empty one for None."""
        if value is None:
            return {}
        if not isinstance(value, dict) or is_function(value):
            return UNKNOWN
        # Fn::Transform adds something to what is there.
        return UNKNOWN if any(str(key)[:4] == "Fn::" for key in value) else value

    def _evaluate(self, function: str, argument: object) -> str:
        evaluate = {
            "Ref": self._refer,
            "Fn::GetAtt": self._get_attribute,
            "Fn::Sub": self._substitute,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::FindInMap": self._look_up,
            "Fn::If": self._choose,
        }.get(function)
        return ANYTHING if evaluate is None else evaluate(argument)

    def _substitute(self, argument: object) -> str:
        match argument:
            case str() as text:
                return self._fill(text, {})
            case [str() as text, dict() as given]:
                return self._fill(text, given)
            case _:
                return ANYTHING

    def _join(self, argument: object) -> str:
        match argument:
            case [str() as separator, list() as values]:
                return separator.join(map(self.text, values))
            case _:
                return ANYTHING

    def _select(self, argument: object) -> str:
        match argument:
            case [index, {"Fn::Split": [str() as separator, source]}] if separator:
                text = self.text(source)
                parts = split_text(text, separator) if is_known(text) else []
            case [index, list() as values]:
                parts = [self.text(each) for each in values]
            case _:
                return ANYTHING
        place = self.number(index, 0)
        if place is UNKNOWN or not 0 <= place < len(parts):
            return ANYTHING
        return parts[place]

    def _choose(self, argument: object) -> str:
        match argument:
            case [_, one, other]:
                left, right = self.text(one), self.text(other)
                return left if left == right else ANYTHING
            case _:
                return ANYTHING

    def _look_up(self, argument: object) -> str:
        match argument:
            case [name, first, second]:
                mapping = self.stack.section("Mappings").get(self.text(name))
                keys = as_mapping(mapping).get(self.text(first))
                value = as_mapping(keys).get(self.text(second))
                return ANYTHING if value is None else self.text(value)
            case _:
                return ANYTHING

    def _refer(self, name: object) -> str:
        if not isinstance(name, str):
            return ANYTHING
        parameter = self.stack.section("Parameters").get(name)
        if parameter is not None:
            return _read_parameter(name, as_mapping(parameter))
        resource = self.stack.get(name)
        if resource is not None:
            return reference_to(resource, self.text)
        is_pseudo = name.startswith("AWS::") and name != "AWS::NoValue"
        return f"${{{name}}}" if is_pseudo else name_unknown(name)

    def _get_attribute(self, argument: object) -> str:
        parts: list[Any] = argument if isinstance(argument, list) else [argument]
        if not all(isinstance(part, str) for part in parts):
            return ANYTHING
        name, _, attribute = ".".join(parts).partition(".")
        resource = self.stack.get(name)
        if resource is None:
            return name_unknown(f"{name}.{attribute}")
        return attribute_of(resource, attribute, self.text)

    def _fill(self, text: str, given: Mapping[str, Any]) -> str:
        pieces: list[str] = []
        end = 0
        for match in _VARIABLE.finditer(text):
            name = match[1].strip()
            pieces.append(_LITERAL.sub(r"${\1}", text[end : match.start()]))
            if name in given:
                pieces.append(self.text(given[name]))
            elif "." in name and self.stack.get(name) is None:
                pieces.append(self._get_attribute(name))
            else:
                pieces.append(self._refer(name))
            end = match.end()
        return "".join([*pieces, _LITERAL.sub(r"${\1}", text[end:])])


def _hide_dynamic(text: str) -> str:
    return _DYNAMIC.sub(lambda match: name_unknown(_BRACES.sub("", match[0])), text)


def _is_choice(value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= {"Fn::If", "Fn::Transform"}


def _read_parameter(name: str, parameter: Mapping[str, Any]) -> str:
    kind = parameter.get("Type", "String")
    default = parameter.get("Default")
    # An empty default says that somebody has to give it; the default of
    # an SSM parameter is a name in the Parameter Store; a list cannot be a text.
    is_plain = kind in ("String", "Number")
    if default is None or default == "" or not is_plain:
        return name_unknown(name)
    return str(default)
