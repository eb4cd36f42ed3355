"""The application that a live deployment runs, or seems to be made for."""

from dataclasses import replace

from wspubsub.deployment.description.deployment import Deployment, find_variable
from wspubsub.deployment.description.parts import Function
from wspubsub.handlers.application import QUEUE, SOURCE_VARIABLES, STREAM, Application

NOBODY = Application(handler="nobody.yet", route_keys=frozenset())
"""Stands for the application while it is not known."""

_UNNAMED = "image.handler"
"""Stands for the handler of an image that does not say which it is."""


def give_application(
    deployment: Deployment, application: Application, named: str | None
) -> Deployment:
    """Return a deployment of an application.

    Args:
        deployment: The deployment.
        application: What is to run.
        named: The function that runs it, if the user says so. Otherwise it is the one
            that the API invokes, if it invokes one.
    """
    invoked = deployment.invoked_functions
    found = invoked[0].module if len(invoked) == 1 else None
    return replace(deployment, application=application, module=named or found)


def assume_applications(deployment: Deployment, named: str | None) -> list[Deployment]:
    """Return a deployment for each function that the API invokes.

    Each is taken to handle what is routed to it and no more, so that rules about routes
    find only what can be seen without its handler.

    Args:
        deployment: The deployment.
        named: The only function to look at, if the user says so.
    """
    found = [
        give_application(deployment, _assume(deployment, each), each.module)
        for each in deployment.invoked_functions
        if named in (None, each.module)
    ]
    return found or [deployment]  # the API can be judged without a function


def _assume(deployment: Deployment, function: Function) -> Application:
    handler = function.handler
    return Application(
        handler=handler if isinstance(handler, str) and "." in handler else _UNNAMED,
        route_keys=frozenset(
            route.key
            for route in deployment.api.routes
            if deployment.function_of(route) == function.name
        ),
        route_selection_expression=str(deployment.api.selection_expression),
        event_sources=_find_sources(deployment, function),
    )


def _find_sources(deployment: Deployment, function: Function) -> frozenset[str]:
    """Return the event sources that it is told of, or invoked for."""
    told = {
        source
        for source, variable in SOURCE_VARIABLES.items()
        if isinstance(find_variable(function, variable), str)
    }
    mapped = {
        source
        for each in deployment.event_sources
        if each.function == function.name
        for source, name in ((STREAM, each.table), (QUEUE, each.queue))
        if isinstance(name, str)
    }
    return frozenset(told | mapped)
