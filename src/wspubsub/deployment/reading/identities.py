"""What AWS calls a resource: the texts that `Ref` and `Fn::GetAtt` give.

"Resource and property types reference", the section "Return values" of each.
"""

from collections.abc import Callable

from wspubsub.deployment.description.texts import name_unknown
from wspubsub.deployment.reading.stack import Resource

FUNCTION, TABLE, QUEUE, ROLE, KEY, API, STAGE = (
    "AWS::Lambda::Function",
    "AWS::DynamoDB::Table",
    "AWS::SQS::Queue",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
)
ALIAS, VERSION = "AWS::Lambda::Alias", "AWS::Lambda::Version"

Evaluate = Callable[[object], str]

ARN = "arn:${AWS::Partition}:"
"""What every ARN begins with."""

HERE = "${AWS::Region}:${AWS::AccountId}"
"""Where the resources of a stack are, in an ARN."""

_NAMES = {
    FUNCTION: "FunctionName",
    TABLE: "TableName",
    QUEUE: "QueueName",
    ROLE: "RoleName",
}
_ARNS = {
    FUNCTION: f"{ARN}lambda:{HERE}:function:%s",
    TABLE: f"{ARN}dynamodb:{HERE}:table/%s",
    QUEUE: f"{ARN}sqs:{HERE}:%s",
    KEY: f"{ARN}kms:{HERE}:key/%s",
}
# Made by code of somebody's, or read from somewhere.
_FOREIGN = ("AWS::CloudFormation::", "AWS::SSM::", "AWS::SecretsManager::")


def name_of(resource: Resource, evaluate: Evaluate) -> str:
    """Return the name that a resource has, as far as it is known."""
    given = resource.get(_NAMES.get(resource.kind, ""))
    if given is not None:
        return evaluate(given)
    if resource.kind not in _NAMES:
        return _hole(resource)
    # "Name type": the stack, the logical ID and something random, cut where the name
    # would be too long, which that of a table never is.
    middle = f"{resource.name}-" if resource.kind == TABLE else ""
    return f"${{AWS::StackName}}-{middle}{_hole(resource)}"


def arn_of(resource: Resource, evaluate: Evaluate) -> str:
    """Return the ARN of a function, a table, a queue or a key."""
    return _ARNS[resource.kind] % name_of(resource, evaluate)


def reference_to(resource: Resource, evaluate: Evaluate) -> str:
    """Return what `Ref` of a resource gives."""
    if resource.kind == STAGE:
        return evaluate(resource.get("StageName"))
    if resource.kind == QUEUE:
        host = "https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}"
        return f"{host}/{name_of(resource, evaluate)}"
    if resource.kind in (ALIAS, VERSION):
        return _qualify(resource, evaluate)
    return name_of(resource, evaluate) if _is_own(resource) else _hole(resource)


def attribute_of(resource: Resource, attribute: str, evaluate: Evaluate) -> str:
    """Return what `Fn::GetAtt` of a resource gives."""
    if not _is_own(resource):
        return name_unknown(f"{resource.name}.{attribute}")
    kind = resource.kind
    if attribute == "Arn" and kind in _ARNS:
        return arn_of(resource, evaluate)
    if (kind, attribute) in _ATTRIBUTES:
        return _ATTRIBUTES[kind, attribute](resource, evaluate)
    if attribute.endswith("Id"):
        return _hole(resource)  # ApiId, RouteId and so on are what Ref gives
    return f"${{{resource.name}.{attribute}}}"


def _hole(resource: Resource) -> str:
    if _is_own(resource):
        return f"${{{resource.name}}}"
    return name_unknown(resource.name)


def _is_own(resource: Resource) -> bool:
    kind = resource.kind
    return kind.startswith("AWS::") and not kind.startswith(_FOREIGN)


def _qualify(resource: Resource, evaluate: Evaluate) -> str:
    """Return the ARN of a function's alias or version."""
    function = evaluate(resource.get("FunctionName"))
    name = resource.get("Name")
    qualifier = _hole(resource) if name is None else evaluate(name)
    if not function.startswith("arn:"):
        function = _ARNS[FUNCTION] % function
    return f"{function}:{qualifier}"


def _api_endpoint(resource: Resource, _: Evaluate) -> str:
    return f"wss://{_hole(resource)}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"


def _stream_arn(resource: Resource, evaluate: Evaluate) -> str:
    return f"{arn_of(resource, evaluate)}/stream/${{{resource.name}.Stream}}"


def _sam_alias(resource: Resource, evaluate: Evaluate) -> str:
    return f"{arn_of(resource, evaluate)}:${{{resource.name}.Alias}}"


_ATTRIBUTES: dict[tuple[str, str], Callable[[Resource, Evaluate], str]] = {
    (API, "ApiEndpoint"): _api_endpoint,
    (TABLE, "StreamArn"): _stream_arn,
    # What SAM calls the alias and the version that it publishes.
    (FUNCTION, "Alias"): _sam_alias,
    (FUNCTION, "Version"): _sam_alias,
    (QUEUE, "QueueName"): name_of,
    (QUEUE, "QueueUrl"): reference_to,
    (ALIAS, "AliasArn"): _qualify,
    (VERSION, "FunctionArn"): _qualify,
}
