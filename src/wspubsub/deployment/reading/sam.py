"""SAM's own resource types, as the CloudFormation resources that SAM makes of them.

Only as much as the rules look at: "AWS SAM resources and properties reference".
"""

from collections.abc import Mapping
from typing import Any

from wspubsub.deployment.permissions import GATEWAY
from wspubsub.deployment.reading.identities import ARN, HERE
from wspubsub.deployment.reading.sam_policies import make_role
from wspubsub.deployment.reading.stack import (
    NOT_KNOWN,
    as_list,
    as_mapping,
    is_function,
)

_FUNCTION, _API, _TABLE = (
    "AWS::Serverless::Function",
    "AWS::Serverless::WebSocketApi",
    "AWS::Serverless::SimpleTable",
)
CONNECTOR = "AWS::Serverless::Connector"
_DEFAULT_STAGE = "default"
_TYPES = {"String": "S", "Number": "N", "Binary": "B"}

Resources = dict[str, Any]


def expand_sam(template: Mapping[str, Any], resources: Mapping[str, Any]) -> Resources:
    """Return resources without SAM's functions, WebSocket APIs and tables."""
    everywhere = as_mapping(template.get("Globals"))
    shared = as_mapping(everywhere.get("Function"))
    found: Resources = {}
    for name, each in resources.items():
        properties = as_mapping(each.get("Properties"))
        if each["Type"] == _FUNCTION:
            made = _expand_function(name, _merge(shared, properties))
        elif each["Type"] == _API:
            common = as_mapping(everywhere.get("WebSocketApi"))
            made = _expand_api(name, {**common, **properties})
        elif each["Type"] == _TABLE:
            made = {name: _make_table(properties)}
        else:
            made = {name: each}
        found |= made | _expand_connectors(name, each)
    return found


def _expand_connectors(name: str, each: Mapping[str, Any]) -> Resources:
    # "Embedded connectors": written in the source itself.
    return {
        f"{name}{key}": _make_resource(
            CONNECTOR,
            {**as_mapping(as_mapping(value).get("Properties")), "Source": {"Id": name}},
        )
        for key, value in as_mapping(each.get("Connectors")).items()
    }


def _merge(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**shared, **own}
    environments = [
        each["Environment"] for each in (shared, own) if each.get("Environment")
    ]
    if len(environments) > 1:
        merged["Environment"] = _merge_variables(*environments)
    return merged


def _merge_variables(*environments: object) -> object:
    found: dict[str, Any] = {}
    for each in environments:
        variables = as_mapping(each).get("Variables", {})
        if not isinstance(each, dict) or is_function(each) or is_function(variables):
            return {"Variables": NOT_KNOWN}
        found |= as_mapping(variables)
    return {"Variables": found}


def _expand_function(name: str, properties: dict[str, Any]) -> Resources:
    found: Resources = {}
    if "Role" not in properties:
        properties["Role"] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        found[f"{name}Role"] = make_role(properties)
    found[name] = _make_resource("AWS::Lambda::Function", properties)
    alias = properties.get("AutoPublishAlias")
    if alias is not None:
        found[f"{name}.Alias"] = _make_resource(
            "AWS::Lambda::Alias", {"FunctionName": {"Ref": name}, "Name": alias}
        )
    for event, each in as_mapping(properties.get("Events")).items():
        kind = as_mapping(each).get("Type")
        inner = as_mapping(as_mapping(each).get("Properties"))
        if kind in ("DynamoDB", "SQS"):
            found[f"{name}{event}"] = _make_mapping(name, inner)
        else:
            found[f"{name}{event}"] = _make_invoker(name, kind)
    return found


def _make_mapping(function: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    source = properties.get("Stream", properties.get("Queue"))
    return _make_resource(
        "AWS::Lambda::EventSourceMapping",
        {**properties, "EventSourceArn": source, "FunctionName": {"Ref": function}},
    )


def _make_invoker(function: str, kind: object) -> dict[str, Any]:
    # Whatever it is, it is not a WebSocket API.
    principal = f"{str(kind).lower()}.amazonaws.com"
    return _make_resource(
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": function},
            "Principal": principal,
        },
    )


def _make_table(properties: Mapping[str, Any]) -> dict[str, Any]:
    key = as_mapping(properties.get("PrimaryKey"))
    name = key.get("Name", "id")
    kind = key.get("Type", "String")
    made = {
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": _find_type(kind)}
        ],
    }
    return _make_resource("AWS::DynamoDB::Table", {**properties, **made})


def _find_type(kind: object) -> object:
    # It may be an intrinsic function as well.
    return _TYPES.get(kind, kind) if isinstance(kind, str) else kind


def _expand_api(name: str, properties: Mapping[str, Any]) -> Resources:
    stage = properties.get("StageName", _DEFAULT_STAGE)
    settings = ("DefaultRouteSettings", "RouteSettings")
    found = {
        name: _make_resource(
            "AWS::ApiGatewayV2::Api", {**properties, "ProtocolType": "WEBSOCKET"}
        ),
        f"{name}Stage": _make_resource(
            "AWS::ApiGatewayV2::Stage",
            {
                "ApiId": {"Ref": name},
                "StageName": stage,
                "AutoDeploy": True,
                **{key: properties[key] for key in settings if key in properties},
            },
        ),
    }
    for key, route in as_mapping(properties.get("Routes")).items():
        found |= _expand_route(name, str(key), as_mapping(route))
    return found | _expand_auth(name, as_mapping(properties.get("Auth")), found)


def _expand_auth(name: str, auth: Mapping[str, Any], found: Resources) -> Resources:
    if auth.get("AuthType") != "CUSTOM":
        return {}
    connect = found.get(f"{name}ConnectRoute")
    if connect is not None:
        connect["Properties"] |= {"AuthorizationType": "CUSTOM"}
    return {
        f"{name}Authorizer": _make_resource(
            "AWS::ApiGatewayV2::Authorizer",
            {
                "ApiId": {"Ref": name},
                "AuthorizerUri": auth.get("AuthArn"),
                # SAM adds a permission of its own unless there is a role.
                "AuthorizerCredentialsArn": auth.get("InvokeRole", "SAM"),
                "IdentitySource": as_list(auth.get("IdentitySource")),
            },
        )
    }


def _expand_route(api: str, key: str, route: Mapping[str, Any]) -> Resources:
    base = api + key.removeprefix("$").capitalize()
    function = route.get("FunctionArn")
    timeout = route.get("IntegrationTimeout")
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
                **({} if timeout is None else {"TimeoutInMillis": timeout}),
            },
        ),
        f"{base}Permission": _make_resource(
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function,
                "Principal": GATEWAY,
                "SourceArn": {"Fn::Sub": f"{ARN}execute-api:{HERE}:${{{api}}}/*/{key}"},
            },
        ),
    }


def _make_resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": dict(properties)}
