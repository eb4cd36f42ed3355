"""The command `wspubsub`: what it says, what it returns, what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.servers.gateways import (
    APPS,
    CHAT,
    CREDENTIALS,
    ROOT,
    DevGateway,
    command,
    descendants,
    dev,
    environment,
    have_ended,
    run,
)
from tests.servers.raw import HANDSHAKE, RawClient
from wspubsub import __version__
from wspubsub.cli import main

pytestmark = pytest.mark.integration

PROBE = f"{APPS / 'probe.py'}:handler"
MISSING = (
    "import sys; sys.modules[{module!r}] = None; from wspubsub.cli import main; "
    "sys.exit(main({arguments!r}))"
)


Said = pytest.CaptureFixture[str]


def only_line(text: str) -> str:
    """Return the one line that a failure is told in."""
    (line,) = text.splitlines()
    assert line.startswith("wspubsub: error: ")
    return line


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - set(environment({})):
        monkeypatch.delenv(name)
    for name, value in environment({}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_version_can_be_asked_for() -> None:
    done = run("--version")

    assert (done.returncode, done.stdout) == (0, f"wspubsub {__version__}\n")


@pytest.mark.parametrize("name", ["dev", "demo", "create-table"])
def test_every_option_has_help(name: str, capsys: Said) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])

    text = capsys.readouterr().out
    options = re.findall(r"^  (-.+?)(?=^  -|^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert caught.value.code == 0
    assert len(options) > 1
    for option in options:
        assert re.search(r"\s{2,}\S", option), option


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["app.py"], "does not name a handler"),
        (["nowhere.py:handler"], "there is no file"),
        (["no-module:handler"], "neither a Python file nor a module name"),
        ([PROBE, "--stage", "$default"], "is not a stage name"),
        ([PROBE, "--route", "$other"], "is not a route key"),
        ([PROBE, "--route-selection-expression", "$context.x"], "cannot be read"),
        ([PROBE, "--identity-source", "x"], "identity sources need an authorizer"),
        ([PROBE, "--authorizer", "x"], "does not name a handler"),
        ([PROBE, "--table", "no such name"], "is not the name of a table"),
        ([PROBE, "--idle-timeout", "0"], "must be more than 0"),
        ([PROBE, "--timeout", "0"], "must be more than 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    arguments: list[str], reason: str, capsys: Said
) -> None:
    status = main(["dev", *arguments])

    assert status == 2
    assert reason in only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve"],
        ["dev"],
        ["dev", PROBE, "--port", "65536"],
        ["dev", PROBE, "--environments", "0"],
        ["dev", PROBE, "--runtime", "node"],
        ["demo", "--messages", "0"],
        ["demo", "--interval", "nan"],
    ],
)
def test_a_wrong_command_line_is_answered_with_its_usage(
    arguments: list[str], capsys: Said
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: wspubsub")


def test_a_port_in_use_is_told(chat: DevGateway, capsys: Said) -> None:
    status = main(["dev", PROBE, "--port", str(chat.port)])

    assert status == 1
    line = only_line(capsys.readouterr().err)
    assert f"port {chat.port} of 127.0.0.1 is in use" in line


def test_a_host_that_is_not_this_machine_is_told(capsys: Said) -> None:
    status = main(["dev", PROBE, "--host", "192.0.2.1", "--port", "0"])

    assert status == 1
    line = only_line(capsys.readouterr().err)
    assert "cannot listen on port 0 of 192.0.2.1" in line


@pytest.mark.usefixtures("_credentials")
def test_an_unknown_table_is_told_with_the_command_that_creates_it(
    chat: DevGateway, capsys: Said
) -> None:
    arguments = ["--dynamodb", chat.dynamodb_url, "--table", "other"]

    status = main(["dev", PROBE, "--port", "0", *arguments])

    assert status == 1
    line = only_line(capsys.readouterr().err)
    assert f"wspubsub create-table other --endpoint {chat.dynamodb_url}" in line


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense"])
def test_a_dynamodb_that_cannot_be_asked_is_told(url: str, capsys: Said) -> None:
    status = main(["dev", PROBE, "--port", "0", "--dynamodb", url])

    assert status == 1
    assert f"cannot ask {url} for table" in only_line(capsys.readouterr().err)


@pytest.mark.usefixtures("_no_credentials")
def test_missing_credentials_are_told(chat: DevGateway, capsys: Said) -> None:
    status = main(["dev", PROBE, "--port", "0", "--dynamodb", chat.dynamodb_url])

    assert status == 1
    assert "Unable to locate credentials" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module", "Runtime.ImportModuleError: Unable to import module"),
        ("def handler(:", "Runtime.UserCodeSyntaxError: Syntax error in module 'app'"),
        ("raise ValueError('on purpose')", "ValueError: on purpose"),
        ("", "Runtime.HandlerNotFound: Handler 'handler' missing on module 'app'"),
        ("import os; os._exit(7)", "Runtime.ExitError: Runtime exited with error"),
    ],
)
@pytest.mark.usefixtures("_credentials")
def test_a_module_that_does_not_import_is_told(
    chat: DevGateway, project: Path, capsys: Said, source: str, reason: str
) -> None:
    (project / "app.py").write_text(source)

    status = main(
        ["dev", "app:handler", "--port", "0", "--dynamodb", chat.dynamodb_url]
    )

    assert status == 1
    line = only_line(capsys.readouterr().err)
    assert f"the handler cannot be started: {reason}" in line


def test_a_module_that_stops_importing_is_tried_again_with_the_next_event(
    chat: DevGateway, tmp_path: Path
) -> None:
    with dev(
        f"{APPS / 'flags.py'}:handler",
        *("--two-way", "--environments", "1", "--dynamodb", chat.dynamodb_url),
        environ={"FLAGS": str(tmp_path), **CREDENTIALS},
    ) as gateway:
        with gateway.client() as client:
            (tmp_path / "broken").touch()
            client.send("exit")
            ended = json.loads(client.recv(10))
            client.send("broken now")
            broken = json.loads(client.recv(10))
            with pytest.raises(InvalidStatus) as caught:
                gateway.client()
            (tmp_path / "broken").unlink()
            client.send("mended")

            assert client.recv(10) == f"running in {tmp_path.name}"
        assert ended["message"] == broken["message"] == "Internal server error"
        assert caught.value.response.status_code == 502
        assert gateway.wait_for_line("does not like to be imported")
        assert gateway.wait_for(
            lambda each: "without providing a reason" in each.get("error", "")
        )


@pytest.mark.parametrize(
    ("module", "arguments", "advice"),
    [
        ("h11", ["dev", PROBE], "pip install 'wspubsub[local]'"),
        ("websockets", ["demo"], "pip install 'wspubsub[local]'"),
        ("moto", ["dev", PROBE], "pip install 'wspubsub[local]'"),
        ("cryptography", ["dev", PROBE, "--tls"], "pip install 'wspubsub[local]'"),
        (
            "awslambdaric",
            ["dev", PROBE, "--runtime", "awslambdaric"],
            "pip install awslambdaric",
        ),
    ],
)
def test_a_missing_extra_is_told_with_what_to_install(
    module: str, arguments: list[str], advice: str
) -> None:
    code = MISSING.format(module=module, arguments=arguments)

    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert advice in only_line(done.stderr)


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with dev(PROBE, cwd=tmp_path) as gateway, gateway.client() as client:
        client.send(json.dumps({"action": "hang"}))
        gateway.wait_for_line("HANGING")
        processes = descendants(gateway.process.pid)

        status = gateway.stop(signal.SIGINT)

        with pytest.raises(ConnectionClosed) as caught:
            client.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    assert status == 0
    assert len(processes) >= 3  # DynamoDB, the worker, and what that has started
    assert have_ended(processes)


def test_ctrl_c_during_the_start_ends_everything() -> None:
    with subprocess.Popen(  # noqa: S603 - our own command
        command("dev", PROBE, "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({}),
    ) as process:
        while not (processes := descendants(process.pid)):
            assert process.poll() is None

        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=20)

    assert (process.returncode, output, complaints) == (0, "", "")
    assert have_ended(processes)


def test_sigterm_ends_the_demo() -> None:
    with subprocess.Popen(  # noqa: S603 - our own command
        command("demo", "--messages", "1000"),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({}),
    ) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("gateway at ws://")
        processes = descendants(demo.pid)

        demo.send_signal(signal.SIGTERM)

        assert demo.wait(20) == 130
    assert processes
    assert have_ended(processes)


def test_children_end_by_themselves_when_the_gateway_is_killed() -> None:
    with dev(PROBE) as gateway:
        with gateway.client() as client:
            client.send(json.dumps({"action": "hang"}))
            gateway.wait_for_line("HANGING")
            processes = descendants(gateway.process.pid)

            status = gateway.stop(signal.SIGKILL)

        assert status == -signal.SIGKILL
        assert len(processes) >= 3
        assert have_ended(processes)


def test_a_reader_of_the_log_that_goes_away_ends_the_gateway(chat: DevGateway) -> None:
    with subprocess.Popen(  # noqa: S603 - our own command
        command("dev", PROBE, "--port", "0", "--dynamodb", chat.dynamodb_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(CREDENTIALS),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        url = process.stdout.readline().split()[1]
        process.stdout.close()
        with RawClient(int(url.rsplit(":", 1)[1].partition("/")[0])) as client:
            client.send(HANDSHAKE.format(host="localhost", query="").encode())

        assert process.wait(20) == 0
        assert "Traceback" not in process.stderr.read()


def test_the_demo_counts_what_arrives() -> None:
    done = run("demo", "--messages", "5", "--interval", "0.1", environ={})

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in lines if line[:4] == "sent"] == [
        f"sent {n}" for n in range(1, 6)
    ]
    received = [line for line in lines if line.startswith("received ")]
    assert sorted(received) == [f"received {n}" for n in range(1, 6)]


def test_a_table_is_created_once_and_left_alone_then(chat: DevGateway) -> None:
    arguments = ["fresh", "--endpoint", chat.dynamodb_url, "--region", "us-east-1"]

    first, second = (run("create-table", *arguments) for _ in range(2))

    assert first.stdout == f"table fresh is ready at {chat.dynamodb_url}\n"
    assert (second.returncode, second.stdout) == (0, first.stdout)


@pytest.mark.usefixtures("_credentials")
def test_a_table_that_cannot_be_created_is_told(capsys: Said) -> None:
    status = main(["create-table", "t", "--endpoint", "nonsense"])

    assert status == 1
    assert "nonsense" in only_line(capsys.readouterr().err)


def test_the_log_for_people_has_a_line_an_event(chat: DevGateway) -> None:
    arguments = ["--port", "0", "--dynamodb", chat.dynamodb_url]

    with subprocess.Popen(  # noqa: S603 - our own command
        command("dev", f"{CHAT}:handler", *arguments),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(CREDENTIALS),
    ) as process:
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(6)]
        url = head[1].split()[1]
        _knock(url)
        log = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)

    assert head[0] == f"wspubsub {__version__} serves {CHAT}:handler\n"
    assert head[5].endswith(f" -m websockets {url}\n")
    assert [line.split()[2] for line in log] == [
        "$connect",
        "opened",
        "closed",
        "$disconnect",
    ]
    assert "\x1b" not in "".join(head + log)


def _knock(url: str) -> None:
    with connect(url, proxy=None):
        pass
