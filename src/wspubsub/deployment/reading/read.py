"""A template as the description of what it deploys."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from wspubsub.deployment.description.deployment import Deployment, find_variable
from wspubsub.deployment.description.texts import find_regions
from wspubsub.deployment.reading.apis import Apis
from wspubsub.deployment.reading.foreach import expand_loops
from wspubsub.deployment.reading.functions import Functions
from wspubsub.deployment.reading.sam import expand_sam
from wspubsub.deployment.reading.stack import Stack, as_mapping
from wspubsub.deployment.reading.storage import Storage
from wspubsub.deployment.reading.values import Values
from wspubsub.handlers.application import SOURCE_VARIABLES, Application

# What the Serverless Framework writes is for one Region, whether that is in it or not.
_SERVERLESS = "ServerlessDeploymentBucket"


def read_deployments(
    template: Mapping[str, Any],
    application: Application,
    *,
    folder: PurePath | None = None,
    module: PurePath | None = None,
    publishers: tuple[str, ...] = (),
) -> list[Deployment]:
    """Return the WebSocket APIs that run an application, or all if that is unknown.

    Args:
        template: As `read_template` returns it.
        application: What is to run.
        folder: Where the template is, absolute: its code may be in folders beside it.
        module: The application's module without suffix, absolute.
        publishers: Handlers that only publish.
    """
    stack = make_stack(template)
    values = Values(stack)
    functions = Functions(values, folder)
    storage = Storage(values)
    read = functions.read()
    permissions = tuple(functions.read_permissions())
    event_sources = tuple(functions.read_event_sources())
    tables, queues = storage.read_tables(), storage.read_queues()
    regions = _find_regions(template)
    found = [
        Deployment(
            application=application,
            module=None if module is None else module.as_posix(),
            api=api,
            functions=read,
            permissions=permissions,
            tables=tables,
            queues=queues,
            event_sources=event_sources,
            publishers=publishers,
            is_open=stack.is_open,
            regions=regions,
        )
        for api in Apis(values, functions).read()
    ]
    running = [
        each
        for each in found
        if any(function in each.running for function in each.invoked_functions)
    ]
    return running or found


def find_sources(deployments: list[Deployment]) -> frozenset[str]:
    """Return the event sources whose variables the application certainly finds."""
    return frozenset(
        source
        for deployment in deployments
        for function in deployment.running or deployment.invoked_functions
        for source, variable in SOURCE_VARIABLES.items()
        if isinstance(value := find_variable(function, variable), str) and value
    )


def make_stack(template: Mapping[str, Any]) -> Stack:
    """Return the resources of a template, without loops and SAM's own types."""
    expanded, is_whole = expand_loops(as_mapping(template.get("Resources")), template)
    resources = {
        name: each
        for name, each in expanded.items()
        if isinstance(each, dict) and isinstance(each.get("Type"), str)
    }
    # A macro may stand in the place of a resource.
    is_open = not is_whole or len(resources) < len(expanded)
    return Stack(template, expand_sam(template, resources), is_open=is_open)


def list_unread_loops(template: Mapping[str, Any]) -> list[str]:
    """Return the loops and resources of a template that are not read.

    What a loop goes through may be known at deployment only. One in the properties of
    a resource leaves out the whole resource.
    """
    resources = as_mapping(template.get("Resources"))
    return [
        key
        for key, value in resources.items()
        if not expand_loops({key: value}, template)[1]
    ]


def _find_regions(template: Mapping[str, Any]) -> frozenset[str]:
    """Return the Regions that a template names outside of endpoints of its API."""
    texts = list(_list_texts(template))
    found = {
        region
        for text in texts
        if ".execute-api." not in text
        for region in find_regions(text)
    }
    is_bound = any(_SERVERLESS in text for text in texts)
    return frozenset(found | {"*"} if is_bound else found)


def _list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _list_texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _list_texts(each)
