"""A whole template, made from an application and the settings."""

from typing import Any

from wspubsub.deployment.permissions import (
    log_statement,
    permissions,
    publisher_permissions,
)
from wspubsub.deployment.template.functions import (
    application_arns,
    application_variables,
    function,
    log_group_arn,
)
from wspubsub.deployment.template.intrinsics import Resources, api_url, ref
from wspubsub.deployment.template.publishers import name_publishers, schedules
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.deployment.template.storage import event_source_mappings, queues, table
from wspubsub.deployment.template.variables import parameters
from wspubsub.deployment.template.websocket_api import websocket_api
from wspubsub.errors import UsageError
from wspubsub.handlers.application import Application

MAX_RESOURCES = 500
"""Resources per template ("Understand CloudFormation quotas")."""

_CODE = {
    "CodeS3Bucket": {
        "Type": "String",
        "Description": "Bucket that holds the zip file with the code",
    },
    "CodeS3Key": {
        "Type": "String",
        "Description": "Key of the zip file; a new one for each version of the code",
    },
}


def make_template(
    application: Application, settings: TemplateSettings
) -> dict[str, Any]:
    """Return a template that deploys an application.

    Raises:
        UsageError: The routes are more than fit in a template, SAM does not take the
            key of one, or a variable's parameter has the name of something else.
    """
    template: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09"}
    if settings.is_sam:
        template["Transform"] = "AWS::Serverless-2016-10-31"
    template["Description"] = f"WebSocket pub/sub: {application.handler}"
    resources = _resources(application, settings)
    if given := _parameters(settings, resources):
        template["Parameters"] = given
    if len(resources) > MAX_RESOURCES:
        raise UsageError(
            f"a template can have at most {MAX_RESOURCES} resources, not "
            f"{len(resources)}: make fewer routes two-way, or give the API only "
            "$default and let the router select"
        )
    return template | {"Resources": resources, "Outputs": _outputs(settings)}


def _parameters(settings: TemplateSettings, resources: Resources) -> dict[str, Any]:
    code = {} if settings.is_sam else _CODE
    own = parameters(settings.variables)
    for name in own.keys() & (resources.keys() | code.keys()):
        raise UsageError(
            f"the template already has a {name}, so no variable's parameter can "
            "have that name: rename the variable"
        )
    return code | own


def _resources(application: Application, settings: TemplateSettings) -> Resources:
    return {
        **websocket_api(application, settings),
        **_functions(application, settings),
        **table(settings),
        **queues(settings),
        **event_source_mappings(settings, "Worker" if settings.worker else "Function"),
        **schedules(settings.publishers),
    }


def _functions(application: Application, settings: TemplateSettings) -> Resources:
    handlers = {"Function": application.handler}
    if settings.worker:
        handlers["Worker"] = settings.worker
    last = list(handlers)[-1]  # is invoked for records
    variables = application_variables(settings)
    found: Resources = {}
    for name, handler in handlers.items():
        statements = permissions(
            application_arns(name, settings),
            # What a stream carries is logged first.
            history=settings.history or settings.streams,
            members=settings.members,
            records=name == last,
        )
        found |= function(
            name,
            handler,
            statements,
            settings,
            variables=variables,
            loops=settings.queue and name == last,
        )
    for name, publisher in name_publishers(settings.publishers):
        statements = publisher_permissions(
            application_arns(name, settings),
            history=settings.history,
            members=settings.members,
        )
        found |= function(
            name, publisher.handler, statements, settings, variables=variables
        )
    if settings.authorizer:
        name = "AuthorizerFunction"
        logs = log_statement(log_group_arn(name))
        # It may be in a module that reads the variables when it is imported.
        found |= function(
            name, settings.authorizer, [logs], settings, variables=variables
        )
    return found


def _outputs(settings: TemplateSettings) -> dict[str, Any]:
    outputs = {
        "WebSocketUrl": _output(
            "URL that clients connect to", api_url("wss", settings.stage)
        ),
        "CallbackUrl": _output(
            "Endpoint that messages are posted to: WSPUBSUB_ENDPOINT",
            api_url("https", settings.stage),
        ),
        "TableName": _output("The table: WSPUBSUB_TABLE", ref("Table")),
        "LogGroup": _output("The log of the function", ref("FunctionLogs")),
    }
    for name, publisher in name_publishers(settings.publishers):
        outputs[f"{name}Name"] = _output(f"Name of {publisher.handler}", ref(name))
    if settings.queue:
        outputs["QueueUrl"] = _output("The queue: WSPUBSUB_QUEUE", ref("Queue"))
    return outputs


def _output(description: str, value: object) -> dict[str, Any]:
    return {"Description": description, "Value": value}
