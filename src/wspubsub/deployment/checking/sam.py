"""SAM's own resource types, as the CloudFormation resources that SAM makes of them.

Only as much as the rules look at: "AWS SAM resources and properties reference".
"""

from collections.abc import Mapping
from typing import Any

from wspubsub.deployment.checking.stack import as_list, as_mapping

_FUNCTION, _API = "AWS::Serverless::Function", "AWS::Serverless::WebSocketApi"
_DEFAULT_STAGE = "default"
_ARN = "arn:${AWS::Partition}:"

Resources = dict[str, Any]


def expand_sam(template: Mapping[str, Any]) -> Resources:
    """Return a template's resources without SAM's functions and WebSocket APIs."""
    shared = as_mapping(as_mapping(template.get("Globals")).get("Function"))
    found: Resources = {}
    for name, each in template["Resources"].items():
        properties = as_mapping(each.get("Properties"))
        if each["Type"] == _FUNCTION:
            found |= _expand_function(name, _merge(shared, properties))
        elif each["Type"] == _API:
            found |= _expand_api(name, properties)
        else:
            found[name] = each
    return found


def _merge(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    environment = {
        "Variables": {
            **as_mapping(as_mapping(shared.get("Environment")).get("Variables")),
            **as_mapping(as_mapping(own.get("Environment")).get("Variables")),
        }
    }
    return {**shared, **own, "Environment": environment}


def _expand_function(name: str, properties: dict[str, Any]) -> Resources:
    found: Resources = {}
    if "Role" not in properties:
        properties["Role"] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        found[f"{name}Role"] = _make_role(properties)
    found[name] = _make_resource("AWS::Lambda::Function", properties)
    for event, each in as_mapping(properties.get("Events")).items():
        if as_mapping(each).get("Type") in ("DynamoDB", "SQS"):
            found[f"{name}{event}"] = _make_mapping(
                name, as_mapping(each.get("Properties"))
            )
    return found


def _make_mapping(function: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    source = properties.get("Stream", properties.get("Queue"))
    return _make_resource(
        "AWS::Lambda::EventSourceMapping",
        {**properties, "EventSourceArn": source, "FunctionName": {"Ref": function}},
    )


def _make_role(properties: Mapping[str, Any]) -> dict[str, Any]:
    documents, managed = [], []
    for policy in as_list(properties.get("Policies")):
        document = _make_document(policy)
        if document is None:
            managed.append(policy)
        else:
            documents.append({"PolicyDocument": document})
    if properties.get("Events"):
        # SAM grants what reading the events takes.
        documents += [
            {"PolicyDocument": _make_events_document(as_mapping(event))}
            for event in as_mapping(properties["Events"]).values()
        ]
    return _make_resource(
        "AWS::IAM::Role", {"Policies": documents, "ManagedPolicyArns": managed}
    )


def _make_document(policy: object) -> Mapping[str, Any] | None:
    """Return the document of an inline policy or of a SAM policy template."""
    if not isinstance(policy, dict):
        return None
    if "Statement" in policy:
        return policy
    for name, arguments in policy.items():
        make = _POLICY_TEMPLATES.get(name)
        if make is not None:
            return {"Statement": make(as_mapping(arguments))}
    return None


def _make_events_document(event: Mapping[str, Any]) -> dict[str, Any]:
    properties = as_mapping(event.get("Properties"))
    if event.get("Type") == "DynamoDB":
        actions = [
            f"dynamodb:{name}"
            for name in (
                "DescribeStream",
                "GetRecords",
                "GetShardIterator",
                "ListStreams",
            )
        ]
        return {"Statement": _allow(actions, properties.get("Stream"))}
    if event.get("Type") == "SQS":
        actions = [
            f"sqs:{name}"
            for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        ]
        return {"Statement": _allow(actions, properties.get("Queue"))}
    return {"Statement": []}


def _allow_crud(arguments: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "GetItem DeleteItem PutItem Scan Query UpdateItem BatchWriteItem BatchGetItem "
        "DescribeTable ConditionCheckItem"
    )
    actions = [f"dynamodb:{name}" for name in names.split()]
    return _allow(actions, _make_arn("dynamodb", "table/", arguments.get("TableName")))


def _allow_sending(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return _allow(
        ["sqs:SendMessage*"], _make_arn("sqs", "", arguments.get("QueueName"))
    )


def _allow_polling(arguments: Mapping[str, Any]) -> dict[str, Any]:
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return _allow(actions, _make_arn("sqs", "", arguments.get("QueueName")))


_POLICY_TEMPLATES = {
    "DynamoDBCrudPolicy": _allow_crud,
    "SQSSendMessagePolicy": _allow_sending,
    "SQSPollerPolicy": _allow_polling,
}


def _make_arn(service: str, prefix: str, name: object) -> dict[str, Any]:
    start = f"{_ARN}{service}:${{AWS::Region}}:${{AWS::AccountId}}:{prefix}"
    return {"Fn::Join": ["", [start, name]]}


def _allow(actions: list[str], resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _expand_api(name: str, properties: Mapping[str, Any]) -> Resources:
    stage = properties.get("StageName", _DEFAULT_STAGE)
    auth = as_mapping(properties.get("Auth"))
    found = {
        name: _make_resource(
            "AWS::ApiGatewayV2::Api", {**properties, "ProtocolType": "WEBSOCKET"}
        ),
        f"{name}Stage": _make_resource(
            "AWS::ApiGatewayV2::Stage",
            {"ApiId": {"Ref": name}, "StageName": stage, "AutoDeploy": True},
        ),
    }
    for key, route in as_mapping(properties.get("Routes")).items():
        found |= _expand_route(name, key, as_mapping(route))
    if auth.get("AuthType") == "CUSTOM":
        found[f"{name}ConnectRoute"]["Properties"] |= {"AuthorizationType": "CUSTOM"}
    return found


def _expand_route(api: str, key: str, route: Mapping[str, Any]) -> Resources:
    base = api + key.removeprefix("$").capitalize()
    function = route.get("FunctionArn")
    return {
        f"{base}Route": _make_resource(
            "AWS::ApiGatewayV2::Route",
            {
                **route,
                "ApiId": {"Ref": api},
                "RouteKey": key,
                "Target": {"Fn::Sub": f"integrations/${{{base}Integration}}"},
            },
        ),
        f"{base}Integration": _make_resource(
            "AWS::ApiGatewayV2::Integration",
            {
                "ApiId": {"Ref": api},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function,
            },
        ),
        f"{base}Permission": _make_resource(
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {
                    "Fn::Sub": f"{_ARN}execute-api:${{AWS::Region}}:"
                    f"${{AWS::AccountId}}:${{{api}}}/*/{key}"
                },
            },
        ),
    }


def _make_resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": dict(properties)}
