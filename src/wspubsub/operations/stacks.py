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

Resources = Iterable[Mapping[str, Any]]


class Stack(NamedTuple):
    """What a stack has; None for what it does not have, or has several of.

    Attributes:
        table: Name of its table.
        table_advice: Why the table is not known, and what to do.
        endpoint: Endpoint of the Management API of its API.
        endpoint_advice: Why the endpoint is not known, and what to do.
    """

    table: str | None
    table_advice: str
    endpoint: str | None
    endpoint_advice: str


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
    tables = _list_names(resources, *_TABLES)
    apis, stages = _list_names(resources, _API), _list_names(resources, _STAGE)
    table, endpoint = outputs.get(_TABLE), outputs.get(_ENDPOINT)
    if table is None and len(tables) == 1:
        [table] = tables
    if endpoint is None and len(apis) == len(stages) == 1:
        endpoint = _make_endpoint(apis[0], stages[0], client.meta.region_name)
    return Stack(
        table,
        f"stack {name} has {_count(tables, 'table')}; choose one with --table NAME",
        endpoint,
        f"stack {name} has {_count(apis, 'API')} and {_count(stages, 'stage')}; choose "
        "one with --endpoint https://API.execute-api.REGION.amazonaws.com/STAGE",
    )


def _make_endpoint(api: str, stage: str, region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{api}.execute-api.{region}.{suffix}/{stage}"


def _list_names(resources: Resources, *kinds: str) -> list[str]:
    return [
        str(each["PhysicalResourceId"])
        for each in resources
        if each["ResourceType"] in kinds and each.get("PhysicalResourceId")
    ]


def _count(names: list[str], kind: str) -> str:
    if not names:
        return f"no {kind}"
    return f"{len(names)} {kind}s ({', '.join(names)})" if names[1:] else f"1 {kind}"
