"""What a handler declares: its routes, and which event sources it handles.

A handler is read as the object that it is. Whoever cannot import it here, such as
`wspubsub template`, has a process of its own read it (`inspection`).
"""

from collections.abc import Iterator
from typing import Any

from wspubsub.handlers.application import Declaration
from wspubsub.router import Router


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
        table_uses=frozenset(_find(handler, "table_uses", ())),
        needs_connect=bool(_find(handler, "needs_connect", default=True)),
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


def _find(handler: object, name: str, default: object) -> Any:  # noqa: ANN401 - as declared
    found = (getattr(each, name) for each in _unwrap(handler) if hasattr(each, name))
    return next(found, default)


def _unwrap(handler: object) -> Iterator[object]:
    while handler is not None:
        yield handler
        handler = getattr(handler, "__wrapped__", None)
