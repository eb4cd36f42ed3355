"""WebSocket APIs of a template, with their routes, stages, authorizers and domains."""

from collections.abc import Iterator

from wspubsub.deployment.description.parts import (
    Api,
    Authorizer,
    DomainMapping,
    Integration,
    Route,
    Stage,
)
from wspubsub.deployment.description.texts import is_known, is_literal, may_equal
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.reading.functions import Functions
from wspubsub.deployment.reading.identities import API, ARN, HERE
from wspubsub.deployment.reading.stack import (
    Resource,
    Stack,
    as_mapping,
    list_references,
)
from wspubsub.deployment.reading.values import Values
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS

_V2 = "AWS::ApiGatewayV2::"
_INTEGRATION, _DEPLOYMENT = f"{_V2}Integration", f"{_V2}Deployment"
_INNER_STACKS = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")
_THROTTLES = ("ThrottlingRateLimit", "ThrottlingBurstLimit")


class Apis:
    """The WebSocket APIs of a template.

    Args:
        values: The template's values.
        functions: Its functions.
    """

    def __init__(self, values: Values, functions: Functions) -> None:
        self._values = values
        self._stack: Stack = values.stack
        self._functions = functions

    def read(self) -> tuple[Api, ...]:
        """Return all WebSocket APIs."""
        return tuple(
            self._read_api(each)
            for each in self._stack.of_kind(API)
            if self._values.text(each.get("ProtocolType")).upper() == "WEBSOCKET"
        )

    def _read_api(self, each: Resource) -> Api:
        api_id = f"${{{each.name}}}"
        own = {
            kind: list(self._find_own(kind, api_id))
            for kind in ("Route", "Stage", "Authorizer", "ApiMapping")
        }
        is_open = self._stack.is_open or self._is_shared(each)
        routes = [
            (one, key)
            for one, _ in own["Route"]
            for key in [self._values.text(one.get("RouteKey"))]
        ]
        return Api(
            name=each.name,
            api_id=api_id,
            arn=f"{ARN}execute-api:{HERE}:{api_id}",
            host=f"{api_id}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}",
            selection_expression=self._values.literal(
                each.get("RouteSelectionExpression")
            ),
            is_endpoint_disabled=self._values.switch(
                each.get("DisableExecuteApiEndpoint")
            ),
            routes=tuple(
                self._read_route(one, key)
                for (one, key), (_, is_sure) in zip(routes, own["Route"], strict=True)
                if is_sure and is_literal(key)
            ),
            has_other_routes=is_open
            or not all(is_sure for _, is_sure in own["Route"])
            or not all(is_literal(key) for _, key in routes),
            stages=tuple(
                self._read_stage(one, [route for route, _ in own["Route"]])
                for one, is_sure in own["Stage"]
                if is_sure
            ),
            has_other_stages=is_open or not all(sure for _, sure in own["Stage"]),
            authorizers=tuple(
                self._read_authorizer(one)
                for one, is_sure in own["Authorizer"]
                if is_sure
            ),
            domains=tuple(
                self._read_domain(one) for one, is_sure in own["ApiMapping"] if is_sure
            ),
            has_other_permissions=is_open,
            has_other_domains=is_open or not all(s for _, s in own["ApiMapping"]),
        )

    def _is_shared(self, api: Resource) -> bool:
        """Whether others know the API, so that they may add something to it."""
        exports = (
            as_mapping(each)
            for each in self._stack.section("Outputs").values()
            if "Export" in as_mapping(each)
        )
        return any(
            self._values.text(each.get("Value")) == f"${{{api.name}}}"
            for each in exports
        ) or any(
            api.name in list_references(each.properties)
            for each in self._stack.of_kind(*_INNER_STACKS)
        )

    def _find_own(self, kind: str, api_id: str) -> Iterator[tuple[Resource, bool]]:
        """Yield the resources that are, or may be, an API's, and whether they are."""
        for each in self._stack.of_kind(f"{_V2}{kind}"):
            text = self._values.text(each.get("ApiId"))
            if text == api_id:
                yield each, True
            elif not is_known(text):
                yield each, False

    def _read_route(self, each: Resource, key: str) -> Route:
        expression = each.get("RouteResponseSelectionExpression")
        is_unknown = self._values.literal(expression) is UNKNOWN
        return Route(
            name=each.name,
            key=key,
            integration=self._find_integration(each),
            authorization=self._values.literal(each.get("AuthorizationType"), "NONE")
            or UNKNOWN,
            is_two_way=UNKNOWN if is_unknown else expression is not None,
            has_response=self._has_belonging("RouteResponse", "RouteId", each),
        )

    def _find_integration(self, route: Resource) -> Maybe[Integration] | None:
        target = route.get("Target")
        if target is None:
            return None
        text = self._values.text(target)
        for each in self._stack.of_kind(_INTEGRATION):
            if f"${{{each.name}}}" in text:
                return self._read_integration(each)
        return None if is_known(text) and not self._stack.is_open else UNKNOWN

    def _read_integration(self, each: Resource) -> Integration:
        values = self._values
        uri = each.get("IntegrationUri")
        return Integration(
            name=each.name,
            kind=values.literal(each.get("IntegrationType")) or UNKNOWN,
            function=None if uri is None else self._functions.find(uri),
            timeout_milliseconds=values.number(
                each.get("TimeoutInMillis"), MAX_TIMEOUT_SECONDS * 1000
            ),
            has_credentials=each.get("CredentialsArn") is not None,
            has_response=self._has_belonging(
                "IntegrationResponse", "IntegrationId", each
            ),
        )

    def _has_belonging(self, kind: str, name: str, owner: Resource) -> Maybe[bool]:
        reference = f"${{{owner.name}}}"
        texts = [
            self._values.text(each.get(name))
            for each in self._stack.of_kind(f"{_V2}{kind}")
        ]
        if reference in texts:
            return True
        is_unsure = any(may_equal(text, reference) for text in texts)
        return UNKNOWN if is_unsure or self._stack.is_open else False

    def _read_stage(self, each: Resource, routes: list[Resource]) -> Stage:
        values = self._values
        deployed = each.get("DeploymentId")
        is_automatic = values.switch(each.get("AutoDeploy"))
        name = values.text(each.get("StageName"))
        deployment = self._stack.find(values.text(deployed), _DEPLOYMENT)
        if deployment is None:
            deployment = self._find_deployment_to(name)
        is_deployed = deployed is not None or deployment is not None
        is_early = is_automatic is False and not self._stack.is_open
        return Stage(
            name=each.name,
            stage_name=name,
            receives_routes=True if is_deployed else is_automatic,
            deployment=deployment.name if deployment else None,
            early_routes=tuple(self._find_early(deployment, routes))
            if is_early and deployment
            else (),
            refusing=tuple(self._find_refusing(each)),
        )

    def _find_deployment_to(self, stage: str) -> Resource | None:
        """Return a deployment that names the stage, instead of the reverse."""
        for each in self._stack.of_kind(_DEPLOYMENT):
            name = each.get("StageName")
            if name is not None and may_equal(self._values.text(name), stage):
                return each
        return None

    def _find_early(
        self, deployment: Resource, routes: list[Resource]
    ) -> Iterator[str]:
        waited_for = self._list_needs(deployment)
        return (each.name for each in routes if each.name not in waited_for)

    def _list_needs(self, resource: Resource) -> set[str]:
        """Return the names of all that is made before a resource."""
        found: set[str] = set()
        waiting = [resource]
        while waiting:
            each = waiting.pop()
            named = {*each.needs, *list_references(each.properties)} - found
            found |= named
            waiting += [one for one in map(self._stack.get, named) if one is not None]
        return found

    def _find_refusing(self, stage: Resource) -> Iterator[str]:
        settings = {"DefaultRouteSettings": stage.get("DefaultRouteSettings")}
        for key, value in as_mapping(stage.get("RouteSettings")).items():
            settings[f"RouteSettings.{key}"] = value
        for name, value in settings.items():
            for throttle in _THROTTLES:
                limit = as_mapping(value).get(throttle)
                if limit is not None and self._values.number(limit, 1) == 0:
                    yield f"{name}.{throttle}"

    def _read_authorizer(self, each: Resource) -> Authorizer:
        sources, _ = self._values.items(each.get("IdentitySource"))
        uri = each.get("AuthorizerUri")
        return Authorizer(
            name=each.name,
            authorizer_id=f"${{{each.name}}}",
            function=UNKNOWN if uri is None else self._functions.find(uri),
            has_credentials=each.get("AuthorizerCredentialsArn") is not None,
            identity_sources=tuple(self._values.text(one) for one in sources),
        )

    def _read_domain(self, each: Resource) -> DomainMapping:
        values = self._values
        text = values.text(each.get("DomainName"))
        domain = self._stack.find(text, f"{_V2}DomainName")
        if domain is not None:
            text = values.text(domain.get("DomainName"))
        key = each.get("ApiMappingKey")
        return DomainMapping(
            name=each.name, domain=text, key="" if key is None else values.text(key)
        )
