"""A template's resources, with intrinsic functions turned into text that compares.

A value that only CloudFormation can know (an import, a condition, a parameter without
default) is None here, and no rule judges it: what is found is certain.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_LITERAL = re.compile(r"\$\{!([^}]*)\}")
_REFERENCE = re.compile(r"\$\{(\w+)(?:\.[\w.]+)?\}")
# An ID by any other name: GetAtt of it is what Ref gives.
_SAME_AS_REF = {
    "AWS::ApiGatewayV2::Api": "ApiId",
    "AWS::SQS::Queue": "QueueUrl",
}
# A global table may have one replica only, as `TableV2` of AWS CDK makes it, and is
# written with the same properties then.
_ALIKE = {"AWS::DynamoDB::GlobalTable": "AWS::DynamoDB::Table"}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    Attributes:
        name: Its logical ID.
        kind: Its type; that of a global table is that of a table.
        properties: Its properties, as they stand in the template.
    """

    name: str
    kind: str
    properties: Mapping[str, Any]


class Stack:
    """The resources of a template.

    Args:
        resources: As in the template, without SAM's own types.
        parameters: As in the template.
    """

    def __init__(
        self, resources: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> None:
        self._parameters = parameters
        self._resources = {
            name: Resource(name, kind, as_mapping(each.get("Properties")))
            for name, each in resources.items()
            for kind in [_ALIKE.get(each["Type"], each["Type"])]
        }

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        """Yield the resources of some types, in the template's order."""
        return (each for each in self._resources.values() if each.kind in kinds)

    def get(self, name: str | None, kind: str) -> Resource | None:
        """Return a resource by its logical ID, if it is of that type."""
        found = self._resources.get(name) if name is not None else None
        return found if found is not None and found.kind == kind else None

    def resolve(self, value: object, kind: str) -> Resource | None:
        """Return the resource of a type that a value refers to or names.

        `Ref`, `Fn::GetAtt`, text that contains one reference and part of one count; an
        alias or a version of a function stands for the function.
        """
        text = self.text(value) or self.text(_unwrap_whole(value))
        for name in _REFERENCE.findall(text or ""):
            found = self.get(self._resolve_alias(name), kind)
            if found is not None:
                return found
        return self._find_by_name(text, kind) if text else None

    def text(self, value: object) -> str | None:
        """Return a value as text with `${…}` for what is known later, or None."""
        if isinstance(value, dict) and len(value) == 1:
            ((function, argument),) = value.items()
            return self._evaluate(function, argument)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, str | int | float) else None

    def texts(self, value: object) -> list[str | None]:
        """Return a value, or each of a list of them, as text."""
        values = value if isinstance(value, list) else [value]
        return [self.text(each) for each in values]

    def number(self, value: object, default: int) -> int | None:
        """Return a number, the default for None, or None if the value is unknown."""
        if value is None:
            return default
        text = self.text(value)
        return int(text) if text is not None and text.isdecimal() else None

    def _evaluate(self, function: str, argument: object) -> str | None:
        match function:
            case "Ref" if isinstance(argument, str):
                return self._resolve_reference(argument)
            case "Fn::GetAtt":
                return self._resolve_attribute(argument)
            case "Fn::Sub":
                return self._substitute(argument)
            case "Fn::Join":
                return self._join(argument)
            case _:
                return None

    def _resolve_alias(self, name: str) -> str | None:
        for kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            alias = self.get(name, kind)
            if alias is not None:
                text = self.text(alias.properties.get("FunctionName")) or ""
                match = _REFERENCE.search(text)
                return match[1] if match else None
        return name

    def _find_by_name(self, text: str, kind: str) -> Resource | None:
        for resource in self.of_kind(kind):
            name = self.text(resource.properties.get(_NAMES.get(kind, "")))
            if name and re.search(rf"(^|[:/]){re.escape(name)}(/|$)", text):
                return resource
        return None

    def _resolve_reference(self, name: str) -> str | None:
        if name in self._parameters:
            default = as_mapping(self._parameters[name]).get("Default")
            return None if default is None else str(default)
        stage = self.get(name, "AWS::ApiGatewayV2::Stage")
        if stage is not None:  # a reference to a stage is its name
            return self.text(stage.properties.get("StageName"))
        return f"${{{name}}}"

    def _resolve_attribute(self, argument: object) -> str | None:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
            return None
        name, _, attribute = ".".join(parts).partition(".")
        kind = self._resources[name].kind if name in self._resources else ""
        is_reference = attribute == _SAME_AS_REF.get(kind)
        return f"${{{name}}}" if is_reference else f"${{{name}.{attribute}}}"

    def _substitute(self, argument: object) -> str | None:
        match argument:
            case str() as text:
                return self._fill(text, {})
            case [str() as text, dict() as given]:
                return self._fill(text, given)
            case _:
                return None

    def _fill(self, argument: str, given: Mapping[str, Any]) -> str | None:
        pieces: list[str] = []
        end = 0
        for match in _VARIABLE.finditer(argument):
            value = self._fill_variable(match[1].strip(), given)
            if value is None:
                return None
            pieces += [_unescape(argument[end : match.start()]), value]
            end = match.end()
        return "".join([*pieces, _unescape(argument[end:])])

    def _fill_variable(self, name: str, given: Mapping[str, Any]) -> str | None:
        if name in given:
            return self.text(given[name])
        return (
            self._resolve_attribute(name)
            if "." in name
            else self._resolve_reference(name)
        )

    def _join(self, argument: object) -> str | None:
        match argument:
            case [str() as separator, list() as values]:
                texts = self.texts(values)
                known = [text for text in texts if text is not None]
                return separator.join(known) if len(known) == len(texts) else None
            case _:
                return None


_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SQS::Queue": "QueueName",
}


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return a list as it is, an empty one for None, and a list of anything else."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _unwrap_whole(value: object) -> object:
    # AWS CDK takes the name of a function out of the ARN of its alias.
    match value:
        case {"Fn::Select": [_, {"Fn::Split": [_, source]}]}:
            return source
        case {"Fn::Join": [separator, list() as values]}:
            return {"Fn::Join": [separator, [_unwrap_whole(each) for each in values]]}
        case _:
            return value


def _unescape(text: str) -> str:
    return _LITERAL.sub(r"${\1}", text)
