"""Rules about what clients get to hear: two-way routes and their responses."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.routes import PROXY
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.parts import Route
from wspubsub.deployment.description.unknown import UNKNOWN


def check_answers(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with the answers of an API's routes."""
    yield from _check_one_way(deployment)
    for route in deployment.api.routes:
        yield from _check_response(route)
        if route.is_two_way is True and route.has_response is True:
            yield from _check_integration_response(route)


def _check_one_way(deployment: Deployment) -> Iterator[Finding]:
    application = deployment.application
    routes = {route.key: route for route in deployment.api.routes}
    for key in sorted(application.two_way_routes(routes.keys())):
        route = routes[key]
        # If it is half of one, that is said elsewhere.
        if route.is_two_way is False and route.has_response is False:
            yield Finding(
                "one-way",
                route.name,
                f"route {key} is one-way, so clients never get the answers of "
                f"{application.handler}{_through(deployment, key)}: set "
                "RouteResponseSelectionExpression to $default, and add an "
                "AWS::ApiGatewayV2::RouteResponse with RouteResponseKey $default",
            )


def _through(deployment: Deployment, key: str) -> str:
    keys = deployment.application.two_way_keys
    return "" if key in keys else f" for {', '.join(sorted(keys))}"


def _check_response(route: Route) -> Iterator[Finding]:
    if route.is_two_way is True and route.has_response is False:
        yield Finding(
            "route-response",
            route.name,
            "RouteResponseSelectionExpression needs a route response: add an "
            "AWS::ApiGatewayV2::RouteResponse with RouteResponseKey $default, or "
            "remove it",
        )


def _check_integration_response(route: Route) -> Iterator[Finding]:
    # "Set up a WebSocket API integration responses": a proxy integration passes on what
    # its backend returns; any other does so only as a response of its own says.
    integration = route.integration
    if integration is None or integration is UNKNOWN:
        return
    if integration.kind not in (PROXY, UNKNOWN) and integration.has_response is False:
        yield Finding(
            "integration-response",
            integration.name,
            f"route {route.key} is two-way, but its integration has no response, so "
            "nothing is sent: add an AWS::ApiGatewayV2::IntegrationResponse with "
            "IntegrationResponseKey $default",
        )
