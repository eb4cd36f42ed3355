"""Checks a template against the router that it deploys."""

from collections.abc import Mapping
from typing import Any

from wspubsub.deployment.checking.deployment import Deployment, find_deployments
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.mappings import check_mappings
from wspubsub.deployment.checking.permissions import check_permissions
from wspubsub.deployment.checking.routes import check_routes
from wspubsub.deployment.checking.sam import expand_sam
from wspubsub.deployment.checking.stack import Stack, as_mapping
from wspubsub.deployment.checking.wiring import check_wiring
from wspubsub.errors import UsageError
from wspubsub.handlers.application import (
    HISTORY,
    MEMBERS,
    SOURCE_VARIABLES,
    Application,
)


def check_template(
    template: Mapping[str, Any], application: Application
) -> list[Finding]:
    """Return where a template does not match an application.

    What only AWS can know is not judged, so each finding is certain.

    Args:
        template: As `read_template` returns it.
        application: The handler that it is to deploy.

    Raises:
        UsageError: The template has no WebSocket API.
    """
    found = _deployments(template, application.handler)
    if not found:
        raise UsageError(
            "the template has no WebSocket API: add an AWS::ApiGatewayV2::Api with "
            "ProtocolType WEBSOCKET, or an AWS::Serverless::WebSocketApi"
        )
    findings: list[Finding] = []
    for deployment in found:
        findings += check_routes(deployment, application)
        findings += check_permissions(
            deployment,
            history=HISTORY in application.table_uses,
            members=MEMBERS in application.table_uses,
        )
        findings += check_wiring(deployment, application)
        findings += check_mappings(deployment, application)
    # Two APIs share much, and two roles one policy.
    return list(dict.fromkeys(findings))


def find_sources(template: Mapping[str, Any], handler: str) -> frozenset[str]:
    """Return the event sources whose variables a handler will find once deployed.

    Args:
        template: As `read_template` returns it.
        handler: What Lambda is configured with: `module.function`.
    """
    return frozenset(
        source
        for deployment in _deployments(template, handler)
        for function in deployment.functions
        for source, variable in SOURCE_VARIABLES.items()
        if deployment.find_variable(function, variable) not in (None, "")
    )


def _deployments(template: Mapping[str, Any], handler: str) -> list[Deployment]:
    stack = Stack(expand_sam(template), as_mapping(template.get("Parameters")))
    return find_deployments(stack, handler)
