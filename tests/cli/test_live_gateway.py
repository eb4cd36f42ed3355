"""The commands for a live deployment, against a running gateway with a `PubSub`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.servers.gateways import (
    CREDENTIALS,
    ROOT,
    DevGateway,
    command,
    dev,
    environment,
    make_trust,
    run,
)

ROOMS = f"{ROOT / 'examples' / 'rooms' / 'app.py'}:handler"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("runtime")
    return {**CREDENTIALS, "ROOMS_SECRET": "s" * 32, "XDG_RUNTIME_DIR": str(folder)}


@pytest.fixture(scope="module")
def gateway(environ: dict[str, str]) -> Iterator[DevGateway]:
    with dev(ROOMS, "--environments", "1", environ=environ) as running:
        yield running


@pytest.fixture
def client(gateway: DevGateway) -> Iterator[ClientConnection]:
    """A client that is in a room."""
    with gateway.client() as client:
        ask(client, {"id": 1, "connect": {"token": make_token()}})
        ask(client, {"id": 2, "subscribe": {"channel": "room:1", "recover": False}})
        yield client


def make_token() -> str:
    jwt = pytest.importorskip("jwt")
    claims = {"sub": "ann", "info": {"name": "Ann"}}
    return str(jwt.encode(claims, "s" * 32, algorithm="HS256"))


def ask(client: ClientConnection, command: dict[str, Any]) -> dict[str, Any]:
    client.send(json.dumps(command))
    return next(each for each in receive(client) if each.get("id") == command["id"])


def receive(client: ClientConnection) -> Iterator[dict[str, Any]]:
    while True:
        for line in str(client.recv(120)).splitlines():
            yield json.loads(line)


def find(client: ClientConnection, kind: str) -> Any:
    """Return the next push of a kind."""
    pushes = (each.get("push", {}) for each in receive(client))
    return next(each[kind] for each in pushes if kind in each)


def read(environ: dict[str, str], *words: str) -> list[Any]:
    done = run(*words, "--json", environ=environ)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_room_is_looked_into_and_acted_on(
    client: ClientConnection, environ: dict[str, str]
) -> None:
    [connection] = read(environ, "connections")
    assert (connection["user"], connection["topics"]) == ("ann", ["room:1", "user:ann"])
    name = connection["connection"]
    topics = {each["topic"]: each for each in read(environ, "topics")}
    assert (topics["room:1"]["subscribers"], topics["room:1"]["present"]) == (1, 1)
    assert [each["connection"] for each in read(environ, "subscribers", "room:1")] == [
        name
    ]
    assert [each["user"] for each in read(environ, "presence", "room:1")] == ["ann"]

    [report] = read(environ, "publish", "room:1", '{"text": "hi"}')
    assert report["queued"]
    assert find(client, "pub") == {"data": {"text": "hi"}, "offset": 1}
    assert read(environ, "history", "room:1")[-1]["data"] == '{"text": "hi"}'

    read(environ, "post", name, '"psst"')
    assert find(client, "message") == {"data": "psst"}

    assert read(environ, "disconnect", "--user", "ann") == [
        {"closed": [name], "gone": [], "failed": {}}
    ]
    assert find(client, "disconnect")["code"] == 3503
    with pytest.raises(ConnectionClosed):
        client.recv(120)


@contextmanager
def tail(
    *arguments: str, environ: dict[str, str]
) -> "Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]":
    """Run `tail` on a topic without messages; its process, output and complaints."""
    with subprocess.Popen(
        command("tail", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(environ),
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert "waiting for its first message" in process.stderr.readline()
            yield process, process.stdout, process.stderr
        finally:
            process.kill()


def test_a_tail_goes_on_until_it_is_interrupted(
    gateway: DevGateway, environ: dict[str, str]
) -> None:
    assert gateway.process.poll() is None
    arguments = ("news", "--interval", "0.05", "--json")
    with tail(*arguments, environ=environ) as (process, output, complaints):
        script = (
            "import os; from wspubsub.dynamodb import DynamoDBTopicLog as L;"
            "L(os.environ['WSPUBSUB_TABLE']).append('news', b'\"hi\"')"
        )
        done = run("run", "--", sys.executable, "-c", script, environ=environ)
        assert done.returncode == 0, done.stderr

        epoch, message = (json.loads(output.readline()) for _ in range(2))
        process.send_signal(2)

        assert (epoch["offset"], message["data"]) == (0, '"hi"')
        assert process.wait(120) == 130
        assert complaints.read() == ""


def test_a_tail_that_nobody_reads_any_longer_ends(
    gateway: DevGateway, environ: dict[str, str]
) -> None:
    assert gateway.process.poll() is None
    arguments = ("silence", "--interval", "3600")
    with tail(*arguments, environ=environ) as (process, output, complaints):
        output.close()

        assert process.wait(120) == 1
        assert complaints.read() == ""


def test_a_gateway_with_tls_only_is_looked_into_and_acted_on(
    environ: dict[str, str], tmp_path: Path
) -> None:
    environ = {**environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    with dev(ROOMS, "--tls", "--environments", "1", environ=environ) as gateway:
        ready = gateway.wait_for(lambda each: each["kind"] == "ready")
        with gateway.client(ssl=make_trust(ready["certificate"])) as client:
            ask(client, {"id": 1, "connect": {"token": make_token()}})
            ask(client, {"id": 2, "subscribe": {"channel": "room:1"}})
            [connection] = read(environ, "connections")

            read(environ, "publish", "room:1", '{"text": "hi"}', "--post")
            assert find(client, "pub")["data"] == {"text": "hi"}
            read(environ, "post", connection["connection"], '"psst"')
            assert find(client, "message") == {"data": "psst"}
            [closed] = read(environ, "disconnect", connection["connection"])
            assert closed["closed"] == [connection["connection"]]


def test_a_profile_says_who_asks_and_where(gateway: DevGateway, tmp_path: Path) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        f"[profile home]\nregion = us-east-1\nendpoint_url = {gateway.dynamodb_url}\n"
    )
    (folder / "credentials").write_text(
        "[home]\naws_access_key_id = local\naws_secret_access_key = local\n"
    )
    own = {
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": "~/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    }
    where = ("topics", "--table", gateway.table)

    done = run(*where, "--profile", "home", environ=own)
    nobody = run(*where, "--region", "us-east-1", environ=own)
    wrong = run(*where, "--profile", "work", environ=own)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("SUBSCRIBERS")
    assert (nobody.returncode, wrong.returncode) == (2, 2)
    assert "no AWS credentials" in nobody.stderr
    assert "The config profile (work) could not be found" in wrong.stderr


def test_the_table_of_the_gateway_can_be_named(
    gateway: DevGateway, environ: dict[str, str]
) -> None:
    where = ("--table", gateway.table, "--dynamodb-url", gateway.dynamodb_url)

    assert read({**environ, "AWS_REGION": "us-east-1"}, "connections", *where) == []
