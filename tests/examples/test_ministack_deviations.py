"""What MiniStack does otherwise than AWS, as the page about it says."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.examples.ministack import (
    BATCHES,
    QUEUED,
    AccessKey,
    MiniStack,
    ministack,
    template,
    zipped,
)
from tests.examples.reader import Reader
from tests.examples.readme import blocks
from tests.support.chat_script import Chat, converse, talk
from tests.support.infra_templates import statements
from tests.support.servers.gateways import CHAT, ROOT

PAGE = ROOT / "docs" / "how-to" / "deploy-to-ministack.md"

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def server(
    build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MiniStack]:
    """A MiniStack that has the code of the chat."""
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        running.upload(zipped(build))
        yield running


def test_clients_are_told_what_a_function_has_raised(server: MiniStack) -> None:
    made = template()
    statements(made)["Connections"]["Action"] = ["execute-api:Invoke"]
    url = server.deploy("raising", made)

    with connect(url, proxy=None) as client:
        client.send("hello")
        text = client.recv(20)

    assert str(text).startswith("the Management API at ")


def test_a_handshake_whose_function_fails_is_answered_with_403(
    server: MiniStack,
) -> None:
    made = template()
    function = made["Resources"]["Function"]["Properties"]
    function["Environment"]["Variables"]["WSPUBSUB_TABLE"] = "another"
    url = server.deploy("failing", made)

    with pytest.raises(InvalidStatus) as refused:
        talk(url)

    assert refused.value.response.status_code == 403


def test_what_functions_print_for_clients_is_not_in_their_log_group(
    server: MiniStack,
) -> None:
    talk(server.deploy("printing", template()))

    group = server.client("logs").describe_log_streams(
        logGroupName="/aws/lambda/printing-Function"
    )

    assert group["logStreams"] == []


def test_binary_messages_are_taken_for_text(server: MiniStack) -> None:
    url = server.deploy("binary", template())

    with connect(url, proxy=None) as client:
        client.send(b'{"type": "subscribe", "topic": "news"}')
        answer = client.recv(20)

    assert json.loads(answer) == {"type": "subscribed", "topic": "news"}


def test_a_function_is_invoked_without_the_permission_for_it(
    server: MiniStack,
) -> None:
    made = template()
    del made["Resources"]["InvokePermission"]

    talk(server.deploy("uninvited", made))


def test_sending_in_batches_wants_a_permission_that_aws_does_not_have(
    server: MiniStack,
) -> None:
    url = server.deploy("batches", template(*QUEUED))

    with Chat(url) as chat:
        clients = [chat.joined() for _ in range(3)]
        for client in clients:
            client.subscribe("news")
        clients[0].publish("news", 1)

        server.terminal.wait_for("is not authorized to perform: sqs:SendMessageBatch")


def test_signatures_are_looked_at_except_those_of_the_root_user(
    server: MiniStack,
) -> None:
    server.deploy("signatures", template())
    user = a_user(server)

    assert posting(server, ("test", "wrong")) == "GoneException"
    assert posting(server, user) == "GoneException"
    assert posting(server, (user[0], "wrong")) == "InvalidSignatureException"


def a_user(server: MiniStack) -> AccessKey:
    """Return the key of a user who may post to connections."""
    identities = server.client("iam")
    identities.create_user(UserName="poster")
    allowed = {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": "*",
    }
    identities.put_user_policy(
        UserName="poster",
        PolicyName="post",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    made = identities.create_access_key(UserName="poster")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def test_two_way_routes_are_refused(server: MiniStack) -> None:
    with pytest.raises(ClientError, match=r"resource types: .*::RouteResponse"):
        server.deploy("two-way", template("--two-way"))


def posting(server: MiniStack, key: AccessKey) -> str:
    """Return how a post to a connection that is not there is refused."""
    endpoint = server.endpoint("signatures")
    management = server.client("apigatewaymanagementapi", endpoint, key)
    with pytest.raises(ClientError) as refused:
        management.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"hello")
    return str(refused.value.response["Error"]["Code"])


def test_event_source_mappings_want_nothing_of_the_role(server: MiniStack) -> None:
    made = template(*QUEUED)
    for name in ("Stream", "Streams", "Receive", "Failures"):
        statements(made)[name]["Action"] = ["execute-api:Invoke"]
    url = server.deploy("mappings", made)
    server.allow("mappings", BATCHES)

    converse(url, is_durable=True)


def test_the_page_can_be_followed_as_it_stands(
    build: Path, reader_environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(CHAT, folder)
    (folder / "app.zip").write_bytes(zipped(build))
    tools = [Path(sys.executable).parent, ROOT / ".tools" / "awscli" / "bin"]
    path = os.pathsep.join([*map(str, tools), reader_environ["PATH"]])
    environ = {**reader_environ, "PATH": path, "TMPDIR": str(tmp_path)}
    reader = Reader(folder, tmp_path / "notes", environ)

    try:
        outputs = [reader.follow(block) for block in blocks(PAGE.read_text())]
        (url,) = [each.strip() for each in outputs if each.startswith("ws://")]
        talk(url)
    finally:
        reader.stop()
