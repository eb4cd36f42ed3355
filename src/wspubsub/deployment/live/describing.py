"""A live deployment, as the rules see it."""

import re
from collections.abc import Iterator

from wspubsub.deployment.description.deployment import ENDPOINT_VARIABLE, Deployment
from wspubsub.deployment.description.parts import EventSource, Function, Permission
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import Account
from wspubsub.deployment.live.apis import LiveApi
from wspubsub.deployment.live.applications import NOBODY
from wspubsub.deployment.live.describing_apis import ApiDescriber
from wspubsub.deployment.live.functions import describe_event_source
from wspubsub.deployment.live.gathering import Gathering
from wspubsub.deployment.live.stack import Stack
from wspubsub.deployment.live.storage import describe_queue, describe_table
from wspubsub.deployment.live.vitals import Vitals
from wspubsub.deployment.permissions import GATEWAY

_HOST = re.compile(r"\w+://([^/:]+)")
_EXECUTE_API = ".execute-api."


def describe(
    account: Account,
    resources: Stack,
    api: LiveApi,
    found: Gathering,
    vitals: Vitals,
) -> Deployment:
    """Return a deployment, without its application and what roles allow.

    Args:
        account: Where it is.
        resources: The stack that names it.
        api: The API.
        found: All that works with it.
        vitals: What only a live account shows.
    """
    policies = [each.read_permissions() for each in found.functions.values()]
    permissions = [e for group in policies if group is not UNKNOWN for e in group]
    sources = [
        describe_event_source(each, resources) for each in found.event_sources.values()
    ]
    described = ApiDescriber(account, resources, api).describe(
        set(_list_domains(found))
    )
    return Deployment(
        application=NOBODY,
        api=described,
        functions=tuple(_describe_functions(found, vitals, permissions, sources)),
        permissions=tuple(
            permissions
            if UNKNOWN not in policies
            else [*permissions, Permission(function=UNKNOWN, principal="*", source="*")]
        ),
        tables=tuple(
            describe_table(account, resources, each) for each in found.tables.values()
        ),
        queues=tuple(
            describe_queue(account, resources, each) for each in found.queues.values()
        ),
        event_sources=tuple(sources),
        is_open=not found.is_whole,
        regions=frozenset({account.region}),
    )


def _describe_functions(
    found: Gathering,
    vitals: Vitals,
    permissions: list[Permission],
    sources: list[EventSource],
) -> Iterator[Function]:
    shared = {
        *(each.function for each in permissions if each.principal != GATEWAY),
        *(each.function for each in sources),
    }
    cut_off = {each.name for each in vitals.functions if each.is_cut_off}
    for each in found.functions.values():
        yield each.describe(
            is_shared=each.name in shared, is_cut_off=each.name in cut_off
        )


def _list_domains(found: Gathering) -> Iterator[str]:
    """Yield the hosts that functions post to and that are not an API's own."""
    for function in found.functions.values():
        match = _HOST.match(function.find_variable(ENDPOINT_VARIABLE) or "")
        if match and _EXECUTE_API not in match[1]:
            yield match[1]
