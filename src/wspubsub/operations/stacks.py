"""Finds the table and the endpoint of a CloudFormation stack."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wspubsub.aws.client_errors import failure_of
from wspubsub.errors import UsageError, WspubsubError
from wspubsub.operations.deployments import SdkClient

_TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
_API, _STAGE = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"
_ENDPOINT, _TABLE = "CallbackUrl", "TableName"
"""Outputs of the template that `wspubsub template` makes."""


class Stack(NamedTuple):
    """What a stack has; None for what it has not, or has several of."""

    table: str | None
    endpoint: str | None


def find_stack(client: SdkClient, name: str) -> Stack:
    """Return the table and the endpoint of a stack: its outputs, or its resources.

    Args:
        client: A `boto3.client("cloudformation")`.
        name: Name of the stack.

    Raises:
        UsageError: There is no such stack.
        WspubsubError: CloudFormation failed.
    """
    try:
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        outputs = {
            each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())
        }
        pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [each for page in pages for each in page["StackResourceSummaries"]]
    except Exception as error:
        failure = failure_of(error)
        if failure.code == "ValidationError":
            raise UsageError(f"stack {name!r}: {failure.text}") from error
        raise WspubsubError(f"CloudFormation: {failure.text}") from error
    return Stack(
        outputs.get(_TABLE) or _find_only(resources, *_TABLES),
        outputs.get(_ENDPOINT) or _make_endpoint(resources, client.meta.region_name),
    )


def _make_endpoint(resources: Iterable[Mapping[str, Any]], region: str) -> str | None:
    api, stage = _find_only(resources, _API), _find_only(resources, _STAGE)
    if api is None or stage is None:
        return None
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{api}.execute-api.{region}.{suffix}/{stage}"


def _find_only(resources: Iterable[Mapping[str, Any]], *kinds: str) -> str | None:
    found = [
        str(each["PhysicalResourceId"])
        for each in resources
        if each["ResourceType"] in kinds and "PhysicalResourceId" in each
    ]
    return found[0] if len(found) == 1 else None
