"""An AWS account in the test's own process: moto, a table, and the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from wspubsub.errors import UsageError
from wspubsub.faults import Faults
from wspubsub.gateway.config import GatewayConfig
from wspubsub.testing.faults import share
from wspubsub.testing.streams import StreamSource

TABLE = "wspubsub"

_CONFIG = GatewayConfig()

ENVIRONMENT = {
    "WSPUBSUB_TABLE": TABLE,
    "WSPUBSUB_ENDPOINT": f"https://{_CONFIG.default_host}/{_CONFIG.stage}",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": _CONFIG.region,
    "AWS_DEFAULT_REGION": _CONFIG.region,
    # Files and addresses that a developer's machine may have set up.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
}
_UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "WSPUBSUB_STREAM", "WSPUBSUB_QUEUE")


class Account:
    """The account that the fixture `wspubsub_aws` returns.

    Attributes:
        table: Name of the table.
        stream_arn: ARN of the table's stream.
        faults: Rules of what fails: requests to DynamoDB, and posts that no gateway
            answers. Each `InProcessGateway` that is created while the account exists
            has the same ones, if it is not given others.
    """

    def __init__(self, table: str, stream_arn: str, faults: Faults) -> None:
        self.table = table
        self.faults = faults
        self.stream_arn = stream_arn

    @cached_property
    def stream(self) -> StreamSource:
        """The stream as an event source of an `InProcessGateway`."""
        import boto3

        # Where moto listens for it.
        url = f"https://streams.dynamodb.{_CONFIG.region}.amazonaws.com"
        client = boto3.client("dynamodbstreams", endpoint_url=url)
        return StreamSource(client, self.stream_arn)


@contextmanager
def run_account(faults: Faults) -> Iterator[Account]:
    """Have moto answer for AWS, with an empty table, while the block runs.

    Args:
        faults: Rules of what fails.

    Raises:
        UsageError: moto is not installed.
    """
    try:
        # Only where it is used: they take more than half a second.
        import boto3
        from moto import mock_aws
    except ImportError:
        raise UsageError(
            "moto is not installed, which stands in for DynamoDB: "
            "pip install 'moto[dynamodb]'"
        ) from None
    from wspubsub.dynamodb import create_table
    from wspubsub.testing.moto_answers import obey

    before = dict(os.environ)
    try:
        for name in _UNSET:
            os.environ.pop(name, None)
        os.environ.update(ENVIRONMENT)
        with mock_aws():
            create_table(TABLE, stream=True)
            described = boto3.client("dynamodb").describe_table(TableName=TABLE)
            with obey(faults), share(faults):
                yield Account(TABLE, described["Table"]["LatestStreamArn"], faults)
    finally:
        for name in (*ENVIRONMENT, *_UNSET):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
