"""Rules of faults in a running `wspubsub dev`."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.contracts.stores import CREDENTIALS
from tests.support.inspector import InspectorError, open_inspector
from tests.support.servers.clients import closed_with, manage
from tests.support.servers.gateways import DevGateway, dev

pytestmark = [pytest.mark.integration, pytest.mark.slow]

APP = """
import time

def handler(event, context):
    print("SAW", event["requestContext"]["eventType"], event.get("body"))
    body = event.get("body") or ""
    if body == "who":
        body = event["requestContext"]["connectionId"]
    if body == "time":
        body = f"{time.time()} {context.get_remaining_time_in_millis() / 1000}"
    return {"statusCode": 200, "body": body}

def allow(event, context):
    statement = {"Action": "*", "Effect": "Allow", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ann", "policyDocument": policy}
"""


class Shaken:
    """A running gateway and its file of rules."""

    def __init__(self, gateway: DevGateway, path: Path) -> None:
        self.gateway = gateway
        self.path = path
        self.changes = 0

    def set_rules(self, *rules: dict[str, Any]) -> None:
        self.changes += 1
        self.path.write_text(json.dumps(rules) + "\n" * self.changes)
        self.gateway.wait_for(
            lambda each: each["kind"] == "note" and "rules.json" in each["text"],
            count=self.changes,
        )

    def wait_for_fault(self, text: str) -> None:
        self.gateway.wait_for(
            lambda each: each["kind"] == "fault" and text in each["text"]
        )


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaken]:
    folder = tmp_path_factory.mktemp("shaken")
    (folder / "app.py").write_text(APP)
    rules = folder / "rules.json"
    rules.write_text("[]")
    arguments = ["--authorizer", "app.py:allow", "--faults", "rules.json"]
    arguments += ["--two-way", "--environments", "1"]
    with dev("app.py:handler", *arguments, cwd=folder) as gateway:
        yield Shaken(gateway, rules)


def rule(action: str, service: str, /, **options: Any) -> dict[str, Any]:
    matched = {"operation", "connection", "topic", "route_key"}
    match = {name: options.pop(name) for name in matched & options.keys()}
    return {"match": {"service": service, **match}, "action": action, **options}


def test_posts_fail_are_slow_and_lose_their_answers(shaken: Shaken) -> None:
    gateway = shaken.gateway
    with gateway.client() as client:
        client.send("who")
        id_ = str(client.recv())
        shaken.set_rules(
            rule("throttle", "management", times=1),
            rule("gone", "management", topic="news", times=1),
            rule("slow", "management", times=1, seconds=0.01),
            rule("lose_answer", "management", times=1),
            rule("lose_request", "management", times=1),
        )

        answers = [manage(gateway, "POST", id_, b'{"topic":"news"}')[0]]
        answers += [manage(gateway, "POST", id_, b'{"topic":"news"}')[0]]
        assert [each.status for each in answers] == [429, 410]
        assert answers[0].headers["x-amzn-errortype"] == "LimitExceededException"
        assert manage(gateway, "POST", id_, b"late")[0].status == 200
        for lost in (b"unheard", b"never sent"):
            with pytest.raises(http.client.RemoteDisconnected):
                manage(gateway, "POST", id_, lost)
        assert manage(gateway, "POST", id_, b"last")[0].status == 200

        assert [client.recv(10) for _ in range(3)] == ["late", "unheard", "last"]
    shaken.wait_for_fault("lost on request, 0 left")


def test_dynamodb_fails_in_its_own_process(shaken: Shaken) -> None:
    shaken.set_rules(
        rule("throttle", "dynamodb", operation="GetItem", times=1),
        rule("throttle", "dynamodb", code="ThrottlingException", times=1),
        rule("fail", "dynamodb", times=1),
        rule("lose_answer", "dynamodb", operation="PutItem", topic="news", times=1),
        rule("slow", "dynamodb", times=1, seconds=0.01),
    )
    client = boto3.client(
        "dynamodb",
        endpoint_url=shaken.gateway.dynamodb_url,
        config=Config(retries={"total_max_attempts": 1}),
        **CREDENTIALS,
    )
    key = {"pk": {"S": "L#news"}, "sk": {"S": "1"}}
    codes = []

    for _ in range(3):
        with pytest.raises(ClientError) as failed:
            client.get_item(TableName=shaken.gateway.table, Key=key)
        codes.append(failed.value.response["Error"]["Code"])
    with pytest.raises(ConnectionClosedError):
        client.put_item(TableName=shaken.gateway.table, Item=key)
    found = client.get_item(TableName=shaken.gateway.table, Key=key)

    assert codes == [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
    ]
    assert found["Item"] == key
    shaken.wait_for_fault("PutItem of wspubsub done, its answer lost on request")
    client.close()


def test_functions_die_and_time_out_and_the_authorizer_denies(shaken: Shaken) -> None:
    with shaken.gateway.client() as client:
        shaken.set_rules(
            rule("kill", "function", route_key="$default", times=1),
            rule("kill", "function", operation="message", seconds=60, times=1),
            rule("time_out", "function", operation="message", seconds=0.3, times=1),
            rule("slow", "function", operation="message", seconds=0.01, times=1),
            rule("deny", "authorizer", times=1),
        )

        heard = []
        for text in ("killed", "in time", "timed out", "late", "alive"):
            client.send(text)
            heard.append(client.recv(20))
        with pytest.raises(InvalidStatus) as refused:
            shaken.gateway.client()

    assert "Internal server error" in str(heard[0])
    assert heard[1] == "in time"
    assert "Internal server error" in str(heard[2])
    assert heard[3:] == ["late", "alive"]
    assert refused.value.response.status_code == 403
    assert shaken.gateway.lines("SAW MESSAGE killed") == []
    assert shaken.gateway.lines("SAW MESSAGE timed out")


def test_a_worker_that_is_killed_while_it_is_slow_or_timing_out_is_noticed(
    shaken: Shaken,
) -> None:
    page = open_inspector(shaken.gateway)
    heard = []
    with shaken.gateway.client() as client:
        for action in ("slow", "time_out"):
            late = rule(action, "function", operation="message", seconds=900, times=1)
            page.call("set_faults", rules=[late])
            client.send("killed")
            shaken.wait_for_fault(
                "(900 s)" if action == "slow" else "timed out (900 s)"
            )
            page.call("set_faults", rules=[])  # which does not end what has begun
            page.call("kill")
            heard.append(client.recv(20))
            client.send("alive")
            heard.append(client.recv(20))

    assert ["Internal server error" in str(each) for each in heard] == [True, False] * 2
    assert heard[1::2] == ["alive"] * 2


def test_the_page_sets_rules_and_sees_what_they_did(shaken: Shaken) -> None:
    page = open_inspector(shaken.gateway)

    with pytest.raises(InspectorError, match=r"did you mean deny\?") as refused:
        page.call("set_faults", rules=[rule("dny", "authorizer")])
    page.call("set_faults", rules=[rule("deny", "authorizer", times=1)])
    with pytest.raises(InvalidStatus):
        shaken.gateway.client()

    assert refused.value.status == 400
    told = page.call("faults")
    assert page.call("state")["faults"] == told["rules"]
    assert [(each["left"], each["hits"]) for each in told["rules"]] == [(0, 1)]
    fault = page.wait_for(lambda each: "authorizer denied" in each.get("text", ""))
    assert fault["kind"] == "fault"
    assert page.parent_of(fault)["function"] == "authorizer"


def test_the_page_closes_and_drops_connections_and_kills_workers(
    shaken: Shaken,
) -> None:
    gateway, page = shaken.gateway, open_inspector(shaken.gateway)
    ids = []
    with gateway.client() as closed, gateway.client() as dropped:
        for client in (closed, dropped):
            client.send("who")
            ids.append(str(client.recv()))

        page.call("close", connection=ids[0])
        page.call("drop", connection=ids[1])

        assert closed_with(closed) == 1000
        with pytest.raises(ConnectionClosed) as ended:
            dropped.recv(10)
        assert ended.value.rcvd is None
    # Its post is accepted as on AWS, where nobody has noticed yet.
    assert manage(gateway, "POST", ids[1], b"x")[0].status == 200
    assert manage(gateway, "POST", ids[0], b"x")[0].status == 410
    for method in ("close", "drop"):
        with pytest.raises(InspectorError) as refused:
            page.call(method, connection=ids[1])
        assert refused.value.status == 404
    assert page.call("kill")["killed"] >= 1
    with gateway.client() as client:
        client.send("alive")
        assert client.recv(20) == "alive"


def test_the_page_is_told_what_the_traffic_would_cost(shaken: Shaken) -> None:
    gateway, page = shaken.gateway, open_inspector(shaken.gateway)
    before = page.call("costs")
    client = boto3.client("dynamodb", endpoint_url=gateway.dynamodb_url, **CREDENTIALS)
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    client.put_item(TableName=gateway.table, Item={**key, "x": {"S": "y" * 1024}})
    client.get_item(TableName=gateway.table, Key=key)
    client.close()
    with gateway.client() as socket:
        socket.send('{"topic":"costly"}')
        socket.recv(10)

        costs = page.call("costs")

    assert costs["is_table_counted"]
    put, was = costs["dynamodb"]["PutItem"], before["dynamodb"].get("PutItem", {})
    assert put["write_units"] - was.get("write_units", 0) == 2
    assert costs["dynamodb"]["GetItem"]["read_units"] > 0
    assert costs["messages"]["in"] == before["messages"]["in"] + 1
    costly = costs["topics"]["costly"]
    assert (costly["in"], costly["out"]) == (1, 1)
    assert costs["invocations"]["$connect authorizer"]["count"] >= 1
    assert costs["dollars"]["total"] > before["dollars"]["total"]


def test_a_slow_client_is_throttled_until_it_reads_again(shaken: Shaken) -> None:
    gateway, page = shaken.gateway, open_inspector(shaken.gateway)
    with gateway.client() as client:
        client.send("who")
        id_ = str(client.recv())

        page.call("slow", connection=id_, bytes_per_second=10)
        big = Random(1).randbytes(60_000).hex().encode()  # does not compress well
        statuses = [manage(gateway, "POST", id_, big)[0].status]
        while statuses[-1] == 200 and len(statuses) < 100:
            statuses.append(manage(gateway, "POST", id_, big)[0].status)
        page.call("slow", connection=id_, bytes_per_second=None)

        assert statuses[-1] == 429
        heard = [client.recv(20) for _ in statuses[:-1]]
        assert heard == [big.decode()] * (len(statuses) - 1)
        page.call("slow", connection=id_, bytes_per_second=100_000)
        client.send("slowly")
        assert client.recv(20) == "slowly"
    with pytest.raises(InspectorError):
        page.call("slow", connection=id_, bytes_per_second=10)


def test_the_clock_is_advanced_for_the_gateway_and_its_workers(shaken: Shaken) -> None:
    gateway, page = shaken.gateway, open_inspector(shaken.gateway)
    with gateway.client() as client:
        client.send("time")
        before = float(str(client.recv(20)).split()[0])

        offset = page.call("advance", seconds=600)["clock_offset"]

        assert closed_with(client) == 1001
    with gateway.client() as client:
        client.send("time")
        after, left = map(float, str(client.recv(20)).split())
    assert offset == page.call("state")["clock_offset"] == 600
    assert after - before >= 600
    assert 0 < left <= 30
    with pytest.raises(InspectorError, match="from 1 to"):
        page.call("advance", seconds=-1)


def test_a_wrong_file_changes_nothing_and_says_why(shaken: Shaken) -> None:
    shaken.set_rules(rule("deny", "authorizer", times=1))

    shaken.path.write_text('[{"match": {"service": "management"}, "action": "gon"}]')

    warned = shaken.gateway.wait_for(
        lambda each: each["kind"] == "warning" and "unchanged" in each["text"]
    )
    assert "did you mean gone?" in warned["text"]
    with pytest.raises(InvalidStatus):
        shaken.gateway.client()
