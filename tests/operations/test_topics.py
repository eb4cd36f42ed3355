"""One topic, as the commands and the inspector read it."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.contracts.tables import boto3_client
from tests.support.table_items import write_carried
from tests.support.virtual_time import NOW, Clock
from wspubsub.dynamodb import DynamoDBTopicLog, create_table
from wspubsub.dynamodb.access import TableAccess
from wspubsub.operations.topics import follow, read_after, read_newest


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


def test_the_messages_of_an_entry_are_read_one_by_one(client: Any) -> None:
    write_carried(client, "t", NOW)
    log = DynamoDBTopicLog("t", client=client, now=Clock())
    last = log.append("news", b"4").message.position.offset
    access = TableAccess(client, "t")

    def offsets(found: list[dict[str, Any]]) -> list[int]:
        assert {each["topic"] for each in found} <= {"news"}
        return [each["offset"] for each in found]

    assert last == 4
    assert offsets(read_newest(access, "news", None, now=NOW)) == [1, 2, 3, 4]
    assert offsets(read_newest(access, "news", 3, now=NOW)) == [2, 3, 4]
    for after in range(5):
        found = read_after(access, "news", after)
        assert offsets(found) == list(range(after + 1, 5))
