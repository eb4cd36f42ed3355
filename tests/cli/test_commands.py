"""The command `wspubsub`: what it says, what it returns, what it leaves behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    APPS,
    CREDENTIALS,
    ROOT,
    DevGateway,
    environment,
    run,
)
from wspubsub import __version__
from wspubsub.cli import main

pytestmark = pytest.mark.integration

PROBE = f"{APPS / 'probe.py'}:handler"
MISSING = (
    "import sys; sys.modules[{module!r}] = None; from wspubsub.cli import main; "
    "sys.exit(main({arguments!r}))"
)


COMMANDS = ("dev", "demo", "create-table", "template", "check")

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


@pytest.mark.parametrize("name", COMMANDS)
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
        (["nowhere.py:handler"], "does not exist"),
        (["no-module:handler"], "neither a Python file nor a module name"),
        ([PROBE, "--stage", "$default"], "is not a stage name"),
        ([PROBE, "--two-way", "nope"], "--two-way names nope, but"),
        ([PROBE, "--route", "$other"], "is not a route key"),
        ([PROBE, "--route-selection-expression", "$context.x"], "cannot be read"),
        ([PROBE, "--identity-source", "x"], "identity sources need an authorizer"),
        ([PROBE, "--authorizer", "x"], "does not name a handler"),
        ([PROBE, "--table", "no such name"], "is not a table name"),
        ([PROBE, "--idle-timeout", "0"], "must be greater than 0"),
        ([PROBE, "--timeout", "0"], "must be greater than 0"),
        ([PROBE, "--timeout", "inf"], "at most 900 seconds, as on Lambda, not inf"),
        ([PROBE, "--timeout", "nan"], "at most 900 seconds"),
        ([PROBE, "--timeout", "50000"], "at most 900 seconds"),
        ([PROBE, "--memory", "64"], "from 128 to 10240 MB"),
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
    assert f"cannot reach DynamoDB at {url}" in only_line(capsys.readouterr().err)


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
    assert f"cannot start the handler: {reason}" in line


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

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert advice in only_line(done.stderr)


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
