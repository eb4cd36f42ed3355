"""Rules about who may invoke the functions, and for what an authorizer is asked."""

from collections.abc import Iterator

from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.parts import Authorizer
from wspubsub.deployment.description.texts import may_equal, may_match
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.permissions import GATEWAY


def check_invoking(deployment: Deployment) -> Iterator[Finding]:
    """Yield which functions API Gateway may not invoke."""
    done = set()
    for route in deployment.api.routes:
        integration = route.integration
        if integration is None or integration is UNKNOWN:
            continue
        name = integration.function
        if name is None or name is UNKNOWN or integration.has_credentials:
            continue
        paths = [f"{each.stage_name}/{route.key}" for each in deployment.api.stages]
        is_refused = bool(paths) and not any(
            _may_invoke(deployment, name, path) for path in paths
        )
        if is_refused and name not in done:
            done.add(name)
            yield Finding(
                "invoke",
                name,
                f"API Gateway may not invoke it for route {route.key}: add an "
                f"AWS::Lambda::Permission for {GATEWAY} with this API's "
                "SourceArn",
            )
    for authorizer in deployment.api.authorizers:
        yield from _check_authorizer(deployment, authorizer)


def _check_authorizer(
    deployment: Deployment, authorizer: Authorizer
) -> Iterator[Finding]:
    name = authorizer.function
    path = f"authorizers/{authorizer.authorizer_id}"
    if (
        isinstance(name, str)
        and not authorizer.has_credentials
        and not _may_invoke(deployment, name, path)
    ):
        yield Finding(
            "invoke",
            name,
            f"API Gateway may not invoke it for {authorizer.name}: add an "
            f"AWS::Lambda::Permission whose SourceArn ends in {path}",
        )
    for source in authorizer.identity_sources:
        # "Lambda authorizers" of HTTP APIs; WebSocket APIs name the part of a request.
        if source.startswith("$request."):
            right = f"route.{source.removeprefix('$')}"
            yield Finding(
                "identity-source",
                authorizer.name,
                f"IdentitySource {source} is that of an HTTP API: write {right}",
            )


def _may_invoke(deployment: Deployment, function: str, path: str) -> bool:
    text = f"{deployment.api.arn}/{path}"
    return deployment.api.has_other_permissions or any(
        each.function in (function, UNKNOWN)
        and (each.principal == "*" or may_equal(each.principal, GATEWAY))
        and may_match(each.source, text)
        for each in deployment.permissions
    )
