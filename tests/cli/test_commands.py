"""The command `wspubsub`: what it says, what it returns, what it leaves behind."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.servers.gateways import (
    APPS,
    CHAT,
    CREDENTIALS,
    ROOT,
    DevGateway,
    command,
    environment,
    run,
)
from wspubsub import __version__
from wspubsub.cli import live_options, main
from wspubsub.cli.complaints import say_if_slow

pytestmark = pytest.mark.integration

PROBE = f"{APPS / 'probe.py'}:handler"
MISSING = (
    "import sys; sys.modules[{module!r}] = None; from wspubsub.cli import main; "
    "sys.exit(main({arguments!r}))"
)


COMMANDS = (
    *live_options.COMMANDS,
    "dev",
    "run",
    "demo",
    "create-table",
    "template",
    "check",
)

Said = pytest.CaptureFixture[str]


def only_line(text: str) -> str:
    """Return the one line that a failure is told in."""
    # A machine that is busy may import slowly, which is said too.
    lines = [each for each in text.splitlines() if ": waiting: " not in each]
    (line,) = lines
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


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_help_fits_into_a_terminal(
    words: list[str], capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit):
        main([*words, "--help"])

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name a handler, such as app.py:handler, or those of single routes"),
        (["--function", "say"], "takes KEY=HANDLER, not 'say'"),
        (["--function", f"say={PROBE}", "--queue"], "need a handler besides those"),
        (["--function", f"say={PROBE}"] * 2, "two handlers of say; remove one"),
        (["app"], "does not name a handler"),
        (["app.py"], "does not exist"),
        (["nowhere.py:handler"], "does not exist"),
        (["no-module:handler"], "neither a file nor a module"),
        ([PROBE, "--stage", "$default"], "is not a stage name"),
        ([PROBE, "--two-way", "nope"], "--two-way names nope, but"),
        ([PROBE, "--route", "$other"], "is not a route key"),
        ([PROBE, "--route-selection-expression", "$context.x"], "cannot be read"),
        ([PROBE, "--identity-source", "x"], "identity sources need an authorizer"),
        ([PROBE, "--authorizer", "x"], "does not name a handler"),
        ([PROBE, "--stage-variable", "x"], "takes NAME=VALUE, not 'x'"),
        ([PROBE, "--env-file", "nowhere.env"], "cannot read the variables in nowhere"),
        ([PROBE, "--table", "no such name"], "is not a table name"),
        ([PROBE, "--idle-timeout", "0"], "must be greater than 0"),
        ([PROBE, "--timeout", "0"], "must be greater than 0"),
        ([PROBE, "--timeout", "inf"], "at most 900 seconds, as on Lambda, not inf"),
        ([PROBE, "--timeout", "nan"], "at most 900 seconds"),
        ([PROBE, "--timeout", "50000"], "at most 900 seconds"),
        ([PROBE, "--memory", "64"], "from 128 to 10240 MB"),
        ([PROBE, "--key", "x.pem"], "add --cert"),
        ([PROBE, "--cert", "nowhere.pem"], "cannot use the certificate nowhere.pem"),
        ([PROBE, "--allow-host", "https://x.test"], "is not a host to allow"),
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
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: wspubsub")
    assert usage.endswith("--help lists the options)")
    assert error.startswith("wspubsub: error: ")
    assert len(usage) < 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prot", "1"], "there is no option --prot; did you mean --port"),
        (["--prot=1"], "there is no option --prot; did you mean --port"),
        (["--stream"], "there is no option --stream; did you mean --streams or"),
        (["--two-wya"], "there is no option --two-wya; did you mean --two-way?"),
        (["--time", "1"], "there is no option --time; did you mean --timeout?"),
        (["--xyzzy"], "there is no option --xyzzy"),
        (["other.py"], "'other.py' is one argument too many"),
        (["--route", "a", "b"], "'b' is one argument too many"),
        (["--two-way", "app.py"], "write the handler before the options"),
        (["--route", "app.py:main"], "write the handler before the options"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_probably_meant(
    arguments: list[str], said: str, capsys: Said
) -> None:
    with pytest.raises(SystemExit):
        main(["dev", PROBE, *arguments])

    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dve"], "argument COMMAND: there is no 'dve'; did you mean dev?"),
        (["app.py"], "argument COMMAND: invalid choice: 'app.py'"),
        (
            ["check", "t.yaml", PROBE, "--ignore", "tow-wide"],
            "argument --ignore: there is no 'tow-wide'; did you mean too-wide?",
        ),
        (["template", PROBE, "--runtime", "python3.1"], "did you mean python3.11 or"),
        (["publish", "room", "-hello"], "there is no option -hello; write -- before"),
        (["publish", "room", "-h ello"], "there is no option -h ello; write -- before"),
        (["post", "-abc=", "hi"], "there is no option -abc=; write -- before an"),
        (["post", "-abcdef12=", "hi", "x"], "'x' is one argument too many"),
        (["topics", "-x"], "there is no option -x; write -- before an argument"),
        (["publish", "room", "@bob hi"], "there is no file 'bob hi' with arguments;"),
        (["publish", "room", f"@{'x' * 300}"], "with arguments; write -- before an"),
    ],
)
def test_a_choice_that_is_nearly_right_is_answered_with_the_right_one(
    words: list[str], said: str, capsys: Said
) -> None:
    with pytest.raises(SystemExit):
        main(words)

    assert said in capsys.readouterr().err


def test_a_file_may_hold_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("api.txt").write_text(
        "# the functions of the API\n\n"
        "--function '$connect=connect.py'  # who may come in\n"
        "--function '$default=two words.py'\n"
    )
    Path("connect.py").write_text("def handler(event, context): ...")

    status = main(["dev", "@api.txt"])

    assert status == 2
    assert f"{tmp_path / 'two words.py'} does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file 'api.txt' with arguments"),
        (b"--route 'a", 'line "--route \'a": No closing quotation'),
        (b"--route \xff", "cannot read the arguments in a file"),
    ],
)
def test_a_file_without_arguments_that_can_be_read_is_refused(
    content: bytes | None,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("api.txt").write_bytes(content)

    with pytest.raises(SystemExit) as caught:
        main(["dev", "@api.txt"])

    assert caught.value.code == 2
    assert reason in capsys.readouterr().err.splitlines()[-1]


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
        (
            "handler = 42",
            "Runtime.HandlerNotFound: 'handler' of module 'app' can",
        ),
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
        ("websockets", ["dev", PROBE], "pip install 'wspubsub[local]'"),
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


WRITING = ("--help", "--version", "dev --help", "template {app}", "demo", "dev {app}")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
@pytest.mark.parametrize("words", WRITING)
@pytest.mark.parametrize("is_buffered", [True, False])
def test_a_full_disk_is_told_in_a_line(words: str, is_buffered: bool) -> None:
    arguments = words.format(app=CHAT).split()
    port = ["--port", "0"] if words == "dev {app}" else []
    unbuffered = {} if is_buffered else {"PYTHONUNBUFFERED": "1"}

    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            command(*arguments, *port),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
            env=environment(unbuffered),
        )

    assert done.returncode == 1
    assert "cannot write the output: No space left" in only_line(done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["--help", "template {app}", "demo"])
def test_a_reader_that_has_enough_is_nothing_to_complain_of(words: str) -> None:
    with subprocess.Popen(
        command(*words.format(app=CHAT).split()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({}),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()

    assert process.wait(60) == 1
    assert complaint == ""


def test_a_step_that_takes_long_says_what_it_waits_for(capsys: Said) -> None:
    said = threading.Event()

    with say_if_slow("app.py is still being imported", seconds=0, on_said=said.set):
        assert said.wait(20)
    with say_if_slow("nothing", seconds=600):
        pass

    assert capsys.readouterr().err == (
        "wspubsub: waiting: app.py is still being imported\n"
    )


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
