"""Rules about routes: the API's and the router's must be the same."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.parts import Route
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.selection import CONNECT, DEFAULT, PREDEFINED

PROXY = "AWS_PROXY"


def check_routes(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the routes of an API."""
    yield from _check_handlers(deployment)
    yield from _check_missing(deployment)
    yield from _check_elsewhere(deployment)
    yield from _check_unhandled(deployment)
    yield from _check_expression(deployment)
    for route in deployment.api.routes:
        yield from _check_integration(deployment, route)
        yield from _check_authorization(route)


def _check_handlers(deployment: Deployment) -> Iterator[Finding]:
    targets = [deployment.function_of(route) for route in deployment.api.routes]
    if deployment.running or UNKNOWN in targets or not deployment.is_running_known:
        return
    for function in deployment.invoked_functions:
        if function.has_layers:
            continue  # one of them may bring a wrapper
        yield Finding(
            "handler",
            function.name,
            f"its Handler is {function.handler}, not "
            f"{deployment.application.handler}: correct one of them",
        )


def _check_missing(deployment: Deployment) -> Iterator[Finding]:
    api = deployment.api
    if api.has_other_routes:
        return
    keys = {route.key for route in api.routes}
    has_custom = any(key not in PREDEFINED for key in keys)
    # With $default alone, the router selects the route itself.
    selects_itself = DEFAULT in keys and not has_custom
    for key in sorted(deployment.application.route_keys - keys):
        if not (selects_itself and key not in PREDEFINED):
            yield _report_missing(deployment, key)


def _report_missing(deployment: Deployment, key: str) -> Finding:
    loss = {
        CONNECT: "no connection is ever recorded",
        DEFAULT: "messages without a route of their own are answered with Forbidden",
    }.get(key, "API Gateway never selects its handler")
    return Finding(
        "route-missing",
        deployment.api.name,
        f"has no route {key}, which the router handles, so {loss}: add an "
        "AWS::ApiGatewayV2::Route (in SAM, an entry of Routes)",
    )


def _check_elsewhere(deployment: Deployment) -> Iterator[Finding]:
    handler = deployment.application.handler
    for route in deployment.api.routes:
        name = deployment.function_of(route)
        is_handled = route.key in deployment.application.route_keys
        if (
            is_handled
            and isinstance(name, str)
            and (deployment.runs_application(name) is False)
        ):
            yield Finding(
                "route-elsewhere",
                route.name,
                f"route {route.key} invokes {name}, but {handler} handles it: change "
                "its Target, or remove the handler",
            )


def _check_unhandled(deployment: Deployment) -> Iterator[Finding]:
    handled = {*deployment.application.route_keys, *PREDEFINED}
    if DEFAULT in deployment.application.route_keys:
        return  # its handler takes the messages of all other routes
    ours = [each.name for each in deployment.running]
    for route in deployment.api.routes:
        if route.key not in handled and deployment.function_of(route) in ours:
            yield Finding(
                "route-unhandled",
                route.name,
                f"route {route.key} has no handler in the router: remove it, or add "
                f'@router.route("{route.key}")',
            )


def _check_expression(deployment: Deployment) -> Iterator[Finding]:
    api = deployment.api
    ours = deployment.application.route_selection_expression
    theirs = api.selection_expression
    if all(route.key in PREDEFINED for route in api.routes):
        return
    if isinstance(theirs, str) and _simplify(theirs) != _simplify(ours):
        yield Finding(
            "route-selection",
            api.name,
            f"RouteSelectionExpression is {theirs}, but the router's is {ours}: make "
            "them equal",
        )


def _simplify(expression: str) -> str:
    return expression.replace("{", "").replace("}", "")


def _check_integration(deployment: Deployment, route: Route) -> Iterator[Finding]:
    integration = route.integration
    if integration is UNKNOWN:
        return
    if integration is None:
        yield Finding(
            "route-target",
            route.name,
            f"route {route.key} has no integration: set Target to "
            "integrations/ and the integration's ID",
        )
    elif integration.kind not in (PROXY, UNKNOWN):
        # Others may be a MOCK that answers pings.
        if route.key in deployment.application.route_keys:
            yield Finding(
                "integration-type",
                integration.name,
                "IntegrationType must be AWS_PROXY: a router reads and returns proxy "
                "events",
            )
    elif integration.function is None:
        yield Finding(
            "integration-function",
            integration.name,
            "IntegrationUri does not name a function: use the "
            "function's invocation ARN",
        )


def _check_authorization(route: Route) -> Iterator[Finding]:
    kind = route.authorization
    if route.key != CONNECT and kind not in ("NONE", UNKNOWN):
        yield Finding(
            "route-authorization",
            route.name,
            f"API Gateway authorizes $connect only: remove AuthorizationType {kind}",
        )
