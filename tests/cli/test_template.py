"""`wspubsub template` and `wspubsub check`, as a user runs them."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.linting import cfn_lint
from tests.support.servers.gateways import CHAT
from wspubsub.cli import main

pytestmark = pytest.mark.integration

Said = pytest.CaptureFixture[str]

APP = """
import os

from wspubsub import MessageEvent, Router

table, endpoint = os.environ["WSPUBSUB_TABLE"], os.environ.get("WSPUBSUB_ENDPOINT")
router = Router(route_selection_expression="$request.body.type")
print(f"{table} and {len(dict(os.environ))} variables")


@router.route("shout")
def shout(event: MessageEvent) -> None: ...


handler = router
"""
RECORDS = f"""{APP}

def both(event: object, context: object) -> object: ...
def unrouted(event: object, context: object) -> object: ...
def allow(event: object, context: object) -> object: ...


both.router = router
"""
DECLARING = f"""{APP}
from wspubsub.eventsources import EventSources

queue_url = os.environ["WSPUBSUB_QUEUE"]


@router.route("echo", two_way=True)
def echo(event: MessageEvent) -> str:
    return event.body


handler = EventSources(router, stream=print, queue=print)
handler.table_uses = {{"history", "members"}}
"""


LIVE = """
from wspubsub import History, MessageEvent, Router
from wspubsub.pubsub import ANYONE, PubSub

router = Router()


@router.route("echo", two_way=True)
def echo(event: MessageEvent) -> str:
    return event.body


