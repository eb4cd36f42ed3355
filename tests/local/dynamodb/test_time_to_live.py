"""Items whose time to live is over, and what the stream says of them."""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS
from wspubsub.dynamodb import create_table
from wspubsub.local.dynamodb.time_to_live import delete_expired
from wspubsub.mappings.stream_records import stream_records

YEAR_SECONDS = 365 * 86_400


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb", **CREDENTIALS)


def item(name: str, **attributes: Any) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "#"}, **attributes}


def expiring(name: str, seconds: float) -> dict[str, Any]:
    return item(name, expires_at={"N": str(int(time.time() + seconds))})


def read_names(client: Any, table: str) -> set[str]:
    return {each["pk"]["S"] for each in client.scan(TableName=table)["Items"]}


def test_dynamodb_deletes_what_has_expired_and_the_stream_says_so(client: Any) -> None:
    create_table("chat", client=client, stream=True)
    kept = [
        item("has no expiry"),
        item("text", expires_at={"S": "1"}),
        expiring("later", 600),
        expiring("six years ago", -6 * YEAR_SECONDS),
    ]
    for each in [*kept, expiring("over", -1), expiring("long over", -YEAR_SECONDS)]:
        client.put_item(TableName="chat", Item=each)

    deleted = delete_expired()

    assert deleted == 2
    assert read_names(client, "chat") == {each["pk"]["S"] for each in kept}
    removed = [each for each in read_stream(client) if each["eventName"] == "REMOVE"]
    assert {each["dynamodb"]["OldImage"]["pk"]["S"] for each in removed} == {
        "over",
        "long over",
    }
    assert all(
        each["userIdentity"]
        == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        for each in removed
    )
    assert delete_expired() == 0


def read_stream(client: Any) -> list[dict[str, Any]]:
    arn = client.describe_table(TableName="chat")["Table"]["LatestStreamArn"]
    # Where moto listens for it.
    url = "https://streams.dynamodb.us-east-1.amazonaws.com"
    streams = boto3.client("dynamodbstreams", endpoint_url=url, **CREDENTIALS)
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    return [dict(each) for each in stream_records(records, stream_arn=arn)]


def test_what_a_program_deletes_is_not_said_to_be_dynamodb_s_doing(client: Any) -> None:
    create_table("chat", client=client, stream=True)
    client.put_item(TableName="chat", Item=item("a"))

    client.delete_item(TableName="chat", Key=item("a"))

    assert "userIdentity" not in read_stream(client)[-1]


def test_a_table_without_sort_key_or_stream_expires_too_and_one_without_ttl_never(
    client: Any,
) -> None:
    for table in ("short", "endless"):
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        over = {"id": {"S": "over"}, "until": {"N": str(int(time.time()) - 1)}}
        client.put_item(TableName=table, Item=over)
    client.update_time_to_live(
        TableName="short",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"},
    )

    assert delete_expired() == 1
    assert client.scan(TableName="short")["Count"] == 0
    assert client.scan(TableName="endless")["Count"] == 1
