"""The WebSocket API: routes, integration, stage, authorizer, in either format.

"AWS::ApiGatewayV2 resource type reference" has the one, "AWS::Serverless::WebSocketApi"
the other. SAM makes routes, integrations, stage and permissions of its own resource,
but no route responses.
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from wspubsub.deployment.permissions import GATEWAY
from wspubsub.deployment.template.intrinsics import (
    Resources,
    attribute,
    execute_api_arn,
    invocation_uri,
    ref,
    resource,
    sub,
)
from wspubsub.deployment.template.logical_ids import route_id, sam_route_ids
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS, check_route_keys
from wspubsub.handlers.application import Application
from wspubsub.selection import CONNECT

_MILLISECONDS = 1000


def websocket_api(application: Application, settings: TemplateSettings) -> Resources:
    """Return the API with everything that belongs to it.

    Raises:
        UsageError: SAM does not take a route key, there are too many, or one that was
            chosen to be two-way is not among them.
    """
    if settings.authorizer:
        application = replace(application, needs_connect=True)
    keys = application.all_keys
    check_route_keys(keys)
    two_way = application.two_way_routes(frozenset(keys), settings.two_way)
    if settings.is_sam:
        return _sam_api(application, settings, two_way)
    api = {
        "Name": sub("${AWS::StackName}"),
        "ProtocolType": "WEBSOCKET",
        "RouteSelectionExpression": application.route_selection_expression,
    }
    routes: Resources = {}
    for key in keys:
        routes |= _route(key, settings, is_two_way=key in two_way)
    return {
        "Api": resource("AWS::ApiGatewayV2::Api", api),
        "Integration": _integration(),
        **(_authorizer(settings) if settings.authorizer else {}),
        **routes,
        "Stage": _stage(settings, list(routes)),
        "InvokePermission": _permission("Function", f"{settings.stage}/*"),
    }


def _integration() -> dict[str, Any]:
    return resource(
        "AWS::ApiGatewayV2::Integration",
        {
            "ApiId": ref("Api"),
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": invocation_uri("Function"),
            "TimeoutInMillis": MAX_TIMEOUT_SECONDS * _MILLISECONDS,
        },
    )


def _route(key: str, settings: TemplateSettings, *, is_two_way: bool) -> Resources:
    logical_id = route_id(key)
    properties = {
        "ApiId": ref("Api"),
        "RouteKey": key,
        "Target": sub("integrations/${Integration}"),
    }
    if key == CONNECT:
        properties |= _authorization(settings)
    if not is_two_way:
        return {logical_id: resource("AWS::ApiGatewayV2::Route", properties)}
    properties["RouteResponseSelectionExpression"] = "$default"
    return {
        logical_id: resource("AWS::ApiGatewayV2::Route", properties),
        f"{logical_id}Response": _route_response(logical_id),
    }


def _authorization(settings: TemplateSettings) -> dict[str, Any]:
    if settings.authorizer:
        return {"AuthorizationType": "CUSTOM", "AuthorizerId": ref("Authorizer")}
    # Said, since CloudFormation leaves a route its authorizer if nothing is.
    return {"AuthorizationType": "NONE"}


def _route_response(route: str) -> dict[str, Any]:
    return resource(
        "AWS::ApiGatewayV2::RouteResponse",
        {"ApiId": ref("Api"), "RouteId": ref(route), "RouteResponseKey": "$default"},
    )


def _stage(settings: TemplateSettings, after: list[str]) -> dict[str, Any]:
    # After the routes: otherwise each of them would start a deployment of its own.
    return resource(
        "AWS::ApiGatewayV2::Stage",
        {
            "ApiId": ref("Api"),
            "StageName": settings.stage,
            "AutoDeploy": True,
            "DefaultRouteSettings": _throttling(settings),
        },
        DependsOn=after,
    )


def _throttling(settings: TemplateSettings) -> dict[str, int]:
    return {
        "ThrottlingRateLimit": settings.throttle_rate,
        "ThrottlingBurstLimit": settings.throttle_burst,
    }


def _authorizer(settings: TemplateSettings) -> Resources:
    properties = {
        "ApiId": ref("Api"),
        "Name": "connect",
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": invocation_uri("AuthorizerFunction"),
    }
    if settings.identity_sources:
        properties["IdentitySource"] = list(settings.identity_sources)
    return {
        "Authorizer": resource("AWS::ApiGatewayV2::Authorizer", properties),
        "AuthorizerPermission": _permission(
            "AuthorizerFunction", "authorizers/${Authorizer}"
        ),
    }


def _permission(function: str, path: str) -> dict[str, Any]:
    return resource(
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": ref(function),
            "Principal": GATEWAY,
            "SourceArn": execute_api_arn(path),
        },
    )


def _sam_api(
    application: Application, settings: TemplateSettings, two_way: AbstractSet[str]
) -> Resources:
    ids = sam_route_ids(application.all_keys)
    properties: dict[str, Any] = {
        "Name": sub("${AWS::StackName}"),
        "RouteSelectionExpression": application.route_selection_expression,
        "StageName": settings.stage,
        "DefaultRouteSettings": _throttling(settings),
        "Auth": _sam_auth(settings),
        "Routes": {key: _sam_route(is_two_way=key in two_way) for key in ids},
    }
    responses = {
        f"{logical_id}Response": _route_response(logical_id)
        for key, logical_id in ids.items()
        if key in two_way
    }
    api = resource("AWS::Serverless::WebSocketApi", properties)
    return {"Api": api, **responses}


def _sam_route(*, is_two_way: bool) -> dict[str, Any]:
    route = {
        "FunctionArn": attribute("Function", "Arn"),
        "IntegrationTimeout": MAX_TIMEOUT_SECONDS * _MILLISECONDS,
    }
    if is_two_way:
        route["RouteResponseSelectionExpression"] = "$default"
    return route


def _sam_auth(settings: TemplateSettings) -> dict[str, Any]:
    if not settings.authorizer:
        return {"AuthType": "NONE"}
    auth = {"AuthType": "CUSTOM", "AuthArn": attribute("AuthorizerFunction", "Arn")}
    if settings.identity_sources:
        auth["IdentitySource"] = list(settings.identity_sources)
    return auth
