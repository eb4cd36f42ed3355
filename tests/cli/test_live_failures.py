"""The commands for a live deployment where a part of the work cannot be done."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from tests.contracts.members import begin, open_session
from tests.support import moto_websocket
from tests.support.servers.gateways import CREDENTIALS, command, environment
from tests.support.servers.management import Fault, ManagementServer, management_server
from wspubsub.cli import main, scanning
from wspubsub.dynamodb import (
    DynamoDBMemberStore,
    DynamoDBSubscriptionStore,
    create_table,
)

TABLE = "chat"
REFUSAL = Fault(400, "BadRequestException", "no")
pytestmark = pytest.mark.slow

Said = pytest.CaptureFixture[str]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(TABLE, client=client)
        yield client


@pytest.fixture
def api() -> Iterator[ManagementServer]:
    with management_server() as running:
        yield running


@pytest.fixture
def run(capsys: Said, api: ManagementServer) -> Command:
    """Run a command and return its status, output and complaints."""

    def call(*words: str) -> tuple[int, str, str]:
        status = main([*words, "--table", TABLE, "--endpoint", api.url])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def subscribe(client: Any, *connections: str) -> None:
    store = DynamoDBSubscriptionStore(TABLE, client=client)
    for each in connections:
        store.subscribe(each, "news")


class Outcome(NamedTuple):
    """What the connections `a=` and `b=` do, and how the command ends."""

    connected: set[str]
    refused: list[str]
    status: int
    said: str = ""

    def plan(self, api: ManagementServer) -> None:
        api.connected |= self.connected
        for each in self.refused:
            api.plan(each, REFUSAL, times=2)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome({"a=", "b="}, [], 0, "2 delivered\n"),
        Outcome({"a="}, [], 0, "1 delivered, 1 gone\n"),
        Outcome({"a="}, ["b="], 3, "1 delivered\n"),
        Outcome(set(), ["a=", "b="], 1, "0 delivered\n"),
    ],
)
def test_a_publish_ends_with_what_became_of_it(
    run: Command, client: Any, api: ManagementServer, outcome: Outcome
) -> None:
    subscribe(client, "a=", "b=")
    outcome.plan(api)

    found, out, complaint = run("publish", "news", "hi")
    report = json.loads(run("publish", "news", "hi", "--json")[1])

    assert (found, out) == (outcome.status, outcome.said)
    assert ("not everybody got the message" in complaint) == bool(outcome.refused)
    assert sorted(report["failed"]) == outcome.refused


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome({"a=", "b="}, [], 0),
        Outcome({"a="}, [], 0),
        Outcome(set(), [], 0),
        Outcome({"a="}, ["b="], 3),
        Outcome(set(), ["a=", "b="], 1),
    ],
)
def test_a_disconnect_ends_with_what_became_of_it(
    run: Command, client: Any, api: ManagementServer, outcome: Outcome
) -> None:
    members = DynamoDBMemberStore(TABLE, client=client)
    for each in ("a=", "b="):
        begin(members, open_session(members, each), 1)
    outcome.plan(api)

    status, out, complaint = run("disconnect", "--user", "ann")

    gone = {"a=", "b="} - outcome.connected - set(outcome.refused)
    assert status == outcome.status
    assert set(out.splitlines()) == {
        *(f"{each} closed" for each in outcome.connected),
        *(f"{each} was gone" for each in gone),
    }
    assert [line.split()[2] for line in complaint.splitlines()] == outcome.refused


def test_a_single_connection_that_was_gone_is_a_failure(run: Command) -> None:
    assert run("disconnect", "a=")[:2] == (1, "a= was gone\n")


def test_a_long_scan_says_how_far_it_is(
    run: Command, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "PROGRESS_SECONDS", 0)
    for number in range(4):  # a page has up to 1 MB
        item = {"pk": {"S": str(number)}, "sk": {"S": "x"}, "x": {"B": b"x" * 380_000}}
        client.put_item(TableName=TABLE, Item=item)

    status, _, said = run("topics", "--yes")

    assert status == 0
    counts = [line.split()[1] for line in said.splitlines() if "items read" in line]
    assert len(counts) > 1
    assert counts[-1] == "4"
    assert said.splitlines()[-1] == "wspubsub: 4 of about 4 items read"


def table(name: str) -> dict[str, Any]:
    keys = {"pk": "HASH", "sk": "RANGE"}
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": each, "AttributeType": "S"} for each in keys
            ],
            "KeySchema": [
                {"AttributeName": each, "KeyType": kind} for each, kind in keys.items()
            ],
        },
    }


def api_of(name: str, *stages: str) -> dict[str, Any]:
    api = {"Name": name, "ProtocolType": "WEBSOCKET"}
    return {
        name: {"Type": "AWS::ApiGatewayV2::Api", "Properties": api},
        **{
            f"{name}{each}": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {"ApiId": {"Ref": name}, "StageName": each},
            }
            for each in stages
        },
    }


@pytest.mark.parametrize(
    ("resources", "no_table", "no_endpoint"),
    [
        (
            {"One": table("one"), "Two": table("two"), **api_of("A", "prod", "test")},
            "stack chat has 2 tables (one, two); choose one with --table NAME",
            "has 1 API and 2 stages (prod, test); choose one with --endpoint https://",
        ),
        (
            api_of("A", "prod") | api_of("B"),
            "stack chat has no table; choose one with --table NAME",
            " and 1 stage; choose one with --endpoint https://API.execute-api.REGION",
        ),
    ],
)
def test_a_stack_with_several_has_to_be_told_which(
    capsys: Said, resources: dict[str, Any], no_table: str, no_endpoint: str
) -> None:
    moto_websocket.install()
    boto3.client("cloudformation").create_stack(
        StackName="chat", TemplateBody=json.dumps({"Resources": resources})
    )
    endpoint = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"

    assert main(["subscribers", "news", "--stack", "chat"]) == 2
    assert no_table in capsys.readouterr().err
    assert main(["post", "a=", "hi", "--stack", "chat"]) == 2
    assert no_endpoint in capsys.readouterr().err
    assert main(["subscribers", "news", "--stack", "chat", "--table", TABLE]) == 0
    assert main(["post", "a=", "hi", "--stack", "chat", "--endpoint", endpoint]) == 0


def test_without_a_region_the_option_is_named(
    capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    assert main(["topics", "--table", TABLE]) == 2
    assert "no Region is configured; add --region" in capsys.readouterr().err


@contextmanager
def stuck_table() -> Iterator[tuple[str, threading.Event]]:
    """Serve a table whose second page never comes; the event says it was asked for."""
    asked, done = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer: dict[str, Any] = {"Items": [], "LastEvaluatedKey": {"pk": {}}}
            if self.headers["X-Amz-Target"].endswith("DescribeTable"):
                answer = {"Table": {"ItemCount": 2, "TableSizeBytes": 2_000_000}}
            elif b"ExclusiveStartKey" in body:
                asked.set()
                done.wait()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # as a client leaves
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        done.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_can_be_interrupted_between_two_pages(number: signal.Signals) -> None:
    with (
        stuck_table() as (url, asked),
        subprocess.Popen(
            command("topics", "--table", TABLE, "--dynamodb-url", url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment({**CREDENTIALS, "AWS_REGION": "us-east-1"}),
        ) as process,
    ):
        assert asked.wait(120)
        process.send_signal(number)
        output, complaint = process.communicate(timeout=120)

    assert (process.returncode, output, complaint) == (130, "", "")
