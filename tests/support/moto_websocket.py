"""WebSocket APIs for moto's CloudFormation, which has none of its own.

moto knows the resources behind its API Gateway V2, but does not make them from a
template. Each type here is made by the operation of the same name; properties that are
called otherwise there would be refused by boto3.
"""

from collections.abc import Callable
from typing import Any

import boto3
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel


class _Made:
    """What a resource has become."""

    def __init__(self, kind: str, answer: dict[str, Any]) -> None:
        self.type = kind
        self.physical_resource_id = next(
            str(answer[name])
            for name in (
                "AuthorizerId",
                "RouteResponseId",
                "RouteId",
                "IntegrationId",
                "StageName",
                "ApiId",
            )
            if name in answer
        )

    def is_created(self) -> bool:
        return True


def _create(operation: str) -> Callable[..., _Made]:
    def create_from_cloudformation_json(
        _class: type,
        _name: str,
        resource: dict[str, Any],
        _account: str,
        region: str,
        **_options: object,
    ) -> _Made:
        client = boto3.client("apigatewayv2", region_name=region)
        answer = getattr(client, operation)(**resource["Properties"])
        return _Made(resource["Type"], answer)

    return create_from_cloudformation_json


def _model(name: str, operation: str) -> type:
    return type(
        f"Moto{name}",
        (CloudFormationModel,),
        {
            "cloudformation_name_type": staticmethod(lambda: ""),
            "cloudformation_type": staticmethod(lambda: f"AWS::ApiGatewayV2::{name}"),
            "has_cfn_attr": classmethod(lambda _class, _name: True),
            "create_from_cloudformation_json": classmethod(_create(operation)),
        },
    )


MODELS = [
    _model("Api", "create_api"),
    _model("Authorizer", "create_authorizer"),
    _model("Integration", "create_integration"),
    _model("Route", "create_route"),
    _model("RouteResponse", "create_route_response"),
    _model("Stage", "create_stage"),
]


def install() -> None:
    """Have moto make them from now on."""
    for cached in (
        parsing.get_model_list,
        parsing.get_model_map,
        parsing.get_name_type_map,
    ):
        cached.cache_clear()
