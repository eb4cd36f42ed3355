"""`wspubsub dev` with a table that is kept, tables of one's own, and a fixed port."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.servers.gateways import APPS, DevGateway, dev, run
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog

PROBE = f"{APPS / 'probe.py'}:handler"
SETUP = """
import boto3
client = boto3.client("dynamodb")
if "orders" not in client.list_tables()["TableNames"]:
    client.create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("id", "user")
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[{
            "IndexName": "by-user",
            "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    print("made the table of orders")
"""

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def make_client(gateway: DevGateway) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=gateway.dynamodb_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def serve(data: Path, *arguments: str) -> Any:
    return dev(PROBE, "--environments", "1", "--data", str(data), *arguments)


def test_tables_are_kept_over_a_restart(data: Path, tmp_path: Path) -> None:
    setup = tmp_path / "setup.py"
    setup.write_text(SETUP)
    order = {"id": {"S": "1"}, "user": {"S": "ann"}, "raw": {"B": b"\x00\xff"}}
    with serve(data, "--setup", str(setup)) as gateway:
        client = make_client(gateway)
        assert any("made the table" in str(each) for each in gateway.records)
        store = DynamoDBSubscriptionStore(gateway.table, client=client)
        for number in range(30):
            store.subscribe(f"c{number:02}=", "news")
        DynamoDBTopicLog(gateway.table, client=client).append("news", b"\xfe")
        client.put_item(TableName="orders", Item=order)

    with serve(data, "--setup", str(setup)) as gateway:
        client = make_client(gateway)
        store = DynamoDBSubscriptionStore(gateway.table, client=client)
        log = DynamoDBTopicLog(gateway.table, client=client)
        found = client.query(
            TableName="orders",
            IndexName="by-user",
            KeyConditionExpression="#u = :u",
            ExpressionAttributeNames={"#u": "user"},
            ExpressionAttributeValues={":u": {"S": "ann"}},
        )
        table = client.describe_table(TableName="orders")["Table"]
        ttl = client.describe_time_to_live(TableName=gateway.table)

        assert len([*store.subscribers("news")]) == 30
        assert [each.data for each in log.read_history("news").messages] == [b"\xfe"]
        assert found["Items"] == [order]
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
        assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at"
        assert not any("made the table" in str(each) for each in gateway.records)


def test_a_gateway_that_is_killed_loses_nothing(data: Path) -> None:
    with serve(data) as gateway:
        store = DynamoDBSubscriptionStore(gateway.table, client=make_client(gateway))
        store.subscribe("a=", "news")
        gateway.stop(signal.SIGKILL)

    with serve(data, "--streams") as gateway:
        client = make_client(gateway)
        store = DynamoDBSubscriptionStore(gateway.table, client=client)
        assert [*store.subscribers("news")] == ["a="]
        assert not [each for each in gateway.records if each["kind"] == "batch"]


def test_a_folder_that_cannot_be_written_is_warned_of(data: Path) -> None:
    with serve(data) as gateway:
        (data / "tables.new").mkdir()
        store = DynamoDBSubscriptionStore(gateway.table, client=make_client(gateway))
        store.subscribe("a=", "news")

        warning = gateway.wait_for(
            lambda each: "cannot save the tables" in str(each.get("text"))
        )
        assert warning["kind"] == "warning"
        (data / "tables.new").rmdir()


def test_two_gateways_do_not_share_a_folder(data: Path) -> None:
    with serve(data):
        done = run("dev", PROBE, "--port", "0", "--data", str(data))

    assert done.returncode == 1
    assert f"another gateway keeps its tables in {data}" in done.stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not JSON", "cannot be read"),
        ("", "cannot be read"),
        (json.dumps({"kind": "tables of wspubsub dev", "version": 99}), "version"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_alone(
    data: Path, text: str, reason: str
) -> None:
    data.mkdir()
    file = data / "tables.jsonl"
    file.write_text(text)

    done = run("dev", PROBE, "--port", "0", "--data", str(data))

    assert done.returncode == 1
    assert reason in done.stderr
    assert "move it away" in done.stderr
    assert file.read_text() == text


def test_a_setup_that_fails_says_why(tmp_path: Path) -> None:
    setup = tmp_path / "setup.py"
    setup.write_text("print('begins')\nraise ValueError('no such thing')\n")

    done = run("dev", PROBE, "--port", "0", "--setup", str(setup))

    assert done.returncode == 1
    assert done.stderr.endswith("nothing is served: ValueError: no such thing\n")


def test_the_port_of_dynamodb_can_be_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("dev", PROBE, "--port", "0", "--dynamodb-port", port)
    with dev(PROBE, "--environments", "1", "--dynamodb-port", port) as gateway:
        assert gateway.dynamodb_url == f"http://127.0.0.1:{port}"

    assert done.returncode == 1
    assert f"cannot listen on port {port}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--data", "d", "--dynamodb", "http://x.test"], "leave them out"),
        (["--dynamodb-port", "1", "--dynamodb", "http://x.test"], "leave them out"),
        (["--setup", "nowhere.py"], "nowhere.py is not a file"),
    ],
)
def test_options_that_cannot_work_are_refused(
    arguments: list[str], reason: str
) -> None:
    done = run("dev", PROBE, *arguments)

    assert done.returncode == 2
    assert reason in done.stderr
