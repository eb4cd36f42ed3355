"""The generated template, deployed: what the function may do is what its role says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.examples.ministack import (
    BATCHES,
    QUEUED,
    MiniStack,
    ministack,
    template,
    zipped,
)
from tests.support.chat_script import converse, leave, talk
from tests.support.infra_templates import statements
from tests.support.servers.gateways import CHAT
from wspubsub.cli import main

DURABLY = ("--streams", "--history")
# With it the library's own engine talks to AWS, as it does in the Lambda runtime;
# without it boto3 does, since MiniStack's processes do not look like that runtime.
ENGINE = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"}

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", params=[{}, ENGINE], ids=["boto3", "engine"])
def server(
    request: pytest.FixtureRequest,
    build: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MiniStack]:
    """A MiniStack that has the code of the chat."""
    with ministack(tmp_path_factory.mktemp("ministack"), request.param) as running:
        running.upload(zipped(build))
        yield running


@pytest.mark.parametrize(
    ("name", "flags"), [("chat", ()), ("durable-chat", DURABLY), ("large-chat", QUEUED)]
)
def test_the_deployed_chat_has_the_whole_conversation(
    server: MiniStack, name: str, flags: tuple[str, ...]
) -> None:
    url = server.deploy(name, template(*flags))
    if flags == QUEUED:
        server.allow(name, BATCHES)

    converse(url, is_durable=bool(flags))
    leave(url, server.store(name))

    function = server.resource(name, "Function")
    if flags:
        server.terminal.wait_for(f"{function} processed 1 DynamoDB stream records")
    if flags == QUEUED:
        server.terminal.wait_for(f"{function} processed 1 SQS messages")


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        ("Table", "dynamodb:BatchWriteItem"),
        ("Table", "dynamodb:DeleteItem"),
        ("Table", "dynamodb:Query"),
        ("Connections", "execute-api:ManageConnections"),
    ],
)
def test_without_a_permission_there_is_no_conversation_and_a_check_says_which(
    server: MiniStack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    statement: str,
    action: str,
) -> None:
    made = template()
    forbid(made, statement, action)
    (tmp_path / "template.json").write_text(json.dumps(made))
    url = server.deploy(f"without-{action.partition(':')[2]}", made)

    with pytest.raises(AssertionError) as told:
        talk(url)
    status = main(["check", str(tmp_path / "template.json"), f"{CHAT}:handler"])

    assert f"is not authorized to perform: {action} " in str(told.value)
    assert status == 1
    assert action in capsys.readouterr().out


def forbid(made: dict[str, Any], statement: str, action: str) -> None:
    """Take an action out of a statement."""
    allowed = statements(made)[statement]
    allowed["Action"].remove(action)
    if not allowed["Action"]:
        allowed["Action"] = ["execute-api:Invoke"]


def test_the_permission_to_post_is_for_the_stage_that_clients_connect_to(
    server: MiniStack,
) -> None:
    made = template()
    other = {"Fn::Sub": "arn:aws:execute-api:*:*:${Api}/dev/*"}
    statements(made)["Connections"]["Resource"] = [other]
    url = server.deploy("another-stage", made)

    with pytest.raises(AssertionError) as told:
        talk(url)

    assert "to perform: execute-api:ManageConnections " in str(told.value)
    assert "denied access (403 AccessDeniedException" in str(told.value)


def test_the_permission_for_another_table_lets_nobody_in(server: MiniStack) -> None:
    made = template()
    other = "arn:aws:dynamodb:us-east-1:000000000000:table/another"
    statements(made)["Table"]["Resource"] = [other]
    url = server.deploy("another-table", made)

    with pytest.raises(InvalidStatus):
        talk(url)


def test_without_the_permission_to_store_a_connection_nobody_is_let_in(
    server: MiniStack,
) -> None:
    made = template()
    forbid(made, "Table", "dynamodb:PutItem")
    url = server.deploy("without-PutItem", made)

    with pytest.raises(InvalidStatus):
        talk(url)
