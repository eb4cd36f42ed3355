"""Adds what roles allow to a deployment."""

from collections.abc import Iterator
from dataclasses import replace

from wspubsub.deployment.checking.needs import Need
from wspubsub.deployment.checking.permissions import list_groups
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.grants import Grants
from wspubsub.deployment.description.parts import Function
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account
from wspubsub.deployment.live.gathering import Gathering
from wspubsub.deployment.live.roles import LiveRole
from wspubsub.deployment.live.stack import Stack
from wspubsub.deployment.live.storage import may_share_table


class Granting:
    """Reads what the roles of a deployment's functions allow.

    Args:
        account: Where they are.
        resources: The stack that names them.
        found: The functions, with all that they work with.
    """

    def __init__(self, account: Account, resources: Stack, found: Gathering) -> None:
        self._roles = {
            each.name: LiveRole(account, resources, each.role)
            for each in found.functions.values()
            if each.role is not None
        }
        self._granted: dict[str, Maybe[Grants]] = {
            name: role.read_grants() for name, role in self._roles.items()
        }
        # What a queue's or a table's own policy allows is not looked at.
        self._shared = {
            *(each["QueueArn"] for each in found.queues.values() if "Policy" in each),
            *(
                each["TableArn"]
                for each in found.tables.values()
                if may_share_table(account, each["TableArn"])
            ),
        }

    def add_grants(self, deployment: Deployment) -> Deployment:
        """Return a deployment with what the roles of its functions allow."""
        read = _replace_grants(deployment, self._granted)
        needs: dict[str, list[Need]] = {}
        for function, needed in _list_needs(read):
            needs.setdefault(function.name, []).extend(needed)
        simulated = {
            name: self._roles[name].simulate(self._granted[name], needed, self._shared)
            for name, needed in needs.items()
            if name in self._roles
        }
        return _replace_grants(deployment, {**self._granted, **simulated})


def _replace_grants(
    deployment: Deployment, granted: dict[str, Maybe[Grants]]
) -> Deployment:
    functions = tuple(
        replace(each, grants=granted.get(each.name, UNKNOWN))
        for each in deployment.functions
    )
    return replace(deployment, functions=functions)


def _list_needs(deployment: Deployment) -> Iterator[tuple[Function, list[Need]]]:
    for group in list_groups(deployment):
        yield from group
