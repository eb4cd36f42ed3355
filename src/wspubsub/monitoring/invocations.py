"""Lambda handlers whose invocations are watched."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any

from wspubsub.events import Event
from wspubsub.responses import Response
from wspubsub.router import Router

LambdaHandler = Callable[..., Any]


class Invocation:
    """An invocation, as far as its event says what it is.

    Attributes:
        route: The route key, of the router's own once that has found it; the
            `eventSource` of records; empty if the event says neither.
        connection_id: The connection, None if it is of none.
        request_id: Lambda's, None if the handler got no context.
    """

    __slots__ = ("connection_id", "request_id", "route")

    def __init__(self, event: object, context: object) -> None:
        request = _read(event, "requestContext")
        records = _read(event, "Records")
        first = records[0] if isinstance(records, list) and records else None
        source = _read(first, "eventSource")
        self.route = _text(_read(request, "routeKey")) or _text(source) or ""
        self.connection_id = _text(_read(request, "connectionId"))
        self.request_id = _text(getattr(context, "aws_request_id", None))


Watch = Callable[[Invocation, Callable[[], object]], object]
"""Told of an invocation; calls what it is given, and returns the result."""


def wrap_handler(
    handler: LambdaHandler, watch: Watch, current: ContextVar[Invocation | None]
) -> LambdaHandler:
    """Return a Lambda handler that has each invocation watched.

    Args:
        handler: A `Router`, a `PubSub`, or any other.
        watch: Calls the handler.
        current: Holds the invocation meanwhile.
    """

    def note_route(event: Event, call_next: Callable[[Event], Response]) -> Response:
        invocation = current.get()
        if invocation is not None:
            invocation.route = event.route_key
        return call_next(event)

    def handle(event: object, context: object = None) -> object:
        invocation = Invocation(event, context)
        token = current.set(invocation)
        try:
            return watch(invocation, lambda: handler(event, context))
        finally:
            current.reset(token)

    if isinstance(handler, Router):
        # API Gateway says only `$default` for most of its routes.
        handler.middleware(note_route)
    update_wrapper(handle, handler)
    # For `wspubsub template` and `wspubsub check`.
    vars(handle)["router"] = getattr(handler, "router", handler)
    return handle


def _read(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
