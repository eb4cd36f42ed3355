"""`wspubsub run`: a program in the environment of the running gateway."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    APPS,
    CREDENTIALS,
    DevGateway,
    command,
    dev,
    environment,
    run,
)
from wspubsub.cli import main

PROBE = f"{APPS / 'probe.py'}:handler"
LOOK = """
import boto3, json, os, sys
tables = boto3.client("dynamodb").list_tables()["TableNames"]
print(json.dumps({"tables": tables, "arguments": sys.argv[1:], **os.environ}))
sys.exit(7)
"""
WAIT = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
print("waiting", flush=True)
signal.pause()
"""

pytestmark = pytest.mark.integration


def test_without_a_gateway_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    status = main(["run", "--", "true"])

    assert status == 2
    assert "start one with `wspubsub dev`" in capsys.readouterr().err


@pytest.fixture(scope="module")
def runtime_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


@pytest.fixture(scope="module")
def gateway(runtime_dir: Path) -> Iterator[DevGateway]:
    environ = {**CREDENTIALS, "XDG_RUNTIME_DIR": str(runtime_dir)}
    with dev(PROBE, "--environments", "1", environ=environ) as running:
        yield running


@pytest.fixture
def environ(gateway: DevGateway, runtime_dir: Path) -> dict[str, str]:
    assert gateway.process.poll() is None
    return {"XDG_RUNTIME_DIR": str(runtime_dir), "AWS_PROFILE": "production"}


@pytest.mark.slow
def test_a_program_finds_what_functions_find(
    gateway: DevGateway, environ: dict[str, str]
) -> None:
    done = run(
        *("run", "--port", str(gateway.port), "--"),
        *("python3", "-c", LOOK, "--", "@x", "--port"),
        environ=environ,
    )

    assert done.returncode == 7, done.stderr
    seen = json.loads(done.stdout)
    assert seen["tables"] == [gateway.table] == [seen["WSPUBSUB_TABLE"]]
    assert seen["WSPUBSUB_ENDPOINT"] == gateway.management_url
    assert seen["arguments"] == ["--", "@x", "--port"]
    assert seen["AWS_ACCESS_KEY_ID"] == "local"
    assert "AWS_PROFILE" not in seen


@pytest.mark.slow
def test_a_signal_reaches_the_program(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        command("run", "--", "python3", "-c", WAIT),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(environ),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no-such-program", __file__])
def test_what_cannot_be_run_is_named(name: str, environ: dict[str, str]) -> None:
    done = run("run", "--", name, environ=environ)

    assert done.returncode == 127
    assert done.stderr == f"wspubsub: error: cannot find a program {name!r}\n"
