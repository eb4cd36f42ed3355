"""The commands for a live deployment, against AWS as moto has it."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.contracts.members import begin, open_session
from wspubsub import Connection
from wspubsub.cli import main
from wspubsub.dynamodb import (
    DynamoDBMemberStore,
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
    create_table,
)

TABLE = "chat"
ENDPOINT = "https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"
WHERE = ("--table", TABLE, "--endpoint", ENDPOINT)
pytestmark = pytest.mark.slow

Said = pytest.CaptureFixture[str]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("COLUMNS", "80")
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(TABLE, client=client)
        yield client


@pytest.fixture
def command(capsys: Said) -> Command:
    """Run a command and return its status, output and complaints."""

    def call(*words: str) -> tuple[int, str, str]:
        status = main([*words, *WHERE])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def read_json(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def store(client: Any) -> DynamoDBSubscriptionStore:
    return DynamoDBSubscriptionStore(TABLE, client=client, shards=20)


@pytest.fixture
def members(client: Any) -> DynamoDBMemberStore:
    return DynamoDBMemberStore(TABLE, client=client)


def test_connections_and_topics_are_listed(
    command: Command, store: DynamoDBSubscriptionStore, client: Any
) -> None:
    store.connect(Connection(id="b=", connected_at=20.0, principal="bob"))
    store.connect(Connection(id="a=", connected_at=10.0))
    store.subscribe("a=", "x", "news")
    store.subscribe("late=", "news")
    DynamoDBTopicLog(TABLE, client=client).append("news", b"1")

    connections = read_json(command("connections", "--yes", "--json")[1])
    topics = read_json(command("topics", "--yes", "--json")[1])

    assert [(each["connection"], each["topics"]) for each in connections] == [
        ("late=", ["news"]),
        ("a=", ["news", "x"]),
        ("b=", []),
    ]
    assert [
        (each["topic"], each["subscribers"], each.get("last_offset")) for each in topics
    ] == [("news", 2, 1), ("x", 1, None)]
    assert "bob" in command("connections", "--yes")[1]


def test_a_scan_says_what_it_costs_and_is_agreed_to_first(
    command: Command, store: DynamoDBSubscriptionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.subscribe("a=", "news")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))

    status, out, complaint = command("topics")

    assert (status, out) == (2, "")
    assert "about 2 items, 0.0 MB, 1 read units, $0.000000" in complaint
    assert "add --yes" in complaint


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("\n", 2), ("", 2)])
def test_somebody_at_a_terminal_is_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)

    found, _, asked = command("topics")

    assert found == status
    assert "Go on? [y/N] " in asked


def test_subscribers_in_many_shards_are_found(
    command: Command, store: DynamoDBSubscriptionStore
) -> None:
    for number in range(30):
        store.subscribe(f"c{number:02}=", "news")

    found = read_json(command("subscribers", "news", "--json")[1])
    first = read_json(command("subscribers", "news", "--json", "--shards", "1")[1])

    assert [each["connection"] for each in found] == [f"c{n:02}=" for n in range(30)]
    assert len(first) < len(found)


def test_who_is_present(command: Command, members: DynamoDBMemberStore) -> None:
    ann = open_session(members, info='{"name":"Ann"}')
    begin(members, ann, 1, has_presence=True)

    status, out, _ = command("presence", "news")

    assert status == 0
    assert out.splitlines() == [
        "CONNECTION  USER  KIND     INFO",
        'a=          ann   present  {"name":"Ann"}',
    ]


def test_a_history_has_positions_and_no_control_characters(
    command: Command, client: Any
) -> None:
    log = DynamoDBTopicLog(TABLE, client=client)
    for number in range(3):
        log.append("news", b"\x1b[2J%d" % number)
    epoch = log.position("news")

    _, out, _ = command("history", "news", "--last", "2")
    after = read_json(command("history", "news", "--after", "1", "--json")[1])

    assert "\x1b" not in out
    assert [line.split()[-1] for line in out.splitlines()[1:]] == [
        "\\x1b[2J1",
        "\\x1b[2J2",
    ]
    assert epoch is not None
    assert [(each["epoch"], each["offset"]) for each in after] == [
        (epoch.epoch, 2),
        (epoch.epoch, 3),
    ]


def test_a_topic_without_a_log_is_said_to_have_none(command: Command) -> None:
    status, _, complaint = command("history", "news")

    assert status == 0
    assert "has no log" in complaint


def test_a_publish_goes_into_the_log_and_to_the_subscribers(
    command: Command, store: DynamoDBSubscriptionStore, client: Any
) -> None:
    log = DynamoDBTopicLog(TABLE, client=client)
    log.append("news", b"old")
    store.subscribe("a=", "news")

    status, out, complaint = command("publish", "news", "hello")
    plain = command("publish", "other", "hello", "--json")[1]

    assert (status, complaint) == (0, "")
    assert out == "offset 2 of the log; 1 delivered\n"
    assert log.read_history("news").messages[-1].data == b"hello"
    [report] = read_json(plain)
    assert (report["position"], report["is_complete"]) == (None, True)


def test_a_table_with_a_stream_delivers_what_is_in_the_log(
    command: Command, store: DynamoDBSubscriptionStore, client: Any
) -> None:
    create_table(TABLE, client=client, stream=True)
    DynamoDBTopicLog(TABLE, client=client).append("news", b"old")
    store.subscribe("a=", "news")

    _, by_stream, _ = command("publish", "news", "hello")
    _, posted, _ = command("publish", "news", "hello", "--post")

    assert by_stream == "offset 2 of the log; the table's stream delivers it\n"
    assert posted == "offset 3 of the log; 1 delivered\n"


def test_the_members_of_a_pubsub_get_json_only(
    command: Command, members: DynamoDBMemberStore
) -> None:
    begin(members, open_session(members), 1)

    status, _, complaint = command("publish", "news", "hello")
    done, out, _ = command("publish", "news", '{"text":\n"hello"}')

    assert (status, done, out) == (2, 0, "1 delivered\n")
    assert "must be JSON" in complaint
    assert command("post", "a=", "hello")[0] == 2
    assert command("post", "a=", '"hello"', "--json")[0] == 0
    assert command("post", "a=", "hello", "--raw")[0] == 0


def test_data_may_come_from_the_standard_input(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hi\n")))
    assert command("publish", "news", "-")[0] == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert command("publish", "news", "-")[0] == 2


def test_the_connections_of_a_user_are_closed(
    command: Command, members: DynamoDBMemberStore
) -> None:
    open_session(members)

    status, out, _ = command("disconnect", "--user", "ann")
    unknown, _, complaint = command("disconnect", "--user", "bob")

    assert (status, out) == (0, "a= closed\n")
    assert unknown == 1
    assert "has no connections" in complaint
    assert command("disconnect")[0] == 2
    assert read_json(command("disconnect", "x=", "--json")[1]) == [
        {"closed": ["x="], "gone": [], "failed": {}}
    ]


@pytest.mark.parametrize("name", ["-mXaGIdaW1NuXlg=", "--XaGIdaW1NuXlg="])
def test_a_connection_may_begin_with_dashes(command: Command, name: str) -> None:
    assert command("post", name, "hi", "--json")[1] == (
        f'{{"connection": "{name}", "posted": true}}\n'
    )
    assert command("disconnect", name)[:2] == (0, f"{name} closed\n")


def test_what_is_missing_is_named(capsys: Said) -> None:
    for words, reason in [
        (["topics", "--endpoint", ENDPOINT], "add --table NAME or --stack NAME"),
        (["post", "a=", "hi", "--table", TABLE], "add --endpoint URL or --stack NAME"),
        (["topics", "--region", "eu-west-1"], "say where"),
        (["topics", "--table", TABLE, "--port", "1"], "--port is for the local"),
        (["topics", "--table", TABLE, "--profile", "nope"], "nope"),
        (["topics", "--stack", "nope"], "nope"),
        (["history", "", *WHERE], "must not be empty"),
    ]:
        assert main(words) == 2, words
        assert reason in capsys.readouterr().err


def test_a_failure_of_dynamodb_is_one(capsys: Said) -> None:
    assert main(["subscribers", "news", "--table", "nowhere"]) == 1
    assert "table nowhere does not exist" in capsys.readouterr().err


RESOURCES = {
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "of-the-stack",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        },
    }
}


@pytest.mark.parametrize("outputs", [{}, {"TableName": {"Value": {"Ref": "Table"}}}])
def test_a_stack_says_where_its_table_is(capsys: Said, outputs: Any) -> None:
    boto3.client("cloudformation").create_stack(
        StackName="chat",
        TemplateBody=json.dumps({"Resources": RESOURCES, "Outputs": outputs}),
    )
    DynamoDBSubscriptionStore("of-the-stack").subscribe("a=", "news")

    status = main(["subscribers", "news", "--stack", "chat", "--json"])

    assert status == 0
    assert read_json(capsys.readouterr().out)[0]["connection"] == "a="
    assert main(["post", "a=", "hi", "--stack", "chat"]) == 2


def test_a_line_is_cut_at_the_width_of_a_terminal(
    command: Command, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    DynamoDBTopicLog(TABLE, client=client).append("news", "\u4e2d".encode() * 100)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)

    _, out, _ = command("history", "news")

    line = out.splitlines()[-1]
    assert line.endswith("\u2026")
    assert len(line) + line.count("\u4e2d") <= 80