handler = PubSub.from_environment(router=router)
room = handler.topic("room:{room_id}"HISTORY)
room.subscribe(ANYONE)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an application, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def printed(capsys: Said, *arguments: str) -> str:
    """Return what a successful command prints."""
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: Said, *arguments: str) -> str:
    """Return the one line in which a command is refused."""
    assert main([*arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.slow
def test_a_template_of_the_chat_fits_until_its_code_changes(
    project: Path, capsys: Said
) -> None:
    code = CHAT.read_text()
    (project / "app.py").write_text(code)
    text = printed(capsys, "template", "app.py:handler")
    (project / "t.yaml").write_text(text)
    assert printed(capsys, "check", "t.yaml", "app.py:handler") == ""

    (project / "app.py").write_text(code.replace('route("message")', 'route("say")'))

    assert main(["check", "t.yaml", "app.py:handler"]) == 1
    assert capsys.readouterr().out == (
        "Api: has no route say, which the router handles, so API Gateway never selects "
        "its handler: add an AWS::ApiGatewayV2::Route (in SAM, an entry of Routes) "
        "[route-missing]\n"
    )


def test_a_permission_that_is_taken_from_the_template_is_named(
    project: Path, capsys: Said
) -> None:
    text = printed(capsys, "template", "app.py:handler", "--format", "sam")
    short = text.replace("            - dynamodb:Query\n", "")
    assert short != text
    (project / "t.yaml").write_text(short)

    assert main(["check", "t.yaml", "app.py:handler"]) == 1

    assert capsys.readouterr().out == (
        "FunctionRole: does not allow dynamodb:Query on Table for Function: add it "
        "[actions]\n"
    )


@pytest.mark.slow
def test_what_is_ignored_is_not_said_and_what_publishes_is_judged(
    project: Path, capsys: Said
) -> None:
    (project / "cron.py").write_text("def handler(event, context): ...\n")
    text = printed(capsys, "template", "app.py", "--publisher", "cron.py:handler")
    # The function's own role comes first, that of the publisher last.
    head, action, tail = text.rpartition("            - dynamodb:Query\n")
    assert action
    (project / "t.yaml").write_text(head + tail)
    arguments = ["check", "t.yaml", "app.py", "--publisher", "cron.py:handler"]

    assert main(arguments) == 1

    assert capsys.readouterr().out == (
        "PublisherRole: does not allow dynamodb:Query on Table for Publisher: add it "
        "[actions]\n"
    )
    assert main([*arguments, "--ignore", "actions"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("in_tags", "warning"),
    [
        (
            False,
            "Fn::ForEach::More goes through what is known at deployment "
            "only, so what it makes is not checked",
        ),
        (
            True,
            "a loop in Table goes through what is known at deployment only, so Table "
            "is not checked",
        ),
    ],
)
def test_a_loop_that_cannot_be_read_is_a_warning(
    project: Path, capsys: Said, warning: str, *, in_tags: bool
) -> None:
    text = printed(capsys, "template", "app.py", "--output-format", "json")
    template = json.loads(text)
    resources = template["Resources"]
    place = resources["Table"]["Properties"].setdefault("Tags", {})
    (place if in_tags else resources)["Fn::ForEach::More"] = [
        "Key",
        {"Ref": "Keys"},
        {},
    ]
    (project / "t.json").write_text(json.dumps(template))

    assert main(["check", "t.json", "app.py"]) == 0

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"wspubsub: warning: {warning}\n"


def test_every_option_reaches_the_template(project: Path, capsys: Said) -> None:
    (project / "app.py").write_text(RECORDS)

    text = printed(
        capsys,
        *("template", "app.py:both", "--output-format", "json", "--stage", "live"),
        *("--two-way", "--authorizer", "app.py:allow", "--streams", "--queue"),
        *("--identity-source", "route.request.header.Auth", "--history"),
        *("--memory", "512", "--timeout", "10", "--runtime", "python3.14"),
        *("--architecture", "x86_64", "--log-retention-days", "7"),
        *("--throttle-rate", "9", "--throttle-burst", "8"),
    )

    resources = json.loads(text)["Resources"]
    stage = resources["Stage"]["Properties"]
    function = resources["Function"]["Properties"]
    assert stage["StageName"] == "live"
    assert list(stage["DefaultRouteSettings"].values()) == [9, 8]
    assert (function["MemorySize"], function["Timeout"]) == (512, 10)
    assert (function["Runtime"], function["Architectures"]) == (
        "python3.14",
        ["x86_64"],
    )
    assert resources["FunctionLogs"]["Properties"]["RetentionInDays"] == 7
    assert resources["Table"]["DeletionPolicy"] == "Retain"
    assert resources["AuthorizerFunction"]["Properties"]["Handler"] == "app.allow"
    assert resources["Authorizer"]["Properties"]["IdentitySource"] == [
        "route.request.header.Auth"
    ]
    assert {"StreamMapping", "QueueMapping", "ShoutRouteResponse"} <= set(resources)
    api = resources["Api"]["Properties"]
    assert api["RouteSelectionExpression"] == "$request.body.type"


def test_a_variables_default_is_there_when_the_module_is_imported(
    project: Path, capsys: Said
) -> None:
    (project / "app.py").write_text(f"{APP}\nlimit = int(os.environ['LIMIT'])\n")
    complaint = refused(capsys, "template", "app.py:handler")
    assert "KeyError: 'LIMIT'" in complaint
    assert "--variable LIMIT" in complaint

    text = printed(capsys, "template", "app.py:handler", "--variable", "LIMIT=3")

    template = yaml.safe_load(text)
    variables = template["Resources"]["Function"]["Properties"]["Environment"]
    assert variables["Variables"]["LIMIT"] == {"Ref": "Limit"}
    assert template["Parameters"]["Limit"]["Default"] == "3"


NEEDY = f"""{APP}
import os
limit = int(os.environ["LIMIT"])
key = os.environ["API_KEY"].encode()
"""
CRON = """
import os
from app import router
url = os.environ["FEED_URL"]

def handler(event, context): ...
"""


@pytest.mark.slow
@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_no_variable_needs_to_be_set_that_the_template_gives_a_function(
    project: Path, capsys: Said, template_format: str
) -> None:
    (project / "app.py").write_text(NEEDY)
    (project / "cron.py").write_text(CRON)

    text = printed(
        capsys,
        *("template", "app.py", "--variable", "LIMIT", "--secret", "API_KEY"),
        *("--publisher", "cron.py", "--schedule", "rate(1 day)"),
        *("--variable", "FEED_URL=https://example.com", "--format", template_format),
    )
    (project / "t.yaml").write_text(text)

    template = yaml.safe_load(text)
    assert template["Parameters"]["ApiKey"]["NoEcho"] is True
    assert "PublisherSchedule" in template["Resources"]
    assert printed(capsys, "check", "t.yaml", "app.py") == ""


def test_a_file_may_have_the_variables_that_a_module_needs(
    project: Path, capsys: Said
) -> None:
    (project / "app.py").write_text(NEEDY)
    (project / ".env").write_text("LIMIT=5\nAPI_KEY=secret\n")

    text = printed(capsys, "template", "app.py", "--env-file", ".env")

    assert "secret" not in text


@pytest.mark.usefixtures("project")
def test_a_schedule_belongs_to_a_publisher(capsys: Said) -> None:
    with pytest.raises(SystemExit):
        main(["template", "app.py", "--schedule", "rate(1 day)"])

    assert "belongs after the --publisher" in capsys.readouterr().err


def test_sam_finds_the_code_where_it_is(
    project: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "deploy").mkdir()
    monkeypatch.chdir(project / "deploy")

    text = printed(capsys, "template", "../app.py:handler", "--format", "sam")

    function = yaml.safe_load(text)["Resources"]["Function"]["Properties"]
    assert (function["CodeUri"], function["Handler"]) == ("..", "app.handler")


@pytest.mark.usefixtures("project")
def test_sam_is_told_where_the_packaged_code_is(capsys: Said) -> None:
    text = printed(
        capsys,
        *("template", "app.py:handler", "--format", "sam", "--code-uri", "build/"),
    )

    function = yaml.safe_load(text)["Resources"]["Function"]["Properties"]
    assert function["CodeUri"] == "build/"


@pytest.mark.usefixtures("project")
def test_a_router_that_is_to_take_records_gives_a_warning(capsys: Said) -> None:
    assert main(["template", "app.py:handler", "--streams"]) == 0

    said = capsys.readouterr()

    assert "app.py:handler cannot handle records of the stream: pass stream" in said.err
    assert "--worker" in said.err
    assert yaml.safe_load(said.out)["Resources"]["StreamMapping"]


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_what_a_handler_declares_needs_no_option(project: Path, capsys: Said) -> None:
    (project / "app.py").write_text(DECLARING)
    printed_one = printed(capsys, "template", "app.py:handler")
    (project / "t.yaml").write_text(printed_one)
    other = printed(
        capsys,
        *("template", "app.py:handler", "--no-streams", "--two-way", "$default"),
        *("--no-history", "--no-members"),
    )
    resources = yaml.safe_load(printed_one)["Resources"]

    assert {"StreamMapping", "QueueMapping", "EchoRouteResponse"} <= set(resources)
    assert "ShoutRouteResponse" not in resources
    assert printed(capsys, "check", "t.yaml", "app.py:handler") == ""
    assert resources["Table"]["DeletionPolicy"] == "Retain"
    assert "dynamodb:UpdateItem" in printed_one
    assert "UpdateItem" not in other
    assert "ConditionCheckItem" not in other
    assert main(["check", "t.yaml", "app.py:handler", "--no-members"]) == 0
    assert "StreamMapping" not in other
    assert "EchoRouteResponse" not in other
    assert "DefaultRouteResponse" in other


@pytest.mark.slow
@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_a_pubsub_is_deployed_whole(
    project: Path, capsys: Said, template_format: str
) -> None:
    (project / "app.py").write_text(LIVE.replace("HISTORY", ", history=History()"))
    command = ("template", "app.py:handler", "--format", template_format)

    text = printed(capsys, *command)
    (project / "t.yaml").write_text(text)
    resources = yaml.safe_load(text)["Resources"]

    prefix = "Api" if template_format == "sam" else ""
    responses = {
        name for name, each in resources.items() if each["Type"].endswith("Response")
    }
    assert responses == {
        f"{prefix}DefaultRouteResponse",
        f"{prefix}EchoRouteResponse",
    }
    keys = set(resources.get("Api", {})["Properties"].get("Routes", {})) or {
        each["Properties"]["RouteKey"]
        for each in resources.values()
        if each["Type"] == "AWS::ApiGatewayV2::Route"
    }
    assert keys == {"$disconnect", "$default", "echo"}
    mapping = resources["StreamMapping"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "dynamodb:UpdateItem" in text
    assert "dynamodb:ConditionCheckItem" in text
    assert printed(capsys, "check", "t.yaml", "app.py:handler") == ""


@pytest.mark.slow
@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_a_pubsub_whose_leaves_are_said_later_gets_its_queue(
    project: Path, capsys: Said, template_format: str
) -> None:
    grace = ", join_leave=True, grace_seconds=30"
    (project / "app.py").write_text(LIVE.replace("HISTORY", grace))
    command = ("template", "app.py:handler", "--format", template_format)

    text = printed(capsys, *command)

    (project / "t.yaml").write_text(text)
    resources = yaml.safe_load(text)["Resources"]
    mapping = resources["QueueMapping"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "WSPUBSUB_QUEUE" in text
    assert "StreamMapping" not in text
    assert printed(capsys, "check", "t.yaml", "app.py:handler") == ""
    (project / "t.yaml").write_text(printed(capsys, *command, "--no-queue"))
    assert main(["check", "t.yaml", "app.py:handler"]) == 1
    assert "queue" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_pubsub_without_history_needs_no_stream(project: Path, capsys: Said) -> None:
    (project / "app.py").write_text(LIVE.replace("HISTORY", ""))

    text = printed(capsys, "template", "app.py:handler")

    assert "StreamMapping" not in text
    assert "dynamodb:UpdateItem" in text
    assert "dynamodb:ConditionCheckItem" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("router.connect(print)", []),
        ("router.middleware(lambda event, call_next: call_next(event))", []),
        ("", ["--authorizer", "app.py:check"]),
    ],
)
def test_a_pubsub_has_the_route_connect_where_something_handles_it(
    project: Path, capsys: Said, code: str, options: list[str]
) -> None:
    live = LIVE.replace("HISTORY", "")
    (project / "app.py").write_text(f"{live}\n{code}\ndef check(event, context): ...\n")

    text = printed(capsys, "template", "app.py:handler", *options)

    assert "RouteKey: $connect" in text


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_what_a_pubsub_lacks_is_reported(project: Path, capsys: Said) -> None:
    (project / "app.py").write_text(LIVE.replace("HISTORY", ", history=History()"))
    text = printed(
        capsys,
        *("template", "app.py:handler", "--no-streams", "--no-members"),
        *("--two-way", "echo"),
    )
    (project / "t.yaml").write_text(text)

    assert main(["check", "t.yaml", "app.py:handler"]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "DefaultRoute:",
        "FunctionRole:",
        "Function:",
    ]
    assert "route $default is one-way" in lines[0]
    assert "dynamodb:UpdateItem" in lines[1]
    assert "records of the stream, but nothing invokes it" in lines[2]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nothing.py:handler"], "does not exist"),
        (["app.py:missing"], "app has no function missing"),
        (["app.py:unrouted"], "add unrouted.router = router"),
        (["app.py:handler", "--timeout", "60"], "timeout must be from 1 to 29 s"),
        (["app.py:handler", "--authorizer", "app.py:none"], "has no function none"),
        (
            ["app.py:handler", "--two-way", "echo"],
            "--two-way names echo, but",
        ),
        (["app.py:handler", "--authorizer", "x/b.py:f"], "must be in the folder of"),
    ],
)
def test_what_cannot_be_deployed_is_refused(
    project: Path, capsys: Said, arguments: list[str], reason: str
) -> None:
    (project / "app.py").write_text(RECORDS)
    (project / "x").mkdir()
    (project / "x" / "b.py").write_text("def f(event, context): ...\n")

    line = refused(capsys, "template", *arguments)

    assert line.startswith("wspubsub: error: ")
    assert reason in line


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nothing_there", "ModuleNotFoundError: No module named"),
        ("x = 1\n1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        (
            "import os; os.environ['SECRET']",
            "let the template have it: --variable SECRET",
        ),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import os; os._exit(3)", "ended its process with status 3"),
        ("handler = 5", "app has no function handler"),
    ],
)
def test_a_module_that_cannot_be_imported_is_no_finding(
    project: Path, capsys: Said, code: str, reason: str
) -> None:
    (project / "app.py").write_text(code)
    (project / "t.json").write_text('{"Resources": {}}')

    line = refused(capsys, "check", "t.json", "app.py:handler")

    assert reason in line


