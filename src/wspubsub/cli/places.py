"""Where commands for a live deployment look: a stack, a table, the local gateway."""

import argparse
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from wspubsub.cli.complaints import say_if_slow
from wspubsub.cli.options import read_region
from wspubsub.cli.run import add_port
from wspubsub.errors import UsageError

if TYPE_CHECKING:
    from wspubsub.local.running import RunningGateway
    from wspubsub.operations.deployments import Deployment, SdkClient
    from wspubsub.operations.stacks import Stack


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a command looks."""
    group = parser.add_argument_group(
        "where to look",
        "Without any of these, in the local gateway that runs on this machine.",
    )
    group.add_argument(
        "--stack",
        metavar="NAME",
        help="a CloudFormation stack; its outputs TableName and CallbackUrl, or its "
        "only table and only API, say where, unless --table and --endpoint do",
    )
    group.add_argument("--table", metavar="NAME", help="the DynamoDB table")
    group.add_argument(
        "--endpoint", metavar="URL", help="the endpoint of the Management API"
    )
    group.add_argument(
        "--dynamodb-url",
        metavar="URL",
        help="a DynamoDB endpoint other than AWS's own",
    )
    group.add_argument(
        "--profile", metavar="NAME", help="a profile of the AWS configuration"
    )
    group.add_argument("--region", help="AWS Region (default: as configured for AWS)")
    add_port(group)


def open_place(options: argparse.Namespace) -> "Deployment":
    """Return what the options name.

    Raises:
        UsageError: They name nothing, or contradict each other.
        WspubsubError: It cannot be found out.
    """
    named = (options.stack, options.table, options.endpoint, options.dynamodb_url)
    if any(named):
        if options.port is not None:
            raise UsageError("--port is for the local gateway; leave it out")
        return _open_aws(options)
    if options.profile or options.region:
        raise UsageError("say where: add --stack NAME, or --table NAME")
    from wspubsub.local.running import find_gateway

    return _open_gateway(find_gateway(options.port))


def _open_gateway(gateway: "RunningGateway") -> "Deployment":
    import boto3

    from wspubsub.operations.deployments import Deployment, open_management

    found = gateway.surroundings
    keys = (
        {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        if found.is_embedded
        else {}
    )
    session = boto3.Session(region_name=found.region, **keys)
    return Deployment(
        table=found.table,
        client=_make_client(session, "dynamodb", found.dynamodb_url),
        management=open_management(
            _make_client(
                session,
                "apigatewaymanagementapi",
                found.management_url,
                verify=str(found.ca_bundle) if found.ca_bundle else None,
            )
        ),
        by_stream=found.stream_arn is not None,
    )


def _open_aws(options: argparse.Namespace) -> "Deployment":
    import boto3
    from botocore.exceptions import BotoCoreError

    from wspubsub.aws.endpoints import default_domain, management_endpoint

    endpoint = options.endpoint and management_endpoint(options.endpoint)
    domain = default_domain(endpoint) if endpoint else None
    region = read_region(options) or (domain and domain.region)
    try:
        session = boto3.Session(profile_name=options.profile, region_name=region)
        if session.region_name is None:
            raise UsageError("no Region is configured; add --region, or set AWS_REGION")
        return _open_session(session, options, endpoint)
    except (BotoCoreError, ValueError) as error:
        raise UsageError(str(error)) from error


def _open_session(
    session: "SdkClient", options: argparse.Namespace, endpoint: str | None
) -> "Deployment":
    from wspubsub.aws.endpoints import management_endpoint
    from wspubsub.operations.deployments import Deployment, open_management

    stack = _find_stack(session, options.stack) if options.stack else None
    table = options.table or (stack and stack.table)
    endpoint = endpoint or (stack and stack.endpoint)
    client = management = None
    if table:
        client = _make_client(session, "dynamodb", options.dynamodb_url)
    if endpoint:
        url = management_endpoint(endpoint)
        management = open_management(
            _make_client(session, "apigatewaymanagementapi", url)
        )
    found = Deployment(table=table, client=client, management=management)
    if stack is None:
        return found
    return replace(
        found,
        table_advice=stack.table_advice,
        endpoint_advice=stack.endpoint_advice,
    )


def _find_stack(session: "SdkClient", name: str) -> "Stack":
    from wspubsub.operations.stacks import find_stack

    with say_if_slow(f"still asking CloudFormation what stack {name} has"):
        return find_stack(_make_client(session, "cloudformation", None), name)


def _make_client(
    session: "SdkClient", service: str, url: str | None, *, verify: str | None = None
) -> "SdkClient":
    from botocore.config import Config

    # A post is tried again by us, and what is on this machine needs no proxy.
    attempts = 1 if service == "apigatewaymanagementapi" else 4
    config = Config(
        connect_timeout=5,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=32,
    )
    return session.client(service, endpoint_url=url, config=config, verify=verify)


def exempt_proxies() -> None:
    """Let nothing on this machine be reached through a proxy."""
    from wspubsub.handlers.environ import exempt_local

    os.environ.update(exempt_local(os.environ))
