"""`wspubsub dev --streams --queue`: event sources invoke the same workers."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.gateways import DevGateway, Record, descendants, dev, have_ended, run

pytestmark = pytest.mark.integration
APP = "tests/apps/event_sources.py:handler"


@pytest.fixture(scope="module")
def gateway() -> Iterator[DevGateway]:
    with dev(APP, "--streams", "--queue", "--timeout", "10") as running:
        yield running


def order(gateway: DevGateway, **orders: Any) -> None:
    with gateway.client() as client:
        client.send(json.dumps(orders))


def handled(gateway: DevGateway, prefix: str) -> list[str]:
    lines = [line.partition("HANDLING ")[2] for line in gateway.lines("HANDLING ")]
    return [line.rpartition(" ")[0] for line in lines if line.startswith(prefix)]


def record_of(gateway: DevGateway, text: str) -> dict[str, Any]:
    line = gateway.wait_for_line(text)
    found: dict[str, Any] = json.loads(line.partition("RECORD ")[2])
    return found


def test_a_stream_record_looks_as_on_aws(gateway: DevGateway) -> None:
    order(gateway, name="shape", put=["hello stream"])

    record = record_of(gateway, '"S": "hello stream"')

    change = record["dynamodb"]
    assert record["eventSource"] == "aws:dynamodb"
    assert record["eventName"] == "INSERT"
    assert record["eventVersion"] == "1.1"
    assert ":table/wspubsub/stream/" in record["eventSourceARN"]
    assert change["Keys"] == {"pk": {"S": "test"}, "sk": {"S": "shape-0"}}
    assert base64.b64decode(change["NewImage"]["data"]["B"]) == b"\x00\xff"
    assert isinstance(change["ApproximateCreationDateTime"], float)
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert change["SequenceNumber"].isdigit()


def test_a_queue_message_looks_as_on_aws(gateway: DevGateway) -> None:
    order(gateway, send=["hello queue"])

    record = record_of(gateway, '"body": "hello queue"')

    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":wspubsub-fanout")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"messageId", "receiptHandle", "md5OfBody", "awsRegion"} <= record.keys()


def test_a_worker_that_dies_in_the_middle_loses_no_record(
    gateway: DevGateway, tmp_path: Path
) -> None:
    texts = ["die-a", f"die once {tmp_path / 'flag'}", "die-b"]

    order(gateway, name="die", put=texts)
    gateway.wait_for_line("HANDLING die-b")

    assert handled(gateway, "die once ") == [texts[1]] * 2
    failures = [each for each in gateway.records if each["kind"] == "sourced"]
    assert any(each["outcome"] == "Runtime.ExitError" for each in failures)


def test_from_the_record_that_failed_on_all_come_again(
    gateway: DevGateway, tmp_path: Path
) -> None:
    texts = ["again-a", f"fail once {tmp_path / 'flag'}", "again-b"]

    order(gateway, name="again", put=texts)
    gateway.wait_for(lambda each: "HANDLING fail once" in each.get("line", ""), count=2)
    gateway.wait_for_line("HANDLING again-b")

    assert handled(gateway, "fail once ") == [texts[1]] * 2


def test_a_poison_record_is_left_behind_at_last(gateway: DevGateway) -> None:
    order(gateway, name="poison", put=["before", "raise", "after"])

    warning = gateway.wait_for(_is_left_behind)
    gateway.wait_for_line("HANDLING after")

    assert "1 stream records are left behind" in warning["text"]
    assert '"poison-1"' in warning["text"]
    assert len(handled(gateway, "raise")) > 5


def test_a_queue_message_comes_again_until_it_is_dead(
    gateway: DevGateway, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"

    order(gateway, send=[f"fail once {flag}", "fail", "fine"])
    warning = gateway.wait_for(lambda each: "dead-letter queue" in each.get("text", ""))

    assert "failed 5 times" in warning["text"]
    assert handled(gateway, f"fail once {flag}") == [f"fail once {flag}"] * 2
    assert handled(gateway, "fine") == ["fine"]


def test_the_log_tells_of_each_invocation(gateway: DevGateway) -> None:
    order(gateway, name="log", put=["logged"])
    gateway.wait_for_line("HANDLING logged")

    told = gateway.wait_for(lambda each: each["kind"] == "sourced")

    assert told["source"] in {"stream", "queue"}
    assert told["records"] >= 1
    assert {"failed", "duration_ms", "outcome", "invocation_id"} <= told.keys()


def test_the_ready_line_names_the_sources(gateway: DevGateway) -> None:
    ready = gateway.wait_for(lambda each: each["kind"] == "ready")

    assert ":table/wspubsub/stream/" in ready["stream"]
    assert ready["queue_url"].endswith("/wspubsub-fanout")


def test_it_ends_with_everything_it_started() -> None:
    with dev(APP, "--streams", "--queue") as gateway:
        gateway.wait_for(lambda each: each["kind"] == "ready")
        children = descendants(gateway.process.pid)

        assert gateway.stop() == 0

    assert children
    assert have_ended(children)


def test_a_table_of_ones_own_needs_a_stream(gateway: DevGateway) -> None:
    url = gateway.wait_for(lambda each: each["kind"] == "ready")["dynamodb_url"]
    endpoint = ("--endpoint", url, "--region", "us-east-1")
    assert run("create-table", "without", *endpoint).returncode == 0

    refused = run(
        "dev", APP, "--port", "0", "--streams", "--table", "without", "--dynamodb", url
    )
    made = run("create-table", "without", "--stream", *endpoint)

    assert refused.returncode == 1
    assert "wspubsub create-table without --stream" in refused.stderr
    assert made.returncode == 0
    with dev(
        *(APP, "--streams", "--queue", "--table", "without", "--dynamodb", url)
    ) as other:
        order(other, name="own", put=["own table"], send=["own queue"])
        other.wait_for_line("HANDLING own table")
        other.wait_for_line("HANDLING own queue")


@pytest.mark.parametrize(
    ("flag", "number", "text"),
    [
        ("--queue-batch-size", "11", "at most 10"),
        ("--stream-batch-size", "0", "at least 1"),
        ("--stream-batch-size", "10001", "at most 10,000"),
    ],
)
def test_a_batch_has_the_size_that_aws_allows(
    flag: str, number: str, text: str
) -> None:
    result = run("dev", APP, flag, number)

    assert result.returncode == 2
    assert text in result.stderr


def _is_left_behind(record: Record) -> bool:
    return "left behind" in record.get("text", "")
