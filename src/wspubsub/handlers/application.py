"""What a template needs to know about the user's code."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from wspubsub.errors import UsageError
from wspubsub.selection import DEFAULT_EXPRESSION

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
PREDEFINED = (CONNECT, DISCONNECT, DEFAULT)

MAX_ROUTES = 300
"""Routes per WebSocket API ("Quotas for configuring and running a WebSocket API")."""

_HANDLER = re.compile(r"[^\s.]+(\.[^\s.]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A handler as its module has set it up.

    Attributes:
        handler: What Lambda is configured with: `module.function`.
        route_keys: Route keys that have a handler, `$connect` and its like included.
        route_selection_expression: What the router selects routes with.
        takes_records: Whether the handler takes records of streams and queues too; a
            bare `Router` takes the events of a WebSocket API only.
        variables: Names that begin with `WSPUBSUB_` of the environment variables that
            the module reads while it is imported.

    Raises:
        UsageError: The handler has no name that Lambda would take, or the routes are
            more than API Gateway has.
    """

    handler: str
    route_keys: AbstractSet[str]
    route_selection_expression: str = DEFAULT_EXPRESSION
    takes_records: bool = False
    variables: AbstractSet[str] = frozenset()

    def __post_init__(self) -> None:
        if not _HANDLER.fullmatch(self.handler):
            raise UsageError(
                f"{self.handler!r} is not a handler; use MODULE.FUNCTION, such as "
                "app.handler"
            )
        if len(self.all_keys) > MAX_ROUTES:
            raise UsageError(
                f"a WebSocket API has at most {MAX_ROUTES} routes, but this router "
                f"has {len(self.all_keys)}, including the predefined ones; give "
                "the API only $default and let the router select"
            )

    @property
    def custom_keys(self) -> list[str]:
        """The route keys that are not predefined, sorted."""
        return sorted(set(self.route_keys) - set(PREDEFINED))

    @property
    def all_keys(self) -> list[str]:
        """The routes that its API gets, the predefined ones first."""
        return [*PREDEFINED, *self.custom_keys]
