"""What the embedded services do otherwise than moto by itself."""

import io
import threading
from collections.abc import Iterable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts.stores import CREDENTIALS
from wspubsub.dynamodb import create_table
from wspubsub.local.dynamodb.moto_corrections import MAX_ITERATORS, OneAtATime, Streams

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
