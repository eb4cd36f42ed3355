"""What deploying and serving need to know about the user's code."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from wspubsub.errors import UsageError
from wspubsub.selection import (
    CONNECT,
    DEFAULT,
    DEFAULT_EXPRESSION,
    DISCONNECT,
    PREDEFINED,
)

STREAM, QUEUE = "stream", "queue"
HISTORY, MEMBERS = "history", "members"
TABLE_USES = (HISTORY, MEMBERS)
SOURCE_VARIABLES = {STREAM: "WSPUBSUB_STREAM", QUEUE: "WSPUBSUB_QUEUE"}
"""The environment variables in which a function finds its event sources."""

_HANDLER = re.compile(r"[^\s.]+(\.[^\s.]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a handler says about itself.

    Attributes:
        route_keys: Route keys that have a handler, `$connect` and its like included.
        two_way_keys: Those whose handler answers the client by what it returns.
        route_selection_expression: What the router selects routes with.
        event_sources: `stream` and `queue`, as far as the handler takes their records;
            None if it does not say. A bare `Router` takes the events of a WebSocket
            API only.
        table_uses: What the handler has the table for besides subscriptions:
            `history` (topics have a log) and `members` (who is in a topic, which a
            `PubSub` keeps). Only what declares it is known to.
        needs_connect: Whether its API needs a route `$connect`.
    """

    route_keys: AbstractSet[str]
    two_way_keys: AbstractSet[str] = frozenset()
    route_selection_expression: str = DEFAULT_EXPRESSION
    event_sources: AbstractSet[str] | None = frozenset()
    table_uses: AbstractSet[str] = frozenset()
    needs_connect: bool = True

    @property
    def custom_keys(self) -> list[str]:
        """The route keys that are not predefined, sorted."""
        return sorted(set(self.route_keys) - set(PREDEFINED))

    @property
    def all_keys(self) -> list[str]:
        """The routes that its API gets, the predefined ones first."""
        unneeded = set() if self.needs_connect else {CONNECT}
        return [*(key for key in PREDEFINED if key not in unneeded), *self.custom_keys]

    def two_way_routes(
        self, route_keys: AbstractSet[str], chosen: AbstractSet[str] | None = None
    ) -> frozenset[str]:
        """Return which routes of an API should be two-way.

        Args:
            route_keys: The routes of the API. A key of the router that is not among
                them is answered through `$default`.
            chosen: Those that the user has named, which count instead of the router's;
                an empty set stands for all routes of messages.

        Raises:
            UsageError: One that was named is not among the routes.
        """
        if chosen is not None:
            strangers = sorted(chosen - route_keys)
            if strangers:
                raise UsageError(
                    f"--two-way names {', '.join(strangers)}, but the API has no "
                    f"such route; it has {', '.join(sorted(route_keys))}"
                )
            return frozenset(chosen or route_keys - {CONNECT, DISCONNECT})
        return frozenset(
            key if key in route_keys else DEFAULT
            for key in self.two_way_keys
            if key in route_keys or DEFAULT in route_keys
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Declaration):
    """A handler as its module has set it up, with all that it declares.

    Attributes:
        handler: What Lambda is configured with: `module.function`.
        variables: Names that begin with `WSPUBSUB_` of the environment variables that
            the module reads while it is imported.

    Raises:
        UsageError: The handler has no name that Lambda would take.
    """

    handler: str
    variables: AbstractSet[str] = frozenset()

    def __post_init__(self) -> None:
        if not _HANDLER.fullmatch(self.handler):
            raise UsageError(
                f"{self.handler!r} is not a handler; use MODULE.FUNCTION, such as "
                "app.handler"
            )

    @property
    def needed_sources(self) -> frozenset[str]:
        """The event sources that it needs, of `stream` and `queue`.

        It takes their records, or reads their variable while it is imported.
        """
        read = {
            source
            for source, variable in SOURCE_VARIABLES.items()
            if variable in self.variables
        }
        return frozenset(read | (self.event_sources or set()))

    def may_take(self, source: str) -> bool:
        """Return whether the handler takes records of an event source, or may do so."""
        return self.event_sources is None or source in self.event_sources
