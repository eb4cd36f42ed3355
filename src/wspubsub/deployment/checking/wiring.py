"""Rules about what connects the parts: environment, table, stage, timeouts."""

import re
from collections.abc import Iterator

from wspubsub.deployment.checking.deployment import DEFAULT_TIMEOUT_SECONDS, Deployment
from wspubsub.deployment.checking.findings import Finding
from wspubsub.deployment.checking.stack import Resource, as_list, as_mapping
from wspubsub.dynamodb.items import TTL_ATTRIBUTE
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS
from wspubsub.handlers.application import Application

_ADDRESS = re.compile(r"(\w+)://([^/]*)/?(.*)")
_KEYS = [("pk", "HASH"), ("sk", "RANGE")]


def check_wiring(deployment: Deployment, application: Application) -> Iterator[Finding]:
    """Yield what is wrong between the functions and what they use."""
    yield from _check_stages(deployment)
    tables: dict[str, Resource] = {}
    for function in deployment.functions:
        yield from _check_variables(deployment, application, function)
        yield from _check_endpoint(deployment, function)
        yield from _check_timeout(deployment, function)
        used = deployment.find_table(function)
        if used is not None:
            tables[used.name] = used
    for each in tables.values():
        yield from _check_table(deployment, each)


def _check_stages(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.stages:
        yield Finding(
            deployment.api.name,
            "has no stage, so nobody can connect: add an AWS::ApiGatewayV2::Stage",
        )
    for stage in deployment.stages:
        automatic = deployment.stack.text(stage.properties.get("AutoDeploy", False))
        if automatic == "false" and "DeploymentId" not in stage.properties:
            yield Finding(
                stage.name, "never receives the API's routes: set AutoDeploy to true"
            )


def _check_variables(
    deployment: Deployment, application: Application, function: Resource
) -> Iterator[Finding]:
    for name in sorted(application.variables):
        if deployment.find_variable(function, name) is None:
            yield Finding(
                function.name,
                f"has no environment variable {name}, which {application.handler} "
                "reads: add it to Environment.Variables",
            )


def _check_endpoint(deployment: Deployment, function: Resource) -> Iterator[Finding]:
    value = deployment.find_variable(function, "WSPUBSUB_ENDPOINT")
    text = deployment.stack.text(value)
    if text is None:
        return
    api = deployment.api.name
    stages = deployment.stage_names
    right = (
        f"https://${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/"
        f"{stages[0] if stages else 'STAGE'}"
    )
    for problem in _find_endpoint_problems(deployment, text, stages):
        yield Finding(
            function.name, f"WSPUBSUB_ENDPOINT {problem}: set it to {right} (Fn::Sub)"
        )


def _find_endpoint_problems(
    deployment: Deployment, text: str, stages: list[str]
) -> Iterator[str]:
    api = f"${{{deployment.api.name}}}"
    # The attribute ApiEndpoint is an address without stage, and its scheme is wss.
    address = f"wss://{api}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    name = f"${{{deployment.api.name}.ApiEndpoint}}"
    match = _ADDRESS.fullmatch(text.replace(name, address))
    if match is None:
        if not text.startswith("${"):  # else only CloudFormation knows
            yield f"is {text}, which is not a URL"
        return
    scheme, host, path = match.groups()
    if scheme != "https":
        yield f"begins with {scheme}://, but posts need https"
    if ".execute-api." not in host:
        return  # a domain of one's own, whose path is that of its mapping
    owner = deployment.stack.resolve(host, deployment.api.kind)
    if owner != deployment.api and (owner is not None or not host.startswith("${")):
        yield f"is not the endpoint of {deployment.api.name}"
    if stages and "${" not in path and path.strip("/") not in stages:
        said = (
            f"names the stage {path.strip('/')}" if path.strip("/") else "has no stage"
        )
        yield f"{said}, but the stage is {' or '.join(stages)}"


def _check_timeout(deployment: Deployment, function: Resource) -> Iterator[Finding]:
    timeout = deployment.stack.number(
        function.properties.get("Timeout"), DEFAULT_TIMEOUT_SECONDS
    )
    if timeout is not None and timeout > MAX_TIMEOUT_SECONDS:
        yield Finding(
            function.name,
            f"Timeout is {timeout} s, but API Gateway waits {MAX_TIMEOUT_SECONDS} "
            f"s at most: set it to {MAX_TIMEOUT_SECONDS} or less",
        )


def _check_table(deployment: Deployment, table: Resource) -> Iterator[Finding]:
    stack = deployment.stack
    ttl = as_mapping(table.properties.get("TimeToLiveSpecification"))
    attribute = stack.text(ttl.get("AttributeName"))
    if not ttl or stack.text(ttl.get("Enabled")) == "false":
        yield Finding(
            table.name,
            "time to live is off, so lost connections stay in the table: set "
            "TimeToLiveSpecification to Enabled true, AttributeName "
            f"{TTL_ATTRIBUTE}",
        )
    elif attribute not in (None, TTL_ATTRIBUTE):
        yield Finding(
            table.name,
            f"time to live uses {attribute}, but items expire by {TTL_ATTRIBUTE}: "
            f"set AttributeName to {TTL_ATTRIBUTE}",
        )
    keys = [
        (as_mapping(key).get("AttributeName"), as_mapping(key).get("KeyType"))
        for key in as_list(table.properties.get("KeySchema"))
    ]
    if keys != _KEYS:
        yield Finding(
            table.name,
            "the keys are not pk (HASH) and sk (RANGE): set KeySchema to these two",
        )
