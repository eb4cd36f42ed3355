"""A template's resources, and what may be there besides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}
NOT_KNOWN: dict[str, Any] = {"Fn::If": []}
"""What stands where a value is known at deployment only."""

_TRANSFORM = "Fn::Transform"
# These add nothing, or what `expand_sam` and `expand_loops` know.
_TRANSFORMS = frozenset(
    {"AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::SecretsManager"}
)
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
        needs: Logical IDs of what it names in `DependsOn`.
    """

    name: str
    kind: str
    properties: Mapping[str, Any]
    needs: tuple[str, ...] = ()

    def get(self, name: str) -> object:
        """Return a property as it stands in the template, or None without it."""
        if name not in self.properties and _TRANSFORM in self.properties:
            return {_TRANSFORM: self.properties[_TRANSFORM]}  # may be in there
        found = self.properties.get(name)
        return None if found == NO_VALUE else found


class Stack:
    """The resources of a template.

    Args:
        template: The template.
        resources: Its resources, without SAM's own types and without loops.
        is_open: Whether there may be resources that are not among them.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        resources: Mapping[str, Any],
        *,
        is_open: bool,
    ) -> None:
        self.template = template
        self.is_open = is_open or _has_macros(template) or _has_modules(resources)
        self._resources = {
            name: Resource(
                name,
                _ALIKE.get(each["Type"], each["Type"]),
                as_mapping(each.get("Properties")),
                tuple(str(need) for need in as_list(each.get("DependsOn"))),
            )
            for name, each in resources.items()
        }

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        """Yield the resources of some types, in the template's order."""
        return (each for each in self._resources.values() if each.kind in kinds)

    def get(self, name: str) -> Resource | None:
        """Return a resource by its logical ID."""
        return self._resources.get(name)

    def find(self, reference: str, kind: str) -> Resource | None:
        """Return the resource of a type that a text such as `${Table}` refers to."""
        found = self.get(reference.removeprefix("${").removesuffix("}"))
        return found if found is not None and found.kind == kind else None

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section of the template, such as Parameters."""
        return as_mapping(self.template.get(name))


def _has_macros(template: Mapping[str, Any]) -> bool:
    return any(
        not isinstance(each, str) or each not in _TRANSFORMS
        for each in as_list(template.get("Transform"))
    )


def _has_modules(resources: Mapping[str, Any]) -> bool:
    # "Using modules to encapsulate and reuse resource configurations".
    return any(each["Type"].endswith("::MODULE") for each in resources.values())


def list_references(value: object) -> Iterator[str]:
    """Yield the names that a value refers to, without regard to what they are."""
    if isinstance(value, list):
        for each in value:
            yield from list_references(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in ("Ref", "Fn::GetAtt"):
                first = each[0] if isinstance(each, list) and each else each
                yield str(first).partition(".")[0]
            else:
                yield from list_references(each)
    elif isinstance(value, str) and "${" in value:
        for part in value.split("${")[1:]:
            yield part.partition("}")[0].partition(".")[0]


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return a list as it is, an empty one for None, and a list of anything else."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_function(value: object) -> bool:
    """Return whether a value is an intrinsic function, such as Fn::If."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (key,) = value
    return isinstance(key, str) and (key in ("Ref", "Condition") or key[:4] == "Fn::")
