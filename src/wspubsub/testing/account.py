"""An AWS account in the test's own process: moto, a table, and the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from wspubsub.errors import UsageError
from wspubsub.gateway.config import GatewayConfig

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
_UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "WSPUBSUB_STREAM", "WSPUBSUB_QUEUE_URL")


@contextmanager
def run_account() -> Iterator[None]:
    """Have moto answer for AWS, with an empty table, while the block runs.

    Raises:
        UsageError: moto is not installed.
    """
    try:
        # Only where it is used: they take more than half a second.
        from moto import mock_aws
    except ImportError:
        raise UsageError(
            "moto is not installed, which stands in for DynamoDB: "
            "pip install 'moto[dynamodb]'"
        ) from None
    from wspubsub.dynamodb import create_table

    before = dict(os.environ)
    try:
        for name in _UNSET:
            os.environ.pop(name, None)
        os.environ.update(ENVIRONMENT)
        with mock_aws():
            create_table(TABLE)
            yield
    finally:
        for name in (*ENVIRONMENT, *_UNSET):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
