"""Time that passes at once in a running `wspubsub dev`, and what goes by it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
import pytest

from tests.contracts.stores import CREDENTIALS
from tests.support.inspector import open_inspector
from tests.support.servers.gateways import DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LIFETIME_SECONDS = 300
ADVANCE_SECONDS = 400
"""After a token's lifetime, and before idle connections are closed."""

APP = """
import json
import time

from wspubsub.pubsub import PubSub, User

pubsub = PubSub.from_environment()

@pubsub.connect
def connect(request):
    return User("ann", expires_at=float(request.token))

def handler(event, context):
    for record in event.get("Records", ()):
        if "body" in record:
            sent_at = int(record["attributes"]["SentTimestamp"]) / 1000
            print("QUEUED", record["body"], time.time() - sent_at)
            continue
        change = record["dynamodb"]
        print("RECORD", json.dumps({
            "key": change["Keys"]["pk"]["S"],
            "name": record["eventName"],
            "by": record.get("userIdentity"),
            "age": time.time() - change["ApproximateCreationDateTime"],
        }))
    return None if "Records" in event else pubsub(event, context)
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevGateway]:
    folder = tmp_path_factory.mktemp("advanced")
    (folder / "app.py").write_text(APP)
    with dev(
        "app.py:handler", "--streams", "--queue", "--two-way", cwd=folder
    ) as gateway:
        yield gateway


def read_record(gateway: DevGateway, key: str, name: str) -> dict[str, Any]:
    start = f'RECORD {{"key": "{key}", "name": "{name}"'
    line = gateway.wait_for_line(start)
    record: dict[str, Any] = json.loads(line.partition("RECORD ")[2])
    return record


def test_a_token_expires_and_an_item_too_when_the_clock_is_advanced(
    gateway: DevGateway,
) -> None:
    table = boto3.client("dynamodb", endpoint_url=gateway.dynamodb_url, **CREDENTIALS)
    until = time.time() + LIFETIME_SECONDS
    for name, expiry in (("short", until), ("long", until + ADVANCE_SECONDS)):
        item = {
            "pk": {"S": name},
            "sk": {"S": "#"},
            "expires_at": {"N": f"{expiry:.0f}"},
        }
        table.put_item(TableName=gateway.table, Item=item)
    connect = json.dumps({"id": 1, "connect": {"token": str(until)}})
    page = open_inspector(gateway)

    with gateway.client() as client:
        client.send(connect)
        connected = json.loads(client.recv(20))
        answer = page.call("advance", seconds=ADVANCE_SECONDS)
        client.send(json.dumps({"id": 2, "subscribe": {"channel": "news"}}))
        told = json.loads(client.recv(20))
    with gateway.client() as late:
        late.send(connect)
        refused = json.loads(late.recv(20))

    assert LIFETIME_SECONDS - 60 < connected["connect"]["ttl"] <= LIFETIME_SECONDS
    assert answer == {"clock_offset": ADVANCE_SECONDS, "expired": 1}
    assert told["push"]["disconnect"]["code"] == 3005  # connection expired
    assert refused["error"]["code"] == 109  # token expired
    keys = {each["pk"]["S"] for each in table.scan(TableName=gateway.table)["Items"]}
    assert "short" not in keys
    assert "long" in keys
    removed = read_record(gateway, "short", "REMOVE")
    assert removed["by"]["principalId"] == "dynamodb.amazonaws.com"
    table.close()


def test_what_a_queue_delays_is_due_when_the_clock_is_advanced(
    gateway: DevGateway,
) -> None:
    page = open_inspector(gateway)
    url = gateway.wait_for(lambda each: each["kind"] == "ready")["queue_url"]
    sqs = boto3.client("sqs", endpoint_url=gateway.dynamodb_url, **CREDENTIALS)

    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=900)
    page.call("advance", seconds=901)
    delayed = gateway.wait_for_line("QUEUED delayed")
    sqs.send_message(QueueUrl=url, MessageBody="new")

    assert float(delayed.split()[-1]) > 900
    assert float(gateway.wait_for_line("QUEUED new").split()[-1]) < 600
    sqs.close()


def test_what_is_written_later_is_dated_by_the_same_clock(gateway: DevGateway) -> None:
    page = open_inspector(gateway)
    before = page.call("state")["clock_offset"]
    page.call("advance", seconds=7200)
    offset = page.call("advance", seconds=7200)["clock_offset"]
    table = boto3.client("dynamodb", endpoint_url=gateway.dynamodb_url, **CREDENTIALS)
    page.call("follow", after=0, wait=0)
    began = time.time()

    item = {"pk": {"S": "new"}, "sk": {"S": "#"}}
    table.put_item(TableName=gateway.table, Item=item)

    assert offset == before + 14_400
    # As late as a slow machine may be, and not four hours.
    assert -60 < read_record(gateway, "new", "INSERT")["age"] < 3600
    call = page.wait_for(lambda each: each.get("operation") == "PutItem")
    # The log and the inspector keep real time.
    assert abs(call["at"] - began) < 3600
    table.close()


def test_advances_at_the_same_time_are_all_answered(gateway: DevGateway) -> None:
    page = open_inspector(gateway)
    before = page.call("advance", seconds=1)["clock_offset"]

    with ThreadPoolExecutor() as pool:
        advance = partial(page.call, "advance", seconds=1)
        answers = [each.result() for each in [pool.submit(advance) for _ in range(3)]]

    assert max(each["clock_offset"] for each in answers) == before + 3
