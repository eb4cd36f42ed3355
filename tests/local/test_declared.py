"""What `wspubsub dev` reads from the handler, so that no option repeats it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.gateways import APPS, CREDENTIALS, DevGateway, dev

pytestmark = pytest.mark.integration

APP = """
import os

from wspubsub import MessageEvent, Router
from wspubsub.eventsources import EventSources

router = Router(route_selection_expression="$request.body.type")


@router.route("echo", two_way=True)
def echo(event: MessageEvent) -> str:
    return event.json()["text"]


@router.default
def ignore(event: MessageEvent) -> str:
    return "nobody gets this"


def take(event, context):
    print("took", event["Records"][0]["eventSource"], os.environ["WSPUBSUB_QUEUE"])


handler = EventSources(router, queue=take)
"""


def _ready(gateway: DevGateway) -> dict[str, str]:
    return dict(gateway.wait_for(lambda each: each["kind"] == "ready"))


def test_routes_and_event_sources_are_those_of_the_handler(
    chat: DevGateway, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)

    with (
        dev("app.py:handler", "--dynamodb", chat.dynamodb_url, cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        ready = _ready(gateway)
        client.send("one-way")
        client.send(json.dumps({"type": "echo", "text": "hello"}))
        answer = client.recv(10)
        invoked = gateway.wait_for(lambda each: each.get("route_key") == "echo")

    assert answer == "hello"
    assert invoked
    assert ready["routes"] == "$connect, $disconnect, $default, echo"
    assert ready["two-way_routes"] == "echo"
    assert ready["selected_by"] == "$request.body.type"
    assert ready["queue_url"]
    assert "stream" not in ready


@pytest.mark.slow
def test_options_win_over_what_the_handler_declares(
    chat: DevGateway, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)
    options = [
        "--route=$connect",
        "--route=$default",
        "--route=echo",
        "--two-way=$default",
    ]
    options += ["--no-queue", "--dynamodb", chat.dynamodb_url]

    with (
        dev(
            "app.py:handler",
            *options,
            cwd=tmp_path,
            environ={"WSPUBSUB_QUEUE": "https://mine", **CREDENTIALS},
        ) as gateway,
        gateway.client() as client,
    ):
        ready = _ready(gateway)
        client.send("two-way")
        answer = client.recv(10)

    (warning,) = [each for each in gateway.records if each["kind"] == "warning"]
    assert "what the handler answers on echo, which is one-way here" in warning["text"]
    assert answer == "nobody gets this"
    assert ready["routes"] == "$connect, $default, echo"
    assert "queue_url" not in ready


@pytest.mark.slow
def test_a_handler_without_a_router_is_served_with_the_predefined_routes(
    chat: DevGateway,
) -> None:
    target = f"{APPS / 'probe.py'}:handler"

    with dev(target, "--dynamodb", chat.dynamodb_url) as gateway:
        ready = _ready(gateway)

    assert ready["routes"] == "$connect, $disconnect, $default"
    assert "two-way_routes" not in ready
    assert not [each for each in gateway.records if each["kind"] == "warning"]


@pytest.mark.slow
def test_a_module_that_needs_its_table_when_it_is_imported_is_served(
    chat: DevGateway, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "import boto3\nfrom wspubsub import Router\n"
        "boto3.client('dynamodb').describe_table(TableName='wspubsub')\n"
        "handler = Router()\nhandler.route('a')(print)\n"
    )

    with dev(
        "app.py:handler", "--dynamodb", chat.dynamodb_url, cwd=tmp_path
    ) as gateway:
        warning = gateway.wait_for(lambda each: each["kind"] == "warning")
        ready = _ready(gateway)

    assert ready["routes"] == "$connect, $disconnect, $default"
    assert (
        "cannot read the routes: app.py:handler: importing app failed"
        in (warning["text"])
    )


@pytest.mark.slow
def test_routes_that_come_with_a_change_are_served_to_open_connections(
    chat: DevGateway, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    code = "from wspubsub import Router\nhandler = Router()\n"
    app.write_text(code)
    options = ["--reload", "--no-queue", "--dynamodb", chat.dynamodb_url]

    with (
        dev("app.py:handler", *options, cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        app.write_text(
            f"{code}handler.route('echo', two_way=True)(lambda event: 'new')\n"
        )
        gateway.wait_for(lambda each: each.get("text") == "Two-way routes: echo")
        client.send('{"action": "echo"}')
        assert client.recv(10) == "new"

        app.write_text(
            "from wspubsub import Router\n"
            "from wspubsub.eventsources import EventSources\n"
            "handler = EventSources(Router(), stream=print, queue=print)\n"
        )
        warning = gateway.wait_for(lambda each: each["kind"] == "warning")
        assert "the handler needs the stream now: restart" in warning["text"]


LIVE = """
from wspubsub.pubsub import ANYONE, PubSub, User

handler = PubSub.from_environment()
handler.connect(lambda request: User(request.token))
room = handler.topic("room", join_leave=True, grace_seconds=1)
room.subscribe(ANYONE)
"""


@pytest.mark.slow
def test_a_leave_that_is_said_later_comes_through_the_queue(
    chat: DevGateway, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(LIVE)

    def enter(client: Any, user: str) -> None:
        client.send(json.dumps({"id": 1, "connect": {"token": user}}))
        assert "connect" in json.loads(client.recv(10))
        client.send(json.dumps({"id": 2, "subscribe": {"channel": "room"}}))
        assert "subscribe" in json.loads(client.recv(10))

    with (
        dev("app.py:handler", "--dynamodb", chat.dynamodb_url, cwd=tmp_path) as gateway,
        gateway.client() as ada,
    ):
        enter(ada, "ada")
        with gateway.client() as bob:
            enter(bob, "bob")
            join = json.loads(ada.recv(10))
        leave = json.loads(ada.recv(20))

    assert join["push"]["join"]["info"]["user"] == "bob"
    assert leave["push"]["leave"]["info"]["user"] == "bob"
    assert _ready(gateway)["queue_url"]
