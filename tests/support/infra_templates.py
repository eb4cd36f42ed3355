"""Templates that the tests of `wspubsub.deployment` start from."""

import json
from dataclasses import replace
from typing import Any

from wspubsub.deployment.checking import check_template
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.deployment.template.template import make_template
from wspubsub.handlers.application import HISTORY, Application

Template = dict[str, Any]

APPLICATION = Application(
    handler="app.handler",
    route_keys=frozenset({"$connect", "$disconnect", "subscribe", "sendMessage"}),
    event_sources=None,
    variables=frozenset({"WSPUBSUB_ENDPOINT", "WSPUBSUB_TABLE"}),
)
EVERYTHING: dict[str, Any] = {
    "two_way": frozenset(),
    "authorizer": "auth.check",
    "identity_sources": ("route.request.querystring.token",),
    "streams": True,
    "queue": True,
    "history": True,
}


def made(application: Application = APPLICATION, **settings: Any) -> Template:
    """Return a template of one's own, which a test may change."""
    template = make_template(application, TemplateSettings(**settings))
    copied: Template = json.loads(json.dumps(template))
    return copied


def properties(template: Template, name: str) -> dict[str, Any]:
    """Return the properties of a resource."""
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def of_kind(template: Template, kind: str) -> dict[str, Any]:
    """Return the properties of all resources of a type."""
    return {
        name: each["Properties"]
        for name, each in template["Resources"].items()
        if each["Type"] == kind
    }


def statements(template: Template, role: str = "FunctionRole") -> dict[str, Any]:
    """Return the statements of a role by their names."""
    (policy,) = properties(template, role)["Policies"]
    return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}


def found(
    template: Template,
    application: Application = APPLICATION,
    *,
    with_history: bool = False,
) -> list[str]:
    """Return what a check says, line by line."""
    if with_history:
        application = replace(
            application, table_uses=application.table_uses | {HISTORY}
        )
    return [str(each) for each in check_template(template, application)]
