"""A Lambda function with a role and a log group of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import (
    Duration,
    RemovalPolicy,
    Stack,
    aws_iam as iam,
    aws_lambda as lambda_,
    aws_logs as logs,
)
from constructs import Construct

TIMEOUT_SECONDS = 29
"""API Gateway waits at most this long for an integration."""


class ChatFunction(Construct):
    """A function, its role and its log group.

    Nothing is allowed but what `allow` is given: the grants that CDK adds by itself, as
    for event sources, are wider.

    Args:
        scope: The stack.
        construct_id: Its name in the stack.
        handler: What Lambda calls: `module.function`.
        code: Folder with its code.
        variables: Its environment.
        loops: Whether it sends to the queue that invokes it.

    Attributes:
        role: What it may do, by `allow` and grants of your own.
        log_group: Where it writes its log.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        code: str,
        variables: Mapping[str, str],
        loops: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{Stack.of(self).stack_name}-{construct_id}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        self.function = lambda_.Function(
            self,
            "Function",
            code=lambda_.Code.from_asset(code, exclude=["**/__pycache__"]),
            handler=handler,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=1024,
            timeout=Duration.seconds(TIMEOUT_SECONDS),
            environment=dict(variables),
            role=self.role.without_policy_updates(),
            log_group=self.log_group,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if loops else None,
        )

    def allow(self, statements: Sequence[Mapping[str, Any]]) -> None:
        """Let the function do what IAM statements say."""
        for each in statements:
            self.role.add_to_policy(iam.PolicyStatement.from_json(dict(each)))
