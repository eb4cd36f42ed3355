"""The embedded DynamoDB, where it does not start."""

import asyncio

import pytest

from tests.support.servers.gateways import CREDENTIALS, environment
from wspubsub import WspubsubError
from wspubsub.local.dynamodb.embedded import EmbeddedDynamoDB


@pytest.mark.integration
def test_what_keeps_it_from_starting_is_told_in_a_line() -> None:
    environ = environment({**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"})

    with pytest.raises(WspubsubError, match=r"did not start: .*TableName") as caught:
        asyncio.run(EmbeddedDynamoDB.start("", environ))

    assert "\n" not in str(caught.value)
