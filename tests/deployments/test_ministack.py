"""The generated template, deployed: what the function may do is what its role says."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.chat_script import converse
from tests.deployments.ministack import MiniStack, ministack, zipped
from tests.infra_templates import statements
from tests.servers.gateways import CHAT
from wspubsub.cli import main

DURABLY = ("--streams", "--queue", "--history")

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def server(
    build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MiniStack]:
    """A MiniStack that has the code of the chat."""
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        running.upload(zipped(build))
        yield running


def template(*flags: str) -> dict[str, Any]:
    """Return what `wspubsub template` makes of the chat."""
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "wspubsub.cli", "template", "app.py:handler"),
            *("--output-format", "json", *flags),
        ],
        cwd=CHAT.parent,
        stdout=subprocess.PIPE,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@pytest.mark.parametrize(("name", "flags"), [("chat", ()), ("durable-chat", DURABLY)])
def test_the_deployed_chat_has_the_whole_conversation(
    server: MiniStack, name: str, flags: tuple[str, ...]
) -> None:
    url = server.deploy(name, template(*flags))

    converse(url, is_durable=bool(flags))


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        ("Table", "dynamodb:PutItem"),
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
    allowed = statements(made)[statement]
    allowed["Action"].remove(action)
    if not allowed["Action"]:
        allowed["Action"] = ["execute-api:Invoke"]
    (tmp_path / "template.json").write_text(json.dumps(made))
    url = server.deploy(f"without-{action.partition(':')[2]}", made)

    with pytest.raises((AssertionError, TimeoutError, InvalidStatus)):
        converse(url, is_durable=False)
    status = main(["check", str(tmp_path / "template.json"), f"{CHAT}:handler"])

    assert status == 1
    assert action in capsys.readouterr().out
