"""The functions of a gateway, and which of them an invocation is for."""

import asyncio
from collections.abc import Iterator, Set as AbstractSet

from wspubsub.gateway import Function, Invoke
from wspubsub.handlers.application import Declaration
from wspubsub.local.functions.fleet import Fleet
from wspubsub.selection import RouteSelectionExpression, find_own_key


class DeployedFunctions:
    """The handler, and the other functions if there are any."""

    def __init__(self) -> None:
        self._fleets: dict[str, Fleet] = {}
        self._names: dict[str, str] = {}
        self._routes: AbstractSet[str] = frozenset()
        self._expression = RouteSelectionExpression()

    def add(self, name: str, fleet: Fleet) -> None:
        """Add a function; the one that is called `handler` has all other routes."""
        self._fleets[name] = fleet

    def __iter__(self) -> Iterator[Fleet]:
        return iter(self._fleets.values())

    def assign(self, route_key: str, name: str) -> None:
        """Let a function handle a route."""
        self._names[route_key] = name

    def declare(self, declaration: Declaration) -> None:
        """Say what the handler's router has, so that its routes can be told."""
        self._routes = declaration.route_keys
        text = declaration.route_selection_expression
        self._expression = RouteSelectionExpression(text)

    @property
    def handler(self) -> Fleet:
        """The function of everything that has no other."""
        return self._fleets[Function.HANDLER.value]

    def find(self, invoke: Invoke) -> Fleet:
        """Return the function that an invocation is for."""
        if invoke.function is Function.AUTHORIZER:
            return self._fleets[Function.AUTHORIZER.value]
        route_key = invoke.event["requestContext"]["routeKey"]
        return self._fleets[self._names.get(route_key, Function.HANDLER.value)]

    def find_own_route_key(self, invoke: Invoke) -> str | None:
        """Return the route by which the handler's router handles a message.

        None if that is not known, or if it is not a message to a router.
        """
        context = invoke.event["requestContext"]
        route_key = context["routeKey"]
        is_message = context["eventType"] == "MESSAGE"
        if not is_message or not self._routes or route_key in self._names:
            return None
        body = invoke.event.get("body") or ""
        return find_own_key(route_key, body, self._routes, self._expression)

    async def warm_up(self) -> list[str]:
        """Start an environment of each; return what keeps some of them from it."""
        problems = await asyncio.gather(
            *(fleet.warm_up() for fleet in self._fleets.values())
        )
        return [
            f"cannot start the {name}: {problem.error_type}: {problem.message}"
            for name, problem in zip(self._fleets, problems, strict=True)
            if problem is not None
        ]

    async def renew(self) -> None:
        """Let later invocations run the new code."""
        await asyncio.gather(*(fleet.renew() for fleet in self._fleets.values()))

    async def kill(self) -> int:
        """Kill every process at once; return how many there were."""
        return sum(
            await asyncio.gather(*(fleet.kill() for fleet in self._fleets.values()))
        )

    async def close(self) -> None:
        """End them all, and what is invoked."""
        await asyncio.gather(*(fleet.close() for fleet in self._fleets.values()))
