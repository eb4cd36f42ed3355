"""What `wspubsub dev` serves: what the handler declares, unless options override it."""

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache

from wspubsub.errors import UsageError
from wspubsub.gateway import GatewayConfig
from wspubsub.handlers.application import Application
from wspubsub.handlers.inspection import NoRouterError, inspect_handler
from wspubsub.handlers.target import Target
from wspubsub.selection import PREDEFINED, RouteSelectionExpression


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiChoices:
    """What the user has chosen about the API; None leaves it to the handler.

    Attributes:
        routes: The routes.
        two_way: Those of them that are two-way; an empty set for all of messages.
        route_selection_expression: What a message's route key is computed from.
        own_routes: Routes that have a function of their own.
        sources: The event sources that were asked for: the handler finds their
            variables.
        declined: The event sources that are left out even if the handler needs them.
    """

    routes: AbstractSet[str] | None = None
    two_way: AbstractSet[str] | None = None
    route_selection_expression: RouteSelectionExpression | None = None
    own_routes: AbstractSet[str] = frozenset()
    sources: AbstractSet[str] = frozenset()
    declined: AbstractSet[str] = frozenset()

    def configure(
        self, config: GatewayConfig, application: Application
    ) -> GatewayConfig:
        """Return the configuration of an API: as chosen, else as declared.

        Raises:
            UsageError: API Gateway would not accept it.
        """
        if config.has_authorizer:
            application = replace(application, needs_connect=True)
        routes = self.routes or frozenset(application.all_keys)
        routes |= self.own_routes
        return replace(
            config,
            routes=routes,
            two_way=application.two_way_routes(routes, self.two_way),
            route_selection_expression=self.route_selection_expression
            or RouteSelectionExpression(application.route_selection_expression),
        )


def warn_of_silence(config: GatewayConfig, application: Application) -> list[str]:
    """Return a warning for each route whose handler answers in vain."""
    silent = application.two_way_routes(config.routes) - config.two_way
    return [
        f"clients do not get what the handler answers on {key}, which is one-way here: "
        "add it to --two-way"
        for key in sorted(silent)
    ]


def read_served(
    target: Target,
    sources: AbstractSet[str],
    environ: Mapping[str, str] | None = None,
    functions: Mapping[str, Target] | None = None,
) -> tuple[Application, str | None]:
    """Return what a handler declares, and the reason if that is unknown.

    Any Lambda handler can be served, so one without a router just declares nothing. One
    that cannot be imported without a network may still run where there is one.

    Args:
        target: The handler.
        sources: The event sources that it finds variables of.
        environ: Its environment; None is that of this process.
        functions: The handlers of routes that have one of their own: they say whether
            these are two-way.
    """
    # Each is imported in a process of its own, so those that share one are read once.
    read = cache(lambda one: _read_handler(one, sources, environ))
    application, problem = read(target)
    two_way = set(application.two_way_keys) - (functions or {}).keys()
    for route_key, other in (functions or {}).items():
        its_own, its_problem = read(other)
        two_way |= its_own.two_way_routes({route_key})
        problem = problem or its_problem
    return replace(application, two_way_keys=frozenset(two_way)), problem


def _read_handler(
    target: Target, sources: AbstractSet[str], environ: Mapping[str, str] | None
) -> tuple[Application, str | None]:
    unknown = Application(
        handler=target.handler, route_keys=frozenset(), event_sources=None
    )
    try:
        return inspect_handler(
            target, variables=environ, sources=sources, is_quiet=True
        ), None
    except NoRouterError:
        return unknown, None
    except UsageError as error:
        return unknown, str(error)


def describe_api(config: GatewayConfig) -> dict[str, str]:
    """Return what the user needs to know about an API, by name."""
    custom = sorted(config.routes - {*PREDEFINED})
    predefined = [key for key in PREDEFINED if key in config.routes]
    facts = {"Routes": ", ".join([*predefined, *custom])}
    if config.two_way:
        facts["Two-way routes"] = ", ".join(sorted(config.two_way))
    if custom:
        facts["Selected by"] = config.route_selection_expression.text
    return facts
