"""The rooms: who gets in, and who may do what. tests/sdks has the rest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.example_apps import (
    EXAMPLES,
    account,
    assert_fits,
    imported,
    run_script,
)
from tests.support.sdks.rooms import SECRET, make_token
from tests.support.servers.gateways import CREDENTIALS, dev, run
from wspubsub.testing import InProcessGateway, TestClient

FOLDER = EXAMPLES / "rooms"
TEMPLATE = FOLDER / "template.yaml"


class Rooms:
    """The example behind a gateway of its own."""

    def __init__(self) -> None:
        self.app: Any = imported("rooms/app.py")
        self.gateway = InProcessGateway(self.app.handler)

    def ask(self, client: TestClient, **command: Any) -> dict[str, Any]:
        """Return the reply to a command, or the error in it."""
        client.receive_all()
        client.send({"id": 1, **command})
        replies = [
            json.loads(line)
            for text in client.receive_all()
            for line in text.splitlines()
        ]
        (reply,) = [each for each in replies if each.get("id") == 1]
        return dict(reply)

    def enter(self, **fields: Any) -> TestClient:
        """Return a client that is connected."""
        client = self.gateway.connect()
        assert "connect" in self.ask(client, connect=fields)
        return client


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("ROOMS_SECRET", SECRET)
    with account(monkeypatch):
        yield monkeypatch


@pytest.fixture
def rooms(environ: pytest.MonkeyPatch) -> Rooms:
    environ.setenv("ROOMS_ANONYMOUS", "1")
    return Rooms()


def test_without_a_token_nobody_gets_in(environ: pytest.MonkeyPatch) -> None:
    environ.delenv("ROOMS_ANONYMOUS", raising=False)
    rooms = Rooms()

    refused = rooms.ask(rooms.gateway.connect(), connect={})

    assert refused["error"]["code"] == 101


@pytest.mark.parametrize(
    "token",
    [
        make_token("alice", secret="another secret, also of 32 bytes."),
        make_token("alice")[:-2],
        "..",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
    ],
)
def test_a_forged_token_does_not_make_a_user_anonymous(
    rooms: Rooms, token: str
) -> None:
    refused = rooms.ask(rooms.gateway.connect(), connect={"token": token})

    assert "connect" not in refused


def test_a_user_is_subscribed_to_the_own_topic_and_to_no_other(rooms: Rooms) -> None:
    client = rooms.gateway.connect()

    reply = rooms.ask(client, connect={"token": make_token("alice")})

    assert list(reply["connect"]["subs"]) == ["user:alice"]
    for topic in ("user:bob", "user:alice"):
        refused = rooms.ask(client, subscribe={"channel": topic})
        assert refused["error"]["code"] == 103


@pytest.mark.parametrize("user", ["", "google:123"])
def test_a_user_without_a_topic_of_the_own_does_not_get_in(
    rooms: Rooms, user: str
) -> None:
    refused = rooms.ask(rooms.gateway.connect(), connect={"token": make_token(user)})

    assert refused["error"]["code"] == 101


def test_an_anonymous_user_has_no_topic(rooms: Rooms) -> None:
    reply = rooms.ask(rooms.gateway.connect(), connect={"data": {"name": "Guest"}})

    assert not reply["connect"].get("subs")


def test_a_long_name_is_a_mistake_of_the_client(rooms: Rooms) -> None:
    long = {"name": "x" * 20_000}

    refused = rooms.ask(rooms.gateway.connect(), connect={"data": long})

    assert refused["error"]["code"] in {106, 107}


def test_announcements_are_news(rooms: Rooms) -> None:
    reader, other = rooms.enter(), rooms.enter()
    rooms.ask(reader, subscribe={"channel": "news"})

    rooms.ask(other, rpc={"method": "announce", "data": {"text": "hello"}})

    (text,) = reader.receive_all()
    push = json.loads(text)["push"]
    assert (push["channel"], push["pub"]["data"]) == ("news", {"text": "hello"})


@pytest.mark.integration
def test_the_template_fits_the_code_and_cfn_lint_has_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROOMS_SECRET", SECRET)

    assert_fits(TEMPLATE)


@pytest.mark.integration
def test_the_template_is_what_the_command_prints() -> None:
    printed = run(
        *("template", "app.py:handler", "--variable", "ROOMS_SECRET"),
        cwd=FOLDER,
        environ={**CREDENTIALS, "ROOMS_SECRET": SECRET},
    )

    assert printed.returncode == 0, printed.stderr
    assert TEMPLATE.read_text() == printed.stdout


@pytest.mark.integration
def test_the_server_on_this_machine_reaches_a_user(tmp_path: Path) -> None:
    variables = {"ROOMS_SECRET": SECRET}
    token = run_script("rooms", "sign_in.py", "alice", "Alice", **variables)
    with dev(
        f"{FOLDER / 'app.py'}:handler", environ={**CREDENTIALS, **variables}
    ) as gateway:
        log = tmp_path / "dev.jsonl"
        log.write_text(json.dumps(gateway.records[0]) + "\n")
        with gateway.client() as client:
            client.send(json.dumps({"id": 1, "connect": {"token": token}}))
            assert json.loads(client.recv(timeout=20))["id"] == 1

            for command in (["tell", "alice", "hello"], ["ban", "alice"]):
                run_script("rooms", "moderate.py", str(log), *command, **variables)

            told = json.loads(client.recv(timeout=20))["push"]
            banned = json.loads(client.recv(timeout=20))["push"]

    assert (told["channel"], told["pub"]["data"]) == ("user:alice", {"text": "hello"})
    assert (banned["disconnect"]["code"], banned["disconnect"]["reason"]) == (
        3503,
        "banned",
    )
