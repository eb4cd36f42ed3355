"""A Terraform module held against the CloudFormation template of the same application.

The template leads: each of its properties is looked for in the module.
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.examples.terraform import Body, Module
from tests.examples.terraform_values import Values, of_template
from tests.support.infra_templates import Template, of_kind, properties, statements

RESOURCES = {
    "Api": "aws_apigatewayv2_api.chat",
    "Integration": "aws_apigatewayv2_integration.chat",
    "Stage": "aws_apigatewayv2_stage.chat",
    "InvokePermission": "aws_lambda_permission.api",
    "FunctionLogs": "aws_cloudwatch_log_group.chat",
    "FunctionRole": "aws_iam_role.chat",
    "Function": "aws_lambda_function.chat",
    "Table": "aws_dynamodb_table.chat",
    "StreamFailures": "aws_sqs_queue.stream_failures",
    "DeadLetters": "aws_sqs_queue.dead_letters",
    "Queue": "aws_sqs_queue.chat",
    "StreamMapping": "aws_lambda_event_source_mapping.stream",
    "QueueMapping": "aws_lambda_event_source_mapping.queue",
}
"""Where the module has what the template has; all routes are one resource there."""

_API = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
_NAMES = {
    "var.name": "${AWS::StackName}",
    "aws_apigatewayv2_api.chat.id": "${Api}",
    "aws_apigatewayv2_api.chat.execution_arn": _API,
    "aws_apigatewayv2_api.chat.api_endpoint": (
        "wss://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    ),
    "aws_apigatewayv2_integration.chat.id": "${Integration}",
    "aws_cloudwatch_log_group.chat.name": "${FunctionLogs}",
    "aws_cloudwatch_log_group.chat.arn": "${FunctionLogs.Arn}",
    "aws_dynamodb_table.chat.name": "${Table}",
    "aws_dynamodb_table.chat.arn": "${Table.Arn}",
    "aws_dynamodb_table.chat.stream_arn": "${Table.StreamArn}",
    "aws_iam_role.chat.arn": "${FunctionRole.Arn}",
    "aws_lambda_function.chat.arn": "${Function}",
    "aws_lambda_function.chat.function_name": "${Function}",
    "aws_lambda_function.chat.invoke_arn": (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31"
        "/functions/${Function.Arn}/invocations"
    ),
    "aws_sqs_queue.chat.arn": "${Queue.Arn}",
    "aws_sqs_queue.chat.url": "${Queue}",
    "aws_sqs_queue.dead_letters.arn": "${DeadLetters.Arn}",
    "aws_sqs_queue.stream_failures.arn": "${StreamFailures.Arn}",
}
# Where the provider has a name of its own for a property.
_RENAMED = {
    "TimeoutInMillis": "timeout_milliseconds",
    "StageName": "name",
    "LogGroupName": "name",
    "AttributeDefinitions.0.AttributeName": "attribute.0.name",
    "AttributeDefinitions.0.AttributeType": "attribute.0.type",
    "AttributeDefinitions.1.AttributeName": "attribute.1.name",
    "AttributeDefinitions.1.AttributeType": "attribute.1.type",
    "KeySchema.0.AttributeName": "hash_key",
    "KeySchema.1.AttributeName": "range_key",
    "TimeToLiveSpecification.AttributeName": "ttl.attribute_name",
    "TimeToLiveSpecification.Enabled": "ttl.enabled",
    "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": (
        "point_in_time_recovery.enabled"
    ),
    "SSESpecification.SSEEnabled": "server_side_encryption.enabled",
    "StreamSpecification.StreamViewType": "stream_view_type",
    "MessageRetentionPeriod": "message_retention_seconds",
    "VisibilityTimeout": "visibility_timeout_seconds",
    "RedrivePolicy.deadLetterTargetArn": "redrive_policy.deadLetterTargetArn",
    "RedrivePolicy.maxReceiveCount": "redrive_policy.maxReceiveCount",
    "FilterCriteria.Filters.0.Pattern": "filter_criteria.filter.0.pattern",
    "FilterCriteria.Filters.1.Pattern": "filter_criteria.filter.1.pattern",
    "DestinationConfig.OnFailure.Destination": (
        "destination_config.on_failure.destination_arn"
    ),
    "WebSocketUrl": "websocket_url",
}
# Said in another way: the code, and what is looked at below.
_NOT_COMPARED = re.compile(
    r"Code\.\w+|KeySchema\.\d\.KeyType|(?:AssumeRolePolicyDocument|Policies)\..+"
)


def differences(module: Module, template: Template) -> list[str]:
    """Return what the module does not have as the template has it, a line each."""
    values = Values(module, _NAMES)
    return [
        *_resource_differences(module, values, template),
        *_route_differences(module, values, template),
        *_trust_differences(module, values, template),
        *_role_differences(module, values, template),
        *_output_differences(module, values, template),
    ]


def _resource_differences(
    module: Module, values: Values, template: Template
) -> Iterator[str]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            continue
        address = RESOURCES[name]
        body = module.block(address)
        if name == "Function":
            body = {**body, **_loop(module)}
        for path, value in _leaves(of_template(resource["Properties"])):
            if not _NOT_COMPARED.fullmatch(path):
                argument = _argument(path)
                own = _at(values, body, argument)
                yield from _compared(f"{address}.{argument}", own, value)


def _loop(module: Module) -> Body:
    """Return what the provider has a resource of its own for."""
    config = module.block("aws_lambda_function_recursion_config.chat")
    return {"recursive_loop": config["recursive_loop"]}


def _route_differences(
    module: Module, values: Values, template: Template
) -> Iterator[str]:
    routes = of_template(of_kind(template, "AWS::ApiGatewayV2::Route"))
    body = module.block("aws_apigatewayv2_route.chat")
    yield from _compared("for_each", body["for_each"], "${toset(local.route_keys)}")
    own = values.of(module.locals["route_keys"])
    expected = [each["RouteKey"] for each in routes.values()]
    yield from _compared("local.route_keys", sorted(own), sorted(expected))
    (target,) = {each["Target"] for each in routes.values()}
    yield from _compared(
        "aws_apigatewayv2_route.chat", values.of(body["target"]), target
    )


def _trust_differences(
    module: Module, values: Values, template: Template
) -> Iterator[str]:
    place = "data.aws_iam_policy_document.lambda"
    (own,) = module.block(place)["statement"]
    policy = properties(template, "FunctionRole")["AssumeRolePolicyDocument"]
    (expected,) = policy["Statement"]
    (principals,) = own["principals"]
    yield from _compared(
        place,
        values.of([*own["actions"], *principals["identifiers"]]),
        [expected["Action"], *expected["Principal"].values()],
    )


def _role_differences(
    module: Module, values: Values, template: Template
) -> Iterator[str]:
    place = "data.aws_iam_policy_document.chat"
    own = {values.of(each["sid"]): each for each in module.block(place)["statement"]}
    expected = of_template(statements(template))
    yield from _compared(place, sorted(own), sorted(expected))
    for name in own.keys() & expected.keys():
        for argument, key in (("actions", "Action"), ("resources", "Resource")):
            yield from _compared(
                f"{place}.{name}.{argument}",
                sorted(values.of(own[name][argument])),
                sorted(expected[name][key]),
            )


def _output_differences(
    module: Module, values: Values, template: Template
) -> Iterator[str]:
    for name, output in template["Outputs"].items():
        argument = _argument(name)
        own = values.of(module.outputs.get(argument, {}).get("value"))
        yield from _compared(f"output.{argument}", own, of_template(output["Value"]))


def _compared(place: str, own: Any, expected: Any) -> Iterator[str]:
    if own != expected:
        yield f"{place}: {own!r}, and in the template {expected!r}"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{path}.{index}")
    else:
        yield path, value


def _argument(path: str) -> str:
    return _RENAMED.get(path) or ".".join(map(_snake, path.split(".")))


def _snake(name: str) -> str:
    if name.isupper() or name.isdecimal():
        return name
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _at(values: Values, body: Body, path: str) -> Any:
    found: Any = body
    for part in path.split("."):
        if isinstance(found, list):
            # A block that there is once, or one of several.
            index = int(part) if part.isdecimal() else 0
            found = found[index] if index < len(found) else None
        if isinstance(found, dict) and not part.isdecimal():
            found = values.of(found.get(part))
    return found
