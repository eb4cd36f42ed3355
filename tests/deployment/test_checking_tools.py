"""What a check makes of templates as other tools and their samples have them.

`cdk_functions.json` is what aws-cdk-lib makes of a chat with a function for each route,
an account and a Region; `serverless.json` is what `serverless package` of
version 3 makes of one with an authorizer. What has nothing to do with it is left out.
"""

from pathlib import Path, PurePath
from typing import Any

import pytest

from wspubsub.deployment.checking import check_template
from wspubsub.deployment.documents import read_template
from wspubsub.handlers.application import Application

TEMPLATES = Path(__file__).parents[1] / "templates"
VARIABLES = frozenset({"WSPUBSUB_ENDPOINT", "WSPUBSUB_TABLE"})


def read(name: str) -> dict[str, Any]:
    return read_template((TEMPLATES / name).read_text(encoding="utf-8"), name)


def lines(
    template: dict[str, Any], handler: str, *keys: str, module: str | None = None
) -> list[str]:
    application = Application(
        handler=handler,
        route_keys=frozenset(keys),
        event_sources=None,
        variables=VARIABLES if module is None else frozenset(),
    )
    found = check_template(
        template,
        application,
        folder=PurePath("/chat"),
        module=None if module is None else PurePath(module),
    )
    return [str(each) for each in found]


@pytest.mark.parametrize(
    ("folder", "key"),
    [("join", "$connect"), ("leave", "$disconnect"), ("say", "say")],
)
def test_a_sample_for_sam_is_right(folder: str, key: str) -> None:
    template = read("sam_functions.yaml")

    assert lines(template, "app.handler", key, module=f"/chat/{folder}/app") == []


def test_what_is_wrong_in_a_sample_for_sam_is_found() -> None:
    template = read("sam_functions.yaml")
    del template["Resources"]["SayPermission"]

    (line,) = lines(template, "app.handler", "say", "more", module="/chat/say/app")[1:]

    assert line.startswith("Say: API Gateway may not invoke it for route say")


@pytest.mark.parametrize(
    ("handler", "key"),
    [
        ("index.connect", "$connect"),
        ("index.send", "sendmessage"),
        ("index.default", "$default"),
    ],
)
def test_a_stack_of_cdk_with_a_region_is_right(handler: str, key: str) -> None:
    assert lines(read("cdk_functions.json"), handler, key) == []


def test_a_function_of_cdk_without_its_grant_may_not_post() -> None:
    (line,) = lines(read("cdk_functions.json"), "index.disconnect", "$disconnect")

    assert "DisconnectHandler" in line
    assert "may not POST connections" in line


def test_all_that_is_wrong_with_serverless_is_how_much_it_allows() -> None:
    keys = ("$connect", "$disconnect", "$default", "sendmessage")

    (line,) = lines(read("serverless.json"), "app.handler", *keys)

    assert line.startswith(
        "IamRoleLambdaExecution: allows execute-api:ManageConnections on "
        "arn:${AWS::Partition}:execute-api:*:*:*/@connections/*, which is too much"
    )
