"""Judges a deployment by all rules."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from wspubsub.deployment.checking.answers import check_answers
from wspubsub.deployment.checking.endpoints import check_endpoints
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.functions import check_functions
from wspubsub.deployment.checking.invoking import check_invoking
from wspubsub.deployment.checking.mappings import check_mappings
from wspubsub.deployment.checking.permissions import check_permissions
from wspubsub.deployment.checking.publishers import check_publishers
from wspubsub.deployment.checking.routes import check_routes
from wspubsub.deployment.checking.stages import check_stages
from wspubsub.deployment.checking.tables import check_queues, check_tables
from wspubsub.deployment.checking.widths import check_widths
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.reading import find_sources as read_sources, read_deployments
from wspubsub.errors import UsageError
from wspubsub.handlers.application import Application

Check = Callable[[Deployment], Iterator[Finding]]

_CHECKS: tuple[Check, ...] = (
    check_routes,
    check_answers,
    check_invoking,
    check_publishers,
    check_permissions,
    check_widths,
    check_stages,
    check_functions,
    check_endpoints,
    check_tables,
    check_queues,
    check_mappings,
)


def check_template(
    template: Mapping[str, Any],
    application: Application,
    *,
    folder: PurePath | None = None,
    module: PurePath | None = None,
    publishers: tuple[str, ...] = (),
) -> list[Finding]:
    """Return where a template does not match an application.

    What only AWS can know is not judged, so each finding is certain.

    Args:
        template: As `read_template` returns it.
        application: The handler that it is to deploy.
        folder: Where the template is, absolute; needed for functions of one name in
            several folders.
        module: The module of the application's handler without suffix, absolute.
        publishers: Handlers of other functions that publish.

    Raises:
        UsageError: The template has no WebSocket API.
    """
    found = read_deployments(
        template, application, folder=folder, module=module, publishers=publishers
    )
    if not found:
        raise UsageError(
            "the template has no WebSocket API: add an AWS::ApiGatewayV2::Api with "
            "ProtocolType WEBSOCKET, or an AWS::Serverless::WebSocketApi"
        )
    return check_deployments(found)


def check_deployments(deployments: list[Deployment]) -> list[Finding]:
    """Return what is wrong with what was read from a template, or elsewhere."""
    findings = [
        finding
        for deployment in deployments
        for check in _CHECKS
        for finding in check(deployment)
    ]
    # Two APIs share much, and two roles one policy.
    return list(dict.fromkeys(findings))


def find_sources(
    template: Mapping[str, Any],
    handler: str,
    *,
    folder: PurePath | None = None,
    module: PurePath | None = None,
) -> frozenset[str]:
    """Return the event sources whose variables a handler will find once deployed.

    Args:
        template: As `read_template` returns it.
        handler: What Lambda is configured with: `module.function`.
        folder: As for `check_template`.
        module: As for `check_template`.
    """
    application = Application(handler=handler, route_keys=frozenset())
    return read_sources(
        read_deployments(template, application, folder=folder, module=module)
    )
