"""What a function's role allows, as far as the template shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wspubsub.deployment.description.grants import Grants, Statement
from wspubsub.deployment.description.texts import ANYTHING, is_known, may_equal
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.permissions import (
    CONSUMER_ACTIONS,
    LIST_STREAMS,
    STREAM_ACTIONS,
)
from wspubsub.deployment.reading.identities import ROLE, name_of
from wspubsub.deployment.reading.sam import CONNECTOR
from wspubsub.deployment.reading.stack import Resource, as_mapping
from wspubsub.deployment.reading.values import Values

_MANAGED = "AWS::IAM::ManagedPolicy"
# What these allow besides logs, tracing and network interfaces is nothing that the
# rules ask for.
HARMLESS_POLICIES = frozenset(
    {
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
        "AWSXRayDaemonWriteAccess",
        "AWSXrayWriteOnlyAccess",
        "CloudWatchLambdaInsightsExecutionRolePolicy",
    }
)
"""AWS's own policies about logs, tracing and network interfaces."""

# "AWS managed policies for Lambda": the rest of these two is about logs.
_READERS = {
    "AWSLambdaDynamoDBExecutionRole": (*STREAM_ACTIONS, LIST_STREAMS),
    "AWSLambdaSQSQueueExecutionRole": CONSUMER_ACTIONS,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A policy.

    Attributes:
        owner: Name of the resource that it stands in.
        content: Its text, as JSON has it.
        is_certain: Whether it is certainly attached, and could be changed.
    """

    owner: str
    content: object
    is_certain: bool


class Roles:
    """The roles of a template.

    Args:
        values: The template's values.
    """

    def __init__(self, values: Values) -> None:
        self._stack = values.stack
        self._values = values

    def read_grants(self, function: Resource) -> Maybe[Grants]:
        """Return what a function's role allows; UNKNOWN for a role from elsewhere."""
        role = self._find_role(function)
        if role is None:
            return UNKNOWN
        managed, is_listed = self._values.items(role.get("ManagedPolicyArns"))
        names = [self._values.text(each) for each in managed]
        documents = list(self._find_documents(role, names))
        read = [
            read_document(self._values, each)
            for each in documents
            if each.content is not None
        ]
        is_whole = is_listed and self._is_listed(role)
        return Grants(
            role=role.name,
            statements=(
                *(each for statements, _ in read for each in statements),
                *self._read_managed(role, names),
            ),
            managed=tuple(names),
            is_complete=(
                is_whole
                and all(is_read for _, is_read in read)
                and all(self._is_known(name) for name in names)
                and not self._is_connected(function)
            ),
        )

    def _find_role(self, function: Resource) -> Resource | None:
        text = self._values.text(function.get("Role"))
        for role in self._stack.of_kind(ROLE):
            name = name_of(role, self._values.text)
            is_named = is_known(name) and text.startswith("arn:")
            if text == f"${{{role.name}.Arn}}" or (
                is_named and text.endswith(f":role/{name}")
            ):
                return role
        return None

    def _is_listed(self, role: Resource) -> bool:
        return self._values.items(role.get("Policies"))[1]

    def _find_documents(self, role: Resource, managed: list[str]) -> Iterator[Document]:
        for policy in self._values.items(role.get("Policies"))[0]:
            content = as_mapping(policy).get("PolicyDocument", ANYTHING)
            yield Document(role.name, content, is_certain=True)
        name = name_of(role, self._values.text)
        for each in self._stack.of_kind(
            "AWS::IAM::Policy", "AWS::IAM::RolePolicy", _MANAGED
        ):
            roles, is_whole = self._values.items(
                each.get("RoleName")
                if "RoleName" in each.properties
                else each.get("Roles")
            )
            texts = [self._values.text(one) for one in roles]
            content = each.get("PolicyDocument")
            if name in texts or f"${{{each.name}}}" in managed:
                yield Document(each.name, content, is_certain=True)
            elif not is_whole or any(may_equal(text, name) for text in texts):
                yield Document(each.name, content, is_certain=False)

    def _is_known(self, managed: str) -> bool:
        if self._stack.find(managed, _MANAGED) is not None:
            return True
        return managed.rpartition("/")[2] in {*HARMLESS_POLICIES, *_READERS}

    def _read_managed(self, role: Resource, names: list[str]) -> Iterator[Statement]:
        for name in names:
            actions = _READERS.get(name.rpartition("/")[2])
            if actions is not None:
                yield Statement(
                    owner=role.name,
                    is_allowing=True,
                    actions=actions,
                    resources=("*",),
                    is_whole=False,  # AWS's, so nobody can narrow it
                )

    def _is_connected(self, function: Resource) -> bool:
        """Whether a connector of SAM may give the function's role something."""
        return any(
            as_mapping(end).get("Id") == function.name
            for each in self._stack.of_kind(CONNECTOR)
            for key in ("Source", "Destination")
            for end in self._values.items(each.get(key))[0]
        )


def read_document(values: Values, document: Document) -> tuple[list[Statement], bool]:
    """Return the statements of a policy, and whether these are all."""
    content = values.mapping(document.content)
    if content is UNKNOWN:
        return [], False
    items, is_whole = values.items(content.get("Statement"))
    statements = [
        _read_statement(values, document, each)
        for each in items
        if isinstance(each, dict)
    ]
    return statements, is_whole and len(statements) == len(items)


def _read_statement(
    values: Values, document: Document, content: Mapping[str, Any]
) -> Statement:
    is_plain = {"Effect", "Action", "Resource"} == content.keys() - {"Sid"}
    actions, has_actions = _read_texts(values, content, "Action")
    resources, has_resources = _read_texts(values, content, "Resource")
    return Statement(
        owner=document.owner,
        is_allowing=read_effect(values, content),
        actions=actions,
        resources=resources,
        is_whole=document.is_certain and is_plain and has_actions and has_resources,
    )


def read_effect(values: Values, content: Mapping[str, Any]) -> Maybe[bool]:
    """Return whether a statement allows something; it denies it otherwise."""
    effect = values.literal(content.get("Effect"))
    return {"Allow": True, "Deny": False}.get(str(effect), UNKNOWN)


def _read_texts(
    values: Values, content: Mapping[str, Any], name: str
) -> tuple[tuple[str, ...], bool]:
    if f"Not{name}" in content:
        return (ANYTHING,), False
    items, is_whole = values.items(content.get(name))
    texts = tuple(values.text(each) for each in items)
    return (texts if is_whole else (*texts, ANYTHING)), is_whole
