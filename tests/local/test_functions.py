"""An API whose routes have functions of their own, as AWS's samples have."""

import json
from pathlib import Path

import pytest

from tests.support.servers.gateways import dev
from wspubsub.errors import UsageError
from wspubsub.gateway import Function, GatewayConfig, Invoke
from wspubsub.handlers.application import Declaration
from wspubsub.handlers.target import Target
from wspubsub.local.declared import ApiChoices, read_served
from wspubsub.local.functions.deployed import DeployedFunctions

PLAIN = """
import os

def handler(event, context):
    return {"statusCode": 200, "body": context.function_name}
"""
ROUTER = """
from wspubsub import Router

handler = Router()

@handler.route("say", two_way=True)
def say(event):
    return "said"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("on_connect", "on_disconnect"):
        (tmp_path / f"{name}.py").write_text(PLAIN)
    (tmp_path / "talk.py").write_text(ROUTER)
    return tmp_path


def served(folder: Path, main: str, *, alone: bool, **functions: str) -> GatewayConfig:
    """Return the API that handlers get; in keys, an underscore is the dollar."""
    targets = {
        key.replace("_", "$"): Target.parse(text, cwd=folder)
        for key, text in functions.items()
    }
    target = Target.parse(main, cwd=folder)
    application, problem = read_served(target, frozenset(), None, targets)
    assert problem is None
    routes = frozenset(targets)
    choices = ApiChoices(own_routes=routes, routes=routes if alone else None)
    return choices.configure(GatewayConfig(), application)


def test_functions_of_routes_make_an_api_of_just_these(folder: Path) -> None:
    config = served(
        folder, "on_connect.py", alone=True, _connect="on_connect.py", say="talk.py"
    )

    assert config.routes == {"$connect", "say"}
    assert config.two_way == {"say"}


def test_a_route_with_a_function_of_its_own_is_one_more(folder: Path) -> None:
    config = served(folder, "talk.py", alone=False, other="on_connect.py")

    assert config.routes == {"$connect", "$disconnect", "$default", "say", "other"}
    assert config.two_way == {"say"}


def test_what_a_function_answers_counts_for_its_own_route_only(folder: Path) -> None:
    config = served(folder, "talk.py", alone=False, say="on_connect.py")

    assert config.two_way == frozenset()


def test_a_key_that_no_route_can_have_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="is not a route key"):
        served(folder, "talk.py", alone=False, _other="on_connect.py")


@pytest.mark.integration
@pytest.mark.slow
def test_each_route_is_handled_by_its_function(folder: Path) -> None:
    arguments = (
        "--function=$connect=on_connect.py",
        *("--function", "$disconnect=on_disconnect.py:handler"),
        *("--function", "say=talk.py", "--function", "name=on_connect.py"),
        *("--two-way", "say", "--two-way", "name", "--environments", "1"),
    )
    with dev(arguments[0], *arguments[1:], cwd=folder) as gateway:
        with gateway.client() as client:
            client.send(json.dumps({"action": "say"}))
            assert client.recv(10) == "said"
            # The same handler as that of $connect is the same function.
            client.send(json.dumps({"action": "name"}))
            assert client.recv(10) == "handler"
            client.send(json.dumps({"action": "unknown"}))
            assert json.loads(client.recv(10))["message"] == "Forbidden"
        gateway.wait_for(lambda each: each.get("route_key") == "$disconnect")
        invoked = [each for each in gateway.records if each["kind"] == "invoked"]
        assert {each["route_key"]: each["function"] for each in invoked} == {
            "$connect": "handler",
            "say": "talk-handler",
            "name": "handler",
            "$disconnect": "on_disconnect-handler",
        }

        ready = gateway.wait_for(lambda each: each["kind"] == "ready")
        assert ready["routes"] == "$connect, $disconnect, name, say"
        assert "say talk.py" in ready["functions"]
        handlers = "on_connect.py, on_disconnect.py:handler, talk.py"
        assert ready["serving"].endswith(f" serves {handlers}")


def message(route_key: str, body: str, event_type: str = "MESSAGE") -> Invoke:
    context = {"routeKey": route_key, "eventType": event_type}
    return Invoke(
        invocation_id="8c1e",
        function=Function.HANDLER,
        event={"requestContext": context, "body": body},
        connection_id="a=",
    )


@pytest.mark.parametrize(
    ("selected", "body", "own"),
    [
        ("$default", '{"action": "say"}', "say"),
        ("say", '{"action": "say"}', "say"),
        ("$default", '{"action": "sing"}', None),
        ("other", '{"action": "say"}', None),
    ],
)
def test_the_routes_of_a_router_are_known_where_the_api_has_one_for_all(
    selected: str, body: str, own: str | None
) -> None:
    functions = DeployedFunctions()
    functions.declare(Declaration(route_keys={"say"}))
    functions.assign("other", "other")

    assert functions.find_own_route_key(message(selected, body)) == own


def test_only_messages_to_a_router_have_a_route_of_its_own() -> None:
    functions = DeployedFunctions()
    body = '{"action": "say"}'

    assert functions.find_own_route_key(message("$default", body)) is None
    functions.declare(Declaration(route_keys={"say", "$connect"}))
    connect = message("$connect", body, "CONNECT")
    assert functions.find_own_route_key(connect) is None


@pytest.mark.integration
@pytest.mark.slow
def test_the_log_names_the_route_of_the_router(folder: Path) -> None:
    with (
        dev("talk.py", "--route", "$default", cwd=folder) as gateway,
        gateway.client() as client,
    ):
        client.send('{"action": "say"}')
        invoked = gateway.wait_for(lambda each: each.get("route_key") == "$default")

    assert (invoked["route_key"], invoked["own_route_key"]) == ("$default", "say")
