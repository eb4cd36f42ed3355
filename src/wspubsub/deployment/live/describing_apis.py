"""A live WebSocket API, as the rules see it."""

from collections.abc import Iterator, Mapping
from typing import Any

from wspubsub.deployment.description.parts import (
    Api,
    Authorizer,
    DomainMapping,
    Integration,
    Route,
    Stage,
)
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.live.account import Account, Answer, join
from wspubsub.deployment.live.apis import Items, LiveApi
from wspubsub.deployment.live.arns import find_function
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.reading.identities import FUNCTION, STAGE
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS
from wspubsub.selection import CONNECT, DISCONNECT

_V2 = "AWS::ApiGatewayV2::"
_PROXY = "AWS_PROXY"
_THROTTLES = ("ThrottlingRateLimit", "ThrottlingBurstLimit")
_STAGE_VARIABLE = "${stageVariables."


class ApiDescriber:
    """Describes an API.

    Args:
        account: Where it is.
        resources: The stack that names it.
        api: The API.
    """

    def __init__(self, account: Account, resources: Resources, api: LiveApi) -> None:
        self._account = account
        self._resources = resources
        self._api = api

    def describe(self, domains: set[str]) -> Api:
        """Return the API.

        Args:
            domains: Custom domains that may lead to it.
        """
        account = self._account
        place = f"{account.region}:{account.number}"
        mappings = {each: self._find_mappings(each) for each in sorted(domains)}
        return Api(
            name=self._name("Api", self._api.api_id),
            api_id=self._api.api_id,
            arn=f"arn:{account.partition}:execute-api:{place}:{self._api.api_id}",
            host=self._api.answer.get("ApiEndpoint", "").partition("://")[2],
            selection_expression=self._api.answer.get("RouteSelectionExpression"),
            is_endpoint_disabled=bool(
                self._api.answer.get("DisableExecuteApiEndpoint")
            ),
            routes=tuple(map(self._describe_route, join(self._api.routes))),
            has_other_routes=self._api.routes is UNKNOWN,
            stages=tuple(map(self._describe_stage, join(self._api.stages))),
            has_other_stages=self._api.stages is UNKNOWN,
            authorizers=tuple(
                map(self._describe_authorizer, join(self._api.authorizers))
            ),
            domains=tuple(
                DomainMapping(
                    name=self._name("ApiMapping", each["ApiMappingId"]),
                    domain=domain,
                    key=each.get("ApiMappingKey", ""),
                )
                for domain, found in mappings.items()
                for each in join(found)
                if each["ApiId"] == self._api.api_id
            ),
            foreign_domains=tuple(
                domain
                for domain, found in mappings.items()
                if found is not UNKNOWN
                and found
                and all(each["ApiId"] != self._api.api_id for each in found)
            ),
        )

    def _find_mappings(self, domain: str) -> Items:
        return self._account.ask_items(
            "apigatewayv2", "get_api_mappings", "Items", DomainName=domain
        )

    def _name(self, kind: str, physical_id: str) -> str:
        return self._resources.name(f"{_V2}{kind}", physical_id)

    def _describe_route(self, each: Answer) -> Route:
        key = each["RouteKey"]
        return Route(
            name=self._name("Route", each["RouteId"]),
            key=key,
            integration=self._find_integration(each.get("Target")),
            authorization=each.get("AuthorizationType", "NONE"),
            is_two_way=bool(each.get("RouteResponseSelectionExpression")),
            has_response=key not in (CONNECT, DISCONNECT)
            and _is_any(self._api.ask("get_route_responses", RouteId=each["RouteId"])),
        )

    def _find_integration(self, target: str | None) -> Maybe[Integration] | None:
        if not target:
            return None
        if self._api.integrations is UNKNOWN:
            return UNKNOWN
        found = {
            f"integrations/{e['IntegrationId']}": e for e in self._api.integrations
        }
        return self._describe_integration(found[target]) if target in found else None

    def _describe_integration(self, each: Answer) -> Integration:
        kind = each.get("IntegrationType", UNKNOWN)
        own = each["IntegrationId"]
        return Integration(
            name=self._name("Integration", own),
            kind=kind,
            function=self._name_function(each.get("IntegrationUri")),
            timeout_milliseconds=each.get(
                "TimeoutInMillis", MAX_TIMEOUT_SECONDS * 1000
            ),
            has_credentials=bool(each.get("CredentialsArn")),
            has_response=UNKNOWN
            if kind == _PROXY
            else _is_any(self._api.ask("get_integration_responses", IntegrationId=own)),
        )

    def _name_function(self, uri: str | None) -> Maybe[str] | None:
        found = find_function(uri)
        if found is not None:
            return self._resources.name(FUNCTION, found.name)
        return UNKNOWN if _STAGE_VARIABLE in (uri or "") else None

    def _describe_stage(self, each: Answer) -> Stage:
        name = each["StageName"]
        return Stage(
            name=self._resources.name(STAGE, name),
            stage_name=name,
            receives_routes=bool(each.get("DeploymentId") or each.get("AutoDeploy")),
            refusing=tuple(_find_refusing(each)),
        )

    def _describe_authorizer(self, each: Answer) -> Authorizer:
        return Authorizer(
            name=self._name("Authorizer", each["AuthorizerId"]),
            authorizer_id=each["AuthorizerId"],
            function=self._name_function(each.get("AuthorizerUri")),
            has_credentials=bool(each.get("AuthorizerCredentialsArn")),
            identity_sources=tuple(each.get("IdentitySource") or ()),
        )


def _is_any(found: Items) -> Maybe[bool]:
    return UNKNOWN if found is UNKNOWN else bool(found)


def _find_refusing(stage: Answer) -> Iterator[str]:
    settings: dict[str, Mapping[str, Any]] = {
        "DefaultRouteSettings": stage.get("DefaultRouteSettings") or {}
    }
    for key, value in (stage.get("RouteSettings") or {}).items():
        settings[f"RouteSettings.{key}"] = value
    for name, value in settings.items():
        for throttle in _THROTTLES:
            if value.get(throttle) == 0:
                yield f"{name}.{throttle}"
