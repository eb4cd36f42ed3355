"""Streams and queues from end to end: real services, a real handler, real deaths."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.servers.gateways import (
    APPS,
    CREDENTIALS,
    DevGateway,
    descendants,
    dev,
    have_ended,
    run,
)
from wspubsub.cli import main
from wspubsub.dynamodb import create_table

pytestmark = pytest.mark.integration

HANDLER = f"{APPS / 'records.py'}:handler"
REGION = "eu-west-1"
OPTIONS = ("--environments", "2", "--region", REGION)
QUEUE_OPTIONS = (
    *("--queue", "--timeout", "2"),
    *("--queue-visibility", "2", "--queue-max-receives", "2"),
)


def client(service: str, gateway: DevGateway) -> Any:
    return boto3.client(
        service,
        endpoint_url=gateway.dynamodb_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def ready(gateway: DevGateway) -> Any:
    return gateway.wait_for(lambda record: record["kind"] == "ready")


def write(gateway: DevGateway, *orders: str, table: str | None = None) -> None:
    """Write items, whose sort keys tell the handler what to do with them."""
    items = client("dynamodb", gateway)
    for order in orders:
        items.put_item(
            TableName=table or gateway.table,
            Item={"pk": {"S": "x"}, "sk": {"S": order}, "b": {"B": b"\xff"}},
        )


def batches(gateway: DevGateway) -> list[list[str]]:
    """Return what the handler was invoked with, as it says itself."""
    lines = gateway.lines("BATCH ")
    return [json.loads(line.removeprefix("BATCH ")) for line in lines]


def records(gateway: DevGateway, containing: str) -> list[Any]:
    lines = [line for line in gateway.lines("RECORD ") if containing in line]
    return [json.loads(line.removeprefix("RECORD ")) for line in lines]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevGateway]:
    # A proxy that is set for the world outside is none for what is local.
    environ = {
        "FLAGS": str(tmp_path_factory.mktemp("flags")),
        "HTTP_PROXY": "http://127.0.0.1:1",
        **CREDENTIALS,
    }
    with dev(
        HANDLER, "--streams", *QUEUE_OPTIONS, *OPTIONS, environ=environ
    ) as gateway:
        yield gateway


@contextmanager
def elsewhere(sources: DevGateway, table: str, *arguments: str) -> Iterator[DevGateway]:
    """Run a gateway on the DynamoDB of another one."""
    url = sources.dynamodb_url
    with dev(
        HANDLER, "--dynamodb", url, "--table", table, *OPTIONS, *arguments
    ) as gateway:
        yield gateway


@pytest.mark.slow
def test_changes_reach_the_handler_as_aws_would_give_them(sources: DevGateway) -> None:
    items = client("dynamodb", sources)
    key = {"pk": {"S": "x"}, "sk": {"S": "shape"}}

    write(sources, "shape", "shape")
    items.update_item(
        TableName=sources.table,
        Key=key,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    items.delete_item(TableName=sources.table, Key=key)
    sources.wait_for_line('"REMOVE"')

    inserted, modified, removed = records(sources, '"shape"')
    old = {**key, "b": {"B": "/w=="}}
    new = {**old, "n": {"N": "1"}}
    arn = ready(sources)["stream"]
    assert [each["eventName"] for each in (inserted, modified, removed)] == [
        "INSERT",
        "MODIFY",
        "REMOVE",
    ]
    assert {each["eventSourceARN"] for each in (inserted, modified)} == {arn}
    assert inserted["awsRegion"] == REGION
    assert inserted["dynamodb"]["Keys"] == key
    assert inserted["dynamodb"]["NewImage"] == old
    assert (modified["dynamodb"]["OldImage"], modified["dynamodb"]["NewImage"]) == (
        old,
        new,
    )
    assert "NewImage" not in removed["dynamodb"]
    created = inserted["dynamodb"]["ApproximateCreationDateTime"]
    assert created == int(created)
    assert abs(created - time.time()) < 60


def test_a_transaction_that_fails_was_never_in_the_stream(sources: DevGateway) -> None:
    write(sources, "before")
    sources.wait_for_line('BATCH ["before"]')
    put = {"TableName": sources.table}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client("dynamodb", sources).transact_write_items(
            TransactItems=[
                {"Put": {**put, "Item": {"pk": {"S": "x"}, "sk": {"S": "never"}}}},
                {
                    "Put": {
                        **put,
                        "Item": {"pk": {"S": "x"}, "sk": {"S": "before"}},
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
            ]
        )

    write(sources, "after")
    sources.wait_for_line('"after"]')

    assert not records(sources, "never")


def test_a_worker_that_dies_in_a_batch_loses_nothing(sources: DevGateway) -> None:
    orders = [f"{number:02}" for number in range(8)]

    write(sources, *orders[:4], "die once in a stream", *orders[4:])
    sources.wait_for_line('"07"]')

    seen = [each for batch in batches(sources) for each in batch if each in orders]
    died = sources.wait_for(
        lambda each: each["kind"] == "batch" and each["outcome"] == "Runtime.ExitError"
    )
    assert list(dict.fromkeys(seen)) == orders
    assert died["source"] == "aws:dynamodb"
    assert died["failed"] == died["records"]
    assert sources.wait_for(lambda each: each.get("retries") == 1)


@pytest.mark.slow
def test_messages_come_again_until_they_are_dead_letters(sources: DevGateway) -> None:
    with sources.client() as talker:
        for order in ("one", "poison of a queue", "two"):
            talker.send(order)
        dead = client("sqs", sources).receive_message(
            QueueUrl=ready(sources)["dead_letter_queue_url"], WaitTimeSeconds=20
        )

    (letter,) = dead["Messages"]
    first, second = records(sources, '"poison of a queue"')
    lines = [
        each
        for each in sources.records
        if each["kind"] == "batch" and each["source"] == "aws:sqs"
    ]
    assert letter["Body"] == "poison of a queue"
    assert first["messageId"] == second["messageId"] == letter["MessageId"]
    assert first["eventSourceARN"] == f"arn:aws:sqs:{REGION}:123456789012:wspubsub"
    assert [
        each["attributes"]["ApproximateReceiveCount"] for each in (first, second)
    ] == ["1", "2"]
    assert sum(each["failed"] for each in lines) == 2
    assert {"one", "two"} <= {each for batch in batches(sources) for each in batch}
    left = client("sqs", sources).get_queue_attributes(
        QueueUrl=ready(sources)["queue_url"], AttributeNames=["All"]
    )["Attributes"]
    assert left["ApproximateNumberOfMessages"] == "0"
    assert left["ApproximateNumberOfMessagesNotVisible"] == "0"


@pytest.mark.slow
def test_a_poison_record_is_given_up_and_nothing_else(sources: DevGateway) -> None:
    url, table = sources.dynamodb_url, "elsewhere"
    created = run(
        *("create-table", table, "--endpoint", url, "--region", REGION, "--stream")
    )
    write(sources, "too early", table=table)
    with elsewhere(
        sources,
        table,
        *("--streams", "--stream-bisect"),
        *("--stream-retries", "1", "--stream-batch-size", "3"),
    ) as gateway:
        write(gateway, "a", "raise", "b", "c", "poison", "d")
        gateway.wait_for_line('"d"]')
        told = gateway.wait_for(lambda each: each["kind"] == "warning", count=2)

        seen = {each for batch in batches(gateway) for each in batch}
        invoked = gateway.wait_for(lambda each: each["kind"] == "batch")

    assert created.returncode == 0, created.stderr
    assert seen == {"a", "raise", "b", "c", "poison", "d"}
    assert max(len(batch) for batch in batches(gateway)) <= 3
    assert '"batchSize": 1' in told["text"]
    assert {"source", "records", "duration_ms", "outcome"} <= invoked.keys()


@pytest.mark.slow
def test_ctrl_c_ends_what_waits_for_messages(sources: DevGateway) -> None:
    table = "for-the-queue"
    create_table(table, client=client("dynamodb", sources))
    with elsewhere(sources, table, "--queue") as gateway:
        processes = descendants(gateway.process.pid)
        began = time.monotonic()

        status = gateway.stop()

    # A reception waits for 20 seconds.
    assert time.monotonic() - began < 10
    assert status == 0
    assert len(processes) >= 2
    assert have_ended(processes)
    assert not ready(gateway)["queue_url"].startswith(sources.dynamodb_url)


def test_a_table_without_a_stream_is_refused(sources: DevGateway) -> None:
    url, table = sources.dynamodb_url, "without-a-stream"
    create_table(table, client=client("dynamodb", sources))

    ended = run(
        *("dev", HANDLER, "--port", "0", "--region", REGION, "--streams"),
        *("--dynamodb", url, "--table", table),
    )

    assert ended.returncode == 1
    assert "has no stream; enable it with: wspubsub create-table" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--streams", "--stream-batch-size", "0"], "from 1 to 10000"),
        (["--streams", "--stream-max-age", "5"], "from 60 to 604800"),
        (["--queue", "--queue-batch-size", "11"], "from 1 to 10, not 11"),
        (["--queue", "--queue-visibility", "28"], "must not exceed"),
    ],
)
def test_what_aws_would_refuse_is_refused(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["dev", HANDLER, *arguments])

    assert status == 2
    assert problem in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_that_is_created_again_is_read_from_the_beginning() -> None:
    with dev(HANDLER, *OPTIONS, "--streams") as gateway:
        write(gateway, "before")
        gateway.wait_for_line('BATCH ["before"]')
        client("dynamodb", gateway).delete_table(TableName=gateway.table)
        gateway.wait_for(lambda each: "is unavailable" in each.get("text", ""))
        create_table(gateway.table, client=client("dynamodb", gateway), stream=True)
        write(gateway, "after")

        gateway.wait_for_line('"after"')
        gateway.wait_for(lambda each: "was created again" in each.get("text", ""))
