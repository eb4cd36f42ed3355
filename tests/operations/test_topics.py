"""One topic, as the commands and the inspector read it."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.contracts.tables import boto3_client
from wspubsub.dynamodb import DynamoDBTopicLog, create_table
from wspubsub.dynamodb.access import TableAccess
from wspubsub.operations.topics import follow


class Stopped(Exception):
    pass


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client = boto3_client()
        create_table("t", client=client)
        yield client


@pytest.mark.slow
def test_a_log_is_followed_as_it_grows(client: Any) -> None:
    log = DynamoDBTopicLog("t", client=client)
    log.append("news", b"first")
    more = [b"second", b"third"]
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if not more:
            raise Stopped
        log.append("news", more.pop(0))

    entries = follow(
        TableAccess(client, "t"), "news", 0, every_seconds=0.5, sleep=sleep
    )
    found = [next(entries) for _ in range(3)]

    assert [(each["offset"], each["data"]) for each in found] == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]
    with pytest.raises(Stopped):
        next(entries)
    assert set(looks) == {0.5}
