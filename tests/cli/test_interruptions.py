"""Ctrl-C and SIGTERM at any moment: a quiet end, with the documented status."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    CHAT,
    ROOT,
    descendants,
    environment,
    have_ended,
)
from wspubsub.cli import main

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# As the script does it that `pip` makes, but it says when the interpreter has started:
# what that does before is not the command's.
SCRIPT = """
import sys
from _wspubsub_command import main
print("begun", flush=True)
sys.exit(main())
"""
COMMANDS = {
    "dev": (["dev", str(CHAT), "--port", "0"], 0),
    "template": (["template", str(CHAT)], 130),
    "demo": (["demo", "--messages", "1000"], 130),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_may_be_interrupted_at_any_moment(
    name: str, number: signal.Signals
) -> None:
    arguments, expected = COMMANDS[name]

    for moment in (0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
        with _start(arguments) as process:
            _let_run(process, moment)
            processes = descendants(process.pid)
            for _ in range(2):  # who is impatient presses it twice
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                _let_run(process, 0.02)
            output, complaints = process.communicate(timeout=30)

        lines = [each for each in complaints.splitlines() if ": waiting:" not in each]
        finished = name == "template" and "Resources:" in output
        # Before Python code takes over, SIGTERM does what it does by default.
        allowed = {expected} if number == signal.SIGINT else {expected, -number}
        assert process.returncode in (allowed | ({0} if finished else set())), moment
        assert not lines, moment
        assert have_ended(processes)


@pytest.mark.parametrize(("words", "status"), [(["dev"], 0), (["template"], 130)])
@pytest.mark.parametrize("start", [["-c", SCRIPT], ["-m", "wspubsub"]])
def test_an_interruption_while_the_package_is_imported_is_quiet(
    start: list[str], words: list[str], status: int, tmp_path: Path
) -> None:
    package = tmp_path / "wspubsub"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text("raise KeyboardInterrupt")
    shutil.copy(ROOT / "src/wspubsub/__main__.py", package)

    done = subprocess.run(
        [sys.executable, *start, *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=environment({"PYTHONPATH": str(tmp_path)}),
    )

    assert (done.returncode, done.stderr) == (status, "")


def test_whoever_calls_the_command_keeps_the_handlers_of_signals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    main(["template", "nowhere.py"])

    after = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert after == before
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("moment", [0.1, 0.6, 2.0])
def test_whoever_waits_for_aws_may_be_interrupted(moment: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        variables = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        with _start(["doctor", "--stack", "chat"], variables) as process:
            _let_run(process, moment)
            os.killpg(process.pid, signal.SIGINT)
            output, complaints = process.communicate(timeout=30)

    assert (process.returncode, output, complaints) == (130, "", "")


def _start(
    arguments: list[str], variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(variables or {}),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def _let_run(process: "subprocess.Popen[str]", seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
