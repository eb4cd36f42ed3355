"""Rules about routes: the template's and the router's must be the same."""

from collections.abc import Iterator

from wspubsub.deployment.checking.deployment import Deployment, TemplateRoute
from wspubsub.deployment.checking.findings import Finding
from wspubsub.handlers.application import Application
from wspubsub.selection import CONNECT, DEFAULT, PREDEFINED

PROXY = "AWS_PROXY"


def check_routes(deployment: Deployment, application: Application) -> Iterator[Finding]:
    """Yield what is wrong with the routes of an API."""
    yield from _check_functions(deployment, application)
    yield from _check_missing(deployment, application)
    yield from _check_dead(deployment, application)
    yield from _check_expression(deployment, application)
    yield from _check_answers(deployment, application)
    for route in deployment.routes:
        yield from _check_integration(route, application)
        yield from _check_authorization(route)
        yield from _check_route_response(deployment, route)


def _check_functions(
    deployment: Deployment, application: Application
) -> Iterator[Finding]:
    for function in deployment.functions:
        if not deployment.runs_application(function):
            text = deployment.stack.text(function.properties.get("Handler"))
            yield Finding(
                function.name,
                f"its Handler is {text}, not {application.handler}: correct "
                "one of them",
            )


def _check_missing(
    deployment: Deployment, application: Application
) -> Iterator[Finding]:
    ours = {each.name for each in deployment.functions}
    routes = {each.key: each for each in deployment.routes}
    has_custom = any(key not in PREDEFINED for key in routes)
    # With $default alone, the router selects the route itself.
    selects_itself = DEFAULT in routes and not has_custom
    for key in sorted(application.route_keys):
        route = routes.get(key)
        if route is None and not (selects_itself and key not in PREDEFINED):
            yield _report_missing(deployment, key)
        elif route is not None and route.function and route.function.name not in ours:
            yield Finding(
                route.resource.name,
                f"route {key} invokes {route.function.name}, but "
                f"{application.handler} handles it: change its Target, or remove "
                "the handler",
            )


def _report_missing(deployment: Deployment, key: str) -> Finding:
    loss = {
        CONNECT: "no connection is ever recorded",
        DEFAULT: "messages without a route of their own are answered with Forbidden",
    }.get(key, "API Gateway never selects its handler")
    return Finding(
        deployment.api.name,
        f"has no route {key}, which the router handles, so {loss}: add an "
        "AWS::ApiGatewayV2::Route (in SAM, an entry of Routes)",
    )


def _check_dead(deployment: Deployment, application: Application) -> Iterator[Finding]:
    ours = {each.name for each in deployment.functions}
    for route in deployment.routes:
        is_ours = route.function is not None and route.function.name in ours
        if is_ours and route.key not in {*application.route_keys, *PREDEFINED}:
            yield Finding(
                route.resource.name,
                f"route {route.key} has no handler in the router: remove it, or add "
                f'@router.route("{route.key}")',
            )


def _check_expression(
    deployment: Deployment, application: Application
) -> Iterator[Finding]:
    if all(route.key in PREDEFINED for route in deployment.routes):
        return
    value = deployment.api.properties.get("RouteSelectionExpression")
    text = deployment.stack.text(value)
    ours = application.route_selection_expression
    if text is not None and text.replace("{", "").replace("}", "") != (
        ours.replace("{", "").replace("}", "")
    ):
        yield Finding(
            deployment.api.name,
            f"RouteSelectionExpression is {text}, but the router's is {ours}: make "
            "them equal",
        )


def _check_answers(
    deployment: Deployment, application: Application
) -> Iterator[Finding]:
    routes = {route.key: route for route in deployment.routes}
    for key in sorted(application.two_way_routes(routes.keys())):
        route = routes[key]
        if _is_two_way(route) or deployment.find_responses(route):
            continue  # if it is half of one, that is said elsewhere
        yield Finding(
            route.resource.name,
            f"route {key} is one-way, so clients never get the answers of "
            f"{application.handler}{_through(key, application)}: set "
            "RouteResponseSelectionExpression to $default, and add an "
            "AWS::ApiGatewayV2::RouteResponse with RouteResponseKey $default",
        )


def _through(key: str, application: Application) -> str:
    if key in application.two_way_keys:
        return ""
    return f" for {', '.join(sorted(application.two_way_keys))}"


def _is_two_way(route: TemplateRoute) -> bool:
    return "RouteResponseSelectionExpression" in route.resource.properties


def _check_integration(
    route: TemplateRoute, application: Application
) -> Iterator[Finding]:
    if route.integration is None:
        yield Finding(
            route.resource.name,
            f"route {route.key} has no integration in this template: set Target to "
            "integrations/ and the integration's ID",
        )
    elif route.integration.properties.get("IntegrationType") != PROXY:
        if route.key not in application.route_keys:
            return  # such as a MOCK that answers pings
        yield Finding(
            route.integration.name,
            "IntegrationType must be AWS_PROXY: a router reads and returns proxy "
            "events",
        )
    elif route.function is None:
        yield Finding(
            route.integration.name,
            "IntegrationUri does not name a function in this template: use the "
            "function's invocation ARN",
        )


def _check_authorization(route: TemplateRoute) -> Iterator[Finding]:
    kind = route.resource.properties.get("AuthorizationType", "NONE")
    if route.key != CONNECT and kind != "NONE":
        yield Finding(
            route.resource.name,
            f"API Gateway authorizes $connect only: remove AuthorizationType {kind}",
        )


def _check_route_response(
    deployment: Deployment, route: TemplateRoute
) -> Iterator[Finding]:
    responses = deployment.find_responses(route)
    is_two_way = _is_two_way(route)
    if is_two_way and not responses:
        yield Finding(
            route.resource.name,
            "RouteResponseSelectionExpression needs a route response: add an "
            "AWS::ApiGatewayV2::RouteResponse with RouteResponseKey $default, or "
            "remove it",
        )
    elif responses and not is_two_way:
        yield Finding(
            route.resource.name,
            "has a route response that is never sent: set "
            "RouteResponseSelectionExpression to $default",
        )
    elif is_two_way:
        yield from _check_integration_response(deployment, route)


def _check_integration_response(
    deployment: Deployment, route: TemplateRoute
) -> Iterator[Finding]:
    # "Set up a WebSocket API integration responses": a proxy integration passes on what
    # its backend returns; any other does so only as a response of its own says.
    integration = route.integration
    if integration is None or integration.properties.get("IntegrationType") == PROXY:
        return
    if not deployment.find_integration_responses(integration):
        yield Finding(
            integration.name,
            f"route {route.key} is two-way, but its integration has no response, so "
            "nothing is sent: add an AWS::ApiGatewayV2::IntegrationResponse with "
            "IntegrationResponseKey $default",
        )
