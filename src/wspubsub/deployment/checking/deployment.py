"""A WebSocket API as a template describes it: its stages, routes and functions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wspubsub.deployment.checking.stack import Resource, Stack, as_mapping

FUNCTION, TABLE, QUEUE = (
    "AWS::Lambda::Function",
    "AWS::DynamoDB::Table",
    "AWS::SQS::Queue",
)
DEFAULT_TIMEOUT_SECONDS = 3
"""Timeout of a function for which the template sets none."""

_HANDLER_SEPARATORS = re.compile(r"[./]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRoute:
    """A route of the API.

    Attributes:
        resource: The resource that it is.
        key: Its route key.
        integration: What it leads to, if that is in the template.
        function: The function that runs then, if that is in the template.
    """

    resource: Resource
    key: str
    integration: Resource | None
    function: Resource | None


class Deployment:
    """One WebSocket API and what it invokes.

    Args:
        stack: The template.
        api: The API.
        handler: Handler of the application: `module.function`.
    """

    def __init__(self, stack: Stack, api: Resource, handler: str) -> None:
        self.stack = stack
        self.api = api
        self._handler = handler
        self.routes = list(self._read_routes())
        self.stages = [
            stage
            for stage in stack.of_kind("AWS::ApiGatewayV2::Stage")
            if self._is_own(stage)
        ]

    @property
    def functions(self) -> list[Resource]:
        """The functions that run the application, or all if that is not known."""
        every = {
            each.function.name: each.function for each in self.routes if each.function
        }
        running = [each for each in every.values() if self.runs_application(each)]
        return running or list(every.values())

    @property
    def stage_names(self) -> list[str]:
        """The names of the stages; empty if only CloudFormation knows one of them."""
        names = self.stack.texts(
            [each.properties.get("StageName") for each in self.stages]
        )
        known = [name for name in names if name is not None]
        return known if len(known) == len(names) else []

    def runs_application(self, function: Resource) -> bool:
        """Return whether a function runs the application's handler.

        A handler may be given from another folder: `chat/app.handler` may be
        `app.handler`. That of an image is not known, so it is taken for ours.
        """
        text = self.stack.text(function.properties.get("Handler"))
        if text is None:
            return True
        theirs, ours = (
            _HANDLER_SEPARATORS.split(each) for each in (text, self._handler)
        )
        shorter = min(len(theirs), len(ours))
        return theirs[-shorter:] == ours[-shorter:]

    def find_variable(self, function: Resource, name: str) -> object:
        """Return an environment variable of a function, or None."""
        environment = as_mapping(function.properties.get("Environment"))
        return as_mapping(environment.get("Variables")).get(name)

    def find_table(self, function: Resource) -> Resource | None:
        """Return the table of a function: the one in its variable, or the only one."""
        value = self.find_variable(function, "WSPUBSUB_TABLE")
        if value is not None:
            return self.stack.resolve(value, TABLE)
        tables = list(self.stack.of_kind(TABLE))
        return tables[0] if len(tables) == 1 else None

    def find_mappings(self) -> Iterator[tuple[Resource, Resource | None]]:
        """Yield each event source mapping with the function that it invokes."""
        for each in self.stack.of_kind("AWS::Lambda::EventSourceMapping"):
            name = each.properties.get("FunctionName")
            yield each, self.stack.resolve(name, FUNCTION)

    def find_responses(self, route: TemplateRoute) -> list[Resource]:
        """Return the route responses of a route."""
        kind = "AWS::ApiGatewayV2::RouteResponse"
        return self._find_belonging(kind, "RouteId", route.resource)

    def find_integration_responses(self, integration: Resource) -> list[Resource]:
        """Return the integration responses of an integration."""
        kind = "AWS::ApiGatewayV2::IntegrationResponse"
        return self._find_belonging(kind, "IntegrationId", integration)

    def _find_belonging(self, kind: str, name: str, owner: Resource) -> list[Resource]:
        return [
            each
            for each in self.stack.of_kind(kind)
            if self.stack.text(each.properties.get(name)) == f"${{{owner.name}}}"
        ]

    def _read_routes(self) -> Iterator[TemplateRoute]:
        for resource in self.stack.of_kind("AWS::ApiGatewayV2::Route"):
            key = self.stack.text(resource.properties.get("RouteKey"))
            if key is None or not self._is_own(resource):
                continue
            kind = "AWS::ApiGatewayV2::Integration"
            target = resource.properties.get("Target")
            integration = self.stack.resolve(target, kind)
            uri = integration.properties.get("IntegrationUri") if integration else None
            yield TemplateRoute(
                resource=resource,
                key=key,
                integration=integration,
                function=self.stack.resolve(uri, FUNCTION),
            )

    def _is_own(self, resource: Resource) -> bool:
        api_id = self.stack.text(resource.properties.get("ApiId"))
        return api_id == f"${{{self.api.name}}}"


def find_deployments(stack: Stack, handler: str) -> list[Deployment]:
    """Return the WebSocket APIs that run an application, or all if that is unknown."""
    found = [
        Deployment(stack, api, handler)
        for api in stack.of_kind("AWS::ApiGatewayV2::Api")
        if stack.text(api.properties.get("ProtocolType")) == "WEBSOCKET"
    ]
    running = [
        each
        for each in found
        if any(r.function and each.runs_application(r.function) for r in each.routes)
    ]
    return running or found
