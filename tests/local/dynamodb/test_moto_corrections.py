"""What the embedded services do otherwise than moto by itself."""

import io
import threading
from collections.abc import Iterable
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.contracts.stores import CREDENTIALS
from wspubsub.dynamodb import create_table
from wspubsub.local.dynamodb.moto_corrections import (
    MAX_ITERATORS,
    OneAtATime,
    PartitionedTable,
    Streams,
)

ACCOUNT, REGION = "123456789012", "us-east-1"
PATIENCE_SECONDS = 10.0


class Application:
    """A server in which a request waits until another one has been answered."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, environ: dict[str, Any], _start: object) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.endswith("Slow"):
            self.has_begun.set()
            assert self.may_end.wait(PATIENCE_SECONDS)
        self.bodies.append(environ["wsgi.input"].read())
        return [target.encode()]


def request(target: str, body: bytes = b"") -> dict[str, Any]:
    return {
        "HTTP_X_AMZ_TARGET": target,
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.input": io.BytesIO(body),
    }


def test_requests_are_answered_in_turn_except_those_that_wait() -> None:
    application = Application()
    server = OneAtATime(application)
    slow = threading.Thread(target=server, args=(request("Slow", b"slow"), None))
    next_one = threading.Thread(target=server, args=(request("Put", b"put"), None))

    slow.start()
    assert application.has_begun.wait(PATIENCE_SECONDS)
    next_one.start()
    received = server(request("AmazonSQS.ReceiveMessage", b"receive"), None)
    application.may_end.set()
    slow.join(PATIENCE_SECONDS)
    next_one.join(PATIENCE_SECONDS)

    assert list(received) == [b"AmazonSQS.ReceiveMessage"]
    assert application.bodies == [b"receive", b"slow", b"put"]


def test_a_request_without_a_length_is_handed_on() -> None:
    application = Application()

    answer = OneAtATime(application)({"wsgi.input": io.BytesIO(b"{}")}, None)

    assert (list(answer), application.bodies) == ([b""], [b"{}"])


@pytest.fixture
def streams() -> Any:
    with mock_aws():
        client = boto3.client("dynamodb", **CREDENTIALS)
        create_table("subscriptions", client=client, stream=True)
        yield Streams(REGION, ACCOUNT)


def test_old_iterators_are_forgotten(streams: Streams) -> None:
    arn = streams.list_streams("subscriptions")[0]["StreamArn"]
    shard = streams.describe_stream(arn)["Shards"][0]["ShardId"]
    iterators = [
        streams.get_shard_iterator(arn, shard, "TRIM_HORIZON")
        for _ in range(MAX_ITERATORS + 5)
    ]

    answer = streams.get_records(iterators[-1].arn, 10)

    assert answer["Records"] == []
    assert len(streams.shard_iterators) == MAX_ITERATORS + 1
    assert answer["NextShardIterator"] in streams.shard_iterators


def test_the_stream_of_a_deleted_table_is_not_that_of_its_successor(
    streams: Streams,
) -> None:
    client = boto3.client("dynamodb", **CREDENTIALS)
    arn = streams.list_streams("subscriptions")[0]["StreamArn"]
    shard = streams.describe_stream(arn)["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(arn, shard, "TRIM_HORIZON").arn

    client.delete_table(TableName="subscriptions")
    create_table("subscriptions", client=client, stream=True)

    assert streams.list_streams("subscriptions")[0]["StreamArn"] != arn
    with pytest.raises(ResourceNotFoundException):
        streams.get_records(iterator, 10)
    with pytest.raises(ResourceNotFoundException):
        streams.describe_stream(arn)


class Sealed(dict[Any, Any]):
    """A partition that must not be looked at."""

    def values(self) -> Any:
        raise AssertionError(self)


def filled_table() -> PartitionedTable:
    # moto makes one although methods for CloudFormation are abstract.
    make: Any = PartitionedTable
    table: PartitionedTable = make(
        "t",
        ACCOUNT,
        REGION,
        schema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        attr=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        indexes=[
            {
                "IndexName": "index",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for pk, sk in [("a", "2"), ("b", "1"), ("a", "1"), ("a", "3")]:
        table.put_item({"pk": {"S": pk}, "sk": {"S": sk}})
    return table


def query(table: PartitionedTable, pk: str, **options: Any) -> list[str]:
    found, _, _ = table.query(
        DynamoType({"S": pk}),
        None,
        [],
        limit=100,
        exclusive_start_key=None,
        scan_index_forward=True,
        projection_expressions=None,
        **options,
    )
    return [each.range_key.value for each in found]


def test_a_query_looks_at_its_own_partition_only() -> None:
    table = filled_table()
    table.items[DynamoType({"S": "sealed"})] = Sealed()

    assert query(table, "a") == ["1", "2", "3"]
    assert query(table, "nothing") == []


def test_a_query_of_an_index_looks_at_the_whole_table() -> None:
    condition = [("pk", DynamoType({"S": "a"}))]

    found = query(
        filled_table(), "a", index_name="index", hash_key_conditions=condition
    )

    assert found == ["1", "2", "3"]
