"""A Lambda function with its own role and its own log group.

The log group has a name that does not depend on the function's, which the function is
told in `LoggingConfig`: else the role, which may write to that group only, would
depend on the function and the function on its role.
"""

from typing import Any

from wspubsub.deployment.permissions import Arns, Statement
from wspubsub.deployment.template.intrinsics import (
    API_ARN,
    Resources,
    api_url,
    arn,
    attribute,
    ref,
    resource,
    sub,
)
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.deployment.template.variables import environment

ALLOW_LOOPS = "Allow"


def function(
    name: str,
    handler: str,
    statements: list[Statement],
    settings: TemplateSettings,
    *,
    variables: dict[str, Any] | None = None,
    loops: bool = False,
) -> Resources:
    """Return a function and what it needs.

    Args:
        name: Its logical ID.
        handler: What it runs: `module.function`.
        statements: What it may do.
        settings: Size, runtime and the rest.
        variables: What its environment has besides the user's own variables.
        loops: Whether it sends to the queue that invokes it.
    """
    # "Use Lambda recursive loop detection to prevent infinite loops": otherwise Lambda
    # stops the function after about 16 invocations that follow from one another.
    looping = {"RecursiveLoop": ALLOW_LOOPS} if loops else {}
    return {
        f"{name}Logs": _log_group(name, settings),
        f"{name}Role": _role(statements),
        name: _lambda(
            name,
            handler,
            settings,
            (variables or {}) | environment(settings.variables),
            looping,
        ),
    }


def log_group_arn(name: str) -> str:
    """Return the ARN of a function's log group."""
    return f"${{{name}Logs.Arn}}"


def application_arns(name: str, settings: TemplateSettings) -> Arns:
    """Return the ARNs of what a function of the application works with."""
    return Arns(
        stage=f"{API_ARN}/{settings.stage}",
        table="${Table.Arn}",
        log_group=log_group_arn(name),
        queue="${Queue.Arn}" if settings.queue else None,
        stream="${Table.StreamArn}" if settings.streams else None,
        stream_failures="${StreamFailures.Arn}" if settings.streams else None,
    )


def application_variables(settings: TemplateSettings) -> dict[str, Any]:
    """Return the environment variables that users of the library read."""
    variables = {
        "WSPUBSUB_TABLE": ref("Table"),
        "WSPUBSUB_ENDPOINT": api_url("https", settings.stage),
    }
    if settings.queue:
        variables["WSPUBSUB_QUEUE"] = ref("Queue")
    if settings.streams:
        variables["WSPUBSUB_STREAM"] = attribute("Table", "StreamArn")
    return variables


def _log_group(name: str, settings: TemplateSettings) -> dict[str, Any]:
    return resource(
        "AWS::Logs::LogGroup",
        {
            "LogGroupName": sub(f"/aws/lambda/${{AWS::StackName}}-{name}"),
            "RetentionInDays": settings.log_retention_days,
        },
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    )


def _role(statements: list[Statement]) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    written = [
        {**each, "Resource": [arn(text) for text in each["Resource"]]}
        for each in statements
    ]
    # In the role itself, so that the function never runs without them.
    policy = {
        "PolicyName": "wspubsub",
        "PolicyDocument": {"Version": "2012-10-17", "Statement": written},
    }
    return resource(
        "AWS::IAM::Role", {"AssumeRolePolicyDocument": trust, "Policies": [policy]}
    )


def _lambda(
    name: str,
    handler: str,
    settings: TemplateSettings,
    variables: dict[str, Any],
    more: dict[str, Any],
) -> dict[str, Any]:
    code = {"S3Bucket": ref("CodeS3Bucket"), "S3Key": ref("CodeS3Key")}
    properties = {
        **({"CodeUri": settings.code_uri} if settings.is_sam else {"Code": code}),
        "Handler": handler,
        "Runtime": settings.runtime,
        "Architectures": [settings.architecture],
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_seconds,
        "Role": attribute(f"{name}Role", "Arn"),
        "LoggingConfig": {"LogGroup": ref(f"{name}Logs")},
        **more,
    }
    if variables:
        properties["Environment"] = {"Variables": variables}
    kind = "AWS::Serverless::Function" if settings.is_sam else "AWS::Lambda::Function"
    return resource(kind, properties)
