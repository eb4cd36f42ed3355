"""What a program gets that describes a deployment itself."""

import json
from pathlib import Path

import pytest

from tests.support.infra_templates import made, properties, statements
from tests.support.servers.gateways import CHAT
from wspubsub import UsageError
from wspubsub.deployment import (
    STREAM_FILTERS,
    Arns,
    permissions,
    read_application,
)

APP = """
import os

from wspubsub import MessageEvent, Router

handler = Router()


@handler.route(os.environ.get("GREETING", "hello"))
def greet(event: MessageEvent) -> None: ...
"""
DECORATED = """
import functools

from wspubsub.eventsources import EventSources

sources = EventSources(handler, stream=print)


def trace(function):
    print("tracing", function.__name__)

    @functools.wraps(function)
    def traced(event, context):
        return function(event, context)

    return traced


traced = trace(trace(INSIDE))
"""
ARNS = Arns(
    stage="api/prod",
    table="table",
    log_group="logs",
    queue="queue",
    stream="stream",
    stream_failures="failures",
)


@pytest.mark.integration
def test_an_application_is_read_from_its_file() -> None:
    application = read_application(f"{CHAT}:handler")

    assert application.handler == "app.handler"
    assert application.route_selection_expression == "$request.body.type"
    assert application.event_sources == set()
    assert application.all_keys == [
        "$connect",
        "$disconnect",
        "$default",
        "message",
        "subscribe",
        "unsubscribe",
    ]


@pytest.mark.integration
def test_a_folder_and_variables_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)

    plain = read_application("app.py:handler", folder=tmp_path)
    other = read_application(
        "app:handler", folder=tmp_path, variables={"GREETING": "ciao"}
    )

    assert plain.custom_keys == ["hello"]
    assert other.custom_keys == ["ciao"]


@pytest.mark.integration
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_router_is_found_inside_decorators(tmp_path: Path, *, is_whole: bool) -> None:
    (tmp_path / "app.py").write_text(
        f"{APP}\n{DECORATED.replace('INSIDE', 'handler' if is_whole else 'sources')}"
    )

    application = read_application("app.py:traced", folder=tmp_path)

    assert application.custom_keys == ["hello"]
    assert application.event_sources == (set() if is_whole else {"stream"})


@pytest.mark.integration
def test_the_two_way_routes_are_read(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        f"{APP}\nhandler.route('echo', two_way=True)(greet)\n"
    )

    application = read_application("app.py:handler", folder=tmp_path)

    assert application.two_way_keys == {"echo"}
    routes = frozenset(application.all_keys)
    assert application.two_way_routes(routes) == {"echo"}
    assert application.two_way_routes(frozenset({"$connect", "$default"})) == {
        "$default"
    }
    assert application.two_way_routes(frozenset({"$connect"})) == set()


@pytest.mark.integration
def test_event_sources_are_those_that_the_handler_would_have_there() -> None:
    alone = read_application(f"{CHAT}:handler")
    both = read_application(f"{CHAT}:handler", sources=frozenset({"stream", "queue"}))

    assert alone.event_sources == alone.needed_sources == set()
    assert both.event_sources == both.needed_sources == {"stream", "queue"}
    assert both.may_take("queue")
    assert not alone.may_take("queue")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("reading", "is_needed"),
    [
        ("os.environ['WSPUBSUB_QUEUE']", True),
        ("os.environ.get('WSPUBSUB_QUEUE')", False),
        ("os.getenv('WSPUBSUB_QUEUE', '')", False),
        ("'WSPUBSUB_QUEUE' in os.environ and os.environ['WSPUBSUB_QUEUE']", False),
        ("os.environ.setdefault('WSPUBSUB_QUEUE', 'mine') and 'x'", False),
        ("'HOME' in os.environ or 1 / 0", False),
        ("5 in os.environ and 1 / 0", False),
        ("dict(os.environ).get('WSPUBSUB_QUEUE')", False),
    ],
)
def test_a_source_is_needed_if_its_variable_is_read_without_an_alternative(
    tmp_path: Path, reading: str, *, is_needed: bool
) -> None:
    (tmp_path / "app.py").write_text(f"{APP}\nurl = {reading}\nassert not url or 1\n")

    application = read_application("app.py:handler", folder=tmp_path)

    assert application.needed_sources == ({"queue"} if is_needed else set())


@pytest.mark.integration
def test_a_function_that_does_not_say_so_may_take_records(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        f"{APP}\ndef f(event, context): ...\nf.router = handler\n"
    )

    application = read_application("app.py:f", folder=tmp_path)

    assert application.event_sources is None
    assert application.may_take("stream")
    assert application.needed_sources == set()


@pytest.mark.integration
@pytest.mark.slow
def test_what_a_module_asks_of_aws_while_it_is_imported_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example")
    asking = "import boto3\nboto3.client('s3').list_buckets()\n"
    (tmp_path / "app.py").write_text(f"{APP}\n{asking}")

    with pytest.raises(UsageError, match="wspubsub-keeps-requests-from-AWS"):
        read_application("app.py:handler", folder=tmp_path)


@pytest.mark.integration
def test_without_a_folder_it_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)

    application = read_application("app.py:handler")

    assert application.custom_keys == ["hello"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nothing", "does not name a handler"),
        ("nowhere.py:handler", "does not exist"),
        pytest.param("app.py:nothing", "nothing", marks=pytest.mark.integration),
    ],
)
def test_what_is_no_handler_is_refused(
    target: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)

    with pytest.raises(UsageError, match=reason):
        read_application(target, folder=tmp_path)


@pytest.mark.parametrize("history", [False, True])
def test_permissions_are_those_of_the_template(history: bool) -> None:
    template = made(streams=True, queue=True, history=history)

    written = {
        sid: each["Action"]
        for sid, each in statements(template, "FunctionRole").items()
    }

    given = permissions(ARNS, history=history)
    assert {each["Sid"]: each["Action"] for each in given} == written


def test_permissions_name_what_was_given_and_nothing_else() -> None:
    given = permissions(ARNS, history=True)

    resources = {each["Sid"]: each["Resource"] for each in given}
    assert resources == {
        "Logs": ["logs"],
        "Connections": [
            "api/prod/POST/@connections/*",
            "api/prod/GET/@connections/*",
            "api/prod/DELETE/@connections/*",
        ],
        "Table": ["table"],
        "Send": ["queue"],
        "Stream": ["stream"],
        "Streams": ["table/stream/*"],
        "Failures": ["failures"],
        "Receive": ["queue"],
    }
    assert {each["Effect"] for each in given} == {"Allow"}


def test_a_function_without_records_may_send_but_not_receive() -> None:
    given = permissions(ARNS, records=False)

    assert [each["Sid"] for each in given] == ["Logs", "Connections", "Table", "Send"]


def test_what_there_is_not_needs_no_permission() -> None:
    given = permissions(Arns(stage="api/prod", table="table", log_group="logs"))

    assert [each["Sid"] for each in given] == ["Logs", "Connections", "Table"]


def test_the_filters_are_those_of_the_template() -> None:
    criteria = properties(made(streams=True), "StreamMapping")["FilterCriteria"]

    patterns = [json.loads(each["Pattern"]) for each in criteria["Filters"]]

    assert patterns == list(STREAM_FILTERS)
