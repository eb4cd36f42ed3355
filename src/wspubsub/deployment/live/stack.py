"""The resources of a CloudFormation stack, and what its template calls them."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import Account, Answer
from wspubsub.errors import UsageError

_INNER = "AWS::CloudFormation::Stack"


class Member(NamedTuple):
    """A resource of a stack.

    Attributes:
        kind: Its type.
        logical_id: What the template calls it.
        physical_id: What AWS calls it.
        updated: When it was last made or changed; None if that is not known.
    """

    kind: str
    logical_id: str
    physical_id: str
    updated: datetime | None


class Stack:
    """The resources of a stack and of those nested in it; empty without a stack.

    Args:
        members: The resources.
    """

    def __init__(self, members: tuple[Member, ...] = ()) -> None:
        self._members = members

    def of_kind(self, kind: str) -> list[str]:
        """Return what AWS calls the resources of a type."""
        return [each.physical_id for each in self._members if each.kind == kind]

    def name(self, kind: str, physical_id: str) -> str:
        """Return what the template calls a resource, or what AWS does."""
        found = self._find(kind, physical_id)
        if found is None:
            return physical_id
        alike = [
            each
            for each in self._members
            if (each.kind, each.logical_id) == (kind, found.logical_id)
        ]
        return found.logical_id if len(alike) == 1 else physical_id

    @property
    def is_empty(self) -> bool:
        """Whether there is no stack."""
        return not self._members

    def find_update(self, kind: str, physical_id: str) -> datetime | None:
        """Return when a resource was last made or changed, if that is known."""
        found = self._find(kind, physical_id)
        return None if found is None else found.updated

    def _find(self, kind: str, physical_id: str) -> Member | None:
        wanted = (kind, physical_id)
        found = [e for e in self._members if (e.kind, e.physical_id) == wanted]
        # Stages of two APIs may be called alike.
        return found[0] if len(found) == 1 else None


def read_stack(account: Account, name: str) -> Stack:
    """Return the resources of a stack.

    Args:
        account: Where it is.
        name: Its name or ARN.

    Raises:
        UsageError: There is no such stack, or it may not be read.
    """
    answer = account.ask("cloudformation", "list_stack_resources", StackName=name)
    if answer is None:
        raise UsageError(
            f"there is no stack {name} in {account.region}: check its name, --region "
            "and --profile"
        )
    if answer is UNKNOWN:
        raise UsageError("; ".join(account.notes))
    return Stack(tuple(_list_members(account, answer)))


def find_stack(account: Account, api_id: str) -> Stack:
    """Return the stack that an API belongs to; an empty one if it has no stack."""
    answer = account.ask(
        "cloudformation", "describe_stack_resources", PhysicalResourceId=api_id
    )
    if answer is None or answer is UNKNOWN:
        return Stack()
    for each in answer["StackResources"]:
        if each.get("PhysicalResourceId") == api_id:
            return read_stack(account, each["StackName"])
    return Stack()


def _list_members(account: Account, answer: Answer) -> Iterator[Member]:
    for each in answer["StackResourceSummaries"]:
        physical = each.get("PhysicalResourceId")
        if not physical:
            continue  # could not be made, or is gone
        yield Member(
            each["ResourceType"],
            each["LogicalResourceId"],
            physical,
            each.get("LastUpdatedTimestamp"),
        )
        if each["ResourceType"] == _INNER:
            inner = account.ask(
                "cloudformation", "list_stack_resources", StackName=physical
            )
            if inner is not None and inner is not UNKNOWN:
                yield from _list_members(account, inner)