@pytest.mark.slow
def test_nothing_that_the_module_asks_of_aws_leaves_the_machine(
    project: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "https://ssm.example.com")
    (project / "app.py").write_text(
        "import boto3\nboto3.client('ssm').get_parameter(Name='x')\n"
    )

    line = refused(capsys, "template", "app.py:handler")

    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:9' in line


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.yaml", "cannot read"),
        ("binary.yaml", "cannot read"),
        ("list.yaml", "it has no Resources"),
        ("http.json", "the template has no WebSocket API"),
    ],
)
def test_a_template_that_cannot_be_checked_is_no_finding(
    project: Path, capsys: Said, name: str, reason: str
) -> None:
    (project / "app.py").write_text(APP)
    (project / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (project / "list.yaml").write_text("- a\n")
    (project / "http.json").write_text('{"Resources": {}}')

    line = refused(capsys, "check", name, "app.py:handler")

    assert reason in line


@pytest.mark.slow
def test_a_template_with_odd_names_is_checked(project: Path, capsys: Said) -> None:
    (project / "app.py").write_text(APP)
    template = yaml.safe_load(printed(capsys, "template", "app.py:handler"))
    function = template["Resources"]["Function"]["Properties"]
    function["Environment"]["Variables"] |= {404: 1, "A=B": "x", None: "y", "C": "\0"}
    template["Resources"][404] = {"Type": "AWS::SNS::Topic"}
    (project / "t.yaml").write_text(yaml.safe_dump(template, sort_keys=False))

    assert printed(capsys, "check", "t.yaml", "app.py:handler") == ""


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say(project: Path, capsys: Said) -> None:
    (project / "app.py").write_text(RECORDS)
    everything = ["--two-way", "--streams", "--queue", "--history"]
    publishing = ["--publisher", "app.py:allow", "--schedule", "cron(0 9 ? * 2 *)"]
    publishing += ["--secret", "API_KEY"]
    authorizer = ["--authorizer", "app.py:allow", "--identity-source"]
    authorizer += ["route.request.querystring.token"]
    for number, flags in enumerate(
        (
            [],
            [*everything, *authorizer, "--worker", "app.py:allow"],
            [*everything, *authorizer, "--format", "sam", *publishing],
        )
    ):
        text = printed(capsys, "template", "app.py:both", *flags)
        (project / f"{number}.yaml").write_text(text)

    done = cfn_lint(*project.glob("*.yaml"))

    assert (done.returncode, done.stdout) == (0, ""), done.stdout
