"""What a function's role allows, as far as the template shows.

"IAM JSON policy elements: Resource": `*` and `?` match inside an ARN.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wspubsub.deployment.checking.stack import Resource, Stack, as_list, as_mapping
from wspubsub.gateway.policies import matches

_ROLE = "AWS::IAM::Role"
_ARN_FIELDS = 6
_PSEUDO = re.compile(r"\$\{AWS::(\w+)\}")
# What these allow besides logs and tracing is nothing that the rules ask for.
_HARMLESS = re.compile(
    r"(^|/)(AWSLambdaBasicExecutionRole|AWSXRayDaemonWriteAccess|"
    r"AWSLambdaVPCAccessExecutionRole|CloudWatchLambdaInsightsExecutionRolePolicy)$"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that allows something.

    Attributes:
        owner: Logical ID of the resource that it stands in.
        actions: What it allows.
        resources: On what; None for what only CloudFormation can know.
    """

    owner: str
    actions: tuple[str | None, ...]
    resources: tuple[str | None, ...]

    def allows(self, action: str, resource: str) -> bool:
        """Return whether it allows, or may allow, an action on a resource."""
        return any(
            pattern is None or matches(pattern.lower(), action.lower())
            for pattern in self.actions
        ) and any(
            pattern is None or matches(strip_place(pattern), resource)
            for pattern in self.resources
        )


@dataclass(frozen=True, slots=True)
class Grants:
    """What a role allows.

    Attributes:
        role: Logical ID of the role.
        statements: What it allows, as far as that is in the template.
        is_complete: Whether that is all that it allows.
    """

    role: str
    statements: tuple[Statement, ...]
    is_complete: bool

    def lacks(self, action: str, *resources: str) -> bool:
        """Return whether an action is certainly allowed on none of some resources."""
        return self.is_complete and not any(
            each.allows(action, resource)
            for each in self.statements
            for resource in resources
        )


def read_grants(stack: Stack, function: Resource) -> Grants | None:
    """Return what a function's role allows, or None for a role from elsewhere."""
    role = stack.resolve(function.properties.get("Role"), _ROLE)
    if role is None:
        return None
    statements = tuple(_read_statements(stack, role))
    managed = stack.texts(as_list(role.properties.get("ManagedPolicyArns")))
    is_complete = all(_is_known(stack, text) for text in managed) and not any(
        _is_unusual(each) for each in _find_documents(stack, role)
    )
    return Grants(role.name, statements, is_complete)


def strip_place(arn: str) -> str:
    """Return an ARN without partition, Region and account, which may vary."""
    fields = _PSEUDO.sub(r"${AWS;\1}", arn).split(":", _ARN_FIELDS - 1)
    is_placed = len(fields) == _ARN_FIELDS and fields[0] == "arn"
    found = f"{fields[2]}:{fields[5]}" if is_placed else arn
    return found.replace("${AWS;", "${AWS::")


def _is_known(stack: Stack, text: str | None) -> bool:
    if text is None:
        return False
    own = stack.resolve(text, "AWS::IAM::ManagedPolicy") or _HARMLESS.search(text)
    return own is not None


def _read_statements(stack: Stack, role: Resource) -> Iterator[Statement]:
    for owner, each in _read_all_statements(stack, role):
        if each.get("Effect") == "Allow" and not _is_inverted(each):
            yield Statement(
                owner,
                tuple(stack.texts(each.get("Action", []))),
                tuple(stack.texts(each.get("Resource", []))),
            )


def _read_all_statements(
    stack: Stack, role: Resource
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for owner, document in _find_own_documents(stack, role):
        for each in as_list(document.get("Statement")):
            yield owner, as_mapping(each)


def _find_documents(stack: Stack, role: Resource) -> Iterator[Mapping[str, Any]]:
    return (statement for _, statement in _read_all_statements(stack, role))


def _find_own_documents(
    stack: Stack, role: Resource
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for policy in as_list(role.properties.get("Policies")):
        yield role.name, as_mapping(as_mapping(policy).get("PolicyDocument"))
    managed = stack.texts(as_list(role.properties.get("ManagedPolicyArns")))
    for each in stack.of_kind("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        roles = stack.texts(as_list(each.properties.get("Roles")))
        is_attached = any(stack.resolve(name, _ROLE) == role for name in roles)
        if is_attached or f"${{{each.name}}}" in managed:
            yield each.name, as_mapping(each.properties.get("PolicyDocument"))


def _is_inverted(statement: Mapping[str, Any]) -> bool:
    return "NotAction" in statement or "NotResource" in statement


def _is_unusual(statement: Mapping[str, Any]) -> bool:
    # Something like Fn::If, or a statement that says what is not allowed.
    return not {"Effect", "Action", "Resource"} <= statement.keys()
