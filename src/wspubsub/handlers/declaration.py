"""What a handler declares: its routes, and which event sources it handles.

A handler is read as the object that it is. Whoever cannot import it here, such as
`wspubsub template`, has a process of its own read it (`inspection`).
"""

from collections.abc import Iterator, Set as AbstractSet
from dataclasses import dataclass

from wspubsub.router import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a handler says about itself.

    Attributes:
        route_keys: Route keys that have a handler, `$connect` and its like included.
        two_way_keys: Those whose handler answers the client by what it returns.
        route_selection_expression: What the router selects routes with.
        event_sources: `stream` and `queue`, as far as it takes their records; None if
            it does not say.
        table_uses: `history` and `members`, as far as it says that it has the table
            for a log of topics and for who is in them.
        needs_connect: Whether its API needs a route `$connect`, unless it says that
            nothing handles it.
    """

    route_keys: AbstractSet[str]
    two_way_keys: AbstractSet[str]
    route_selection_expression: str
    event_sources: AbstractSet[str] | None
    table_uses: AbstractSet[str]
    needs_connect: bool


def read_declaration(handler: object) -> Declaration | None:
    """Return what a handler declares, or None if it has no `Router`.

    It is a `Router` or has an attribute `router` that is one, such as an
    `EventSources`. Its attribute `event_sources`, if it has one, names `stream` and
    `queue`, `table_uses` names `history` and `members`, and `needs_connect` says
    whether the API needs a route `$connect`. Each may be on what `functools.wraps` has
    wrapped.
    """
    router = _find_router(handler)
    if router is None:
        return None
    return Declaration(
        route_keys=router.route_keys,
        two_way_keys=router.two_way_keys,
        route_selection_expression=router.route_selection_expression,
        event_sources=_find_event_sources(handler),
        table_uses=_find_table_uses(handler),
        needs_connect=_find_needs_connect(handler),
    )


def _find_router(handler: object) -> Router | None:
    for each in _unwrap(handler):
        found = each if isinstance(each, Router) else getattr(each, "router", None)
        if isinstance(found, Router):
            return found
    return None


def _find_event_sources(handler: object) -> frozenset[str] | None:
    for each in _unwrap(handler):
        if isinstance(each, Router):
            return frozenset()  # it takes the events of a WebSocket API only
        if hasattr(each, "event_sources"):
            return frozenset(each.event_sources)
    return None


def _find_table_uses(handler: object) -> frozenset[str]:
    declaring = (each for each in _unwrap(handler) if hasattr(each, "table_uses"))
    return frozenset(getattr(next(declaring, None), "table_uses", ()))


def _find_needs_connect(handler: object) -> bool:
    declaring = (each for each in _unwrap(handler) if hasattr(each, "needs_connect"))
    return bool(getattr(next(declaring, None), "needs_connect", True))


def _unwrap(handler: object) -> Iterator[object]:
    while handler is not None:
        yield handler
        handler = getattr(handler, "__wrapped__", None)
