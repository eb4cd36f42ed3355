"""Routing: decorators for route keys; a router is itself the Lambda handler."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from wspubsub.errors import NoRouteError, Reject, UsageError
from wspubsub.events import (
    ConnectEvent,
    Event,
    MessageEvent,
    parse_event,
)
from wspubsub.responses import Response, to_response
from wspubsub.selection import DEFAULT_EXPRESSION, RouteSelectionExpression

# What a handler returns is checked when it is made into a response, and a decorator
# must hand back exactly the function it was given.
Handler = Callable[..., Any]
CallNext = Callable[[Event], Any]
HandlerT = TypeVar("HandlerT", bound=Handler)

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"


class Router:
    """Calls the handler that an event is for, and makes its result a valid response.

    `router(event, context)` is the Lambda handler. Lifecycle events are told by their
    `eventType`; a message goes to the route that API Gateway selected or, where that
    is only `$default`, to the one that the expression selects.

    A handler takes the event and returns None, text, a `Response` or JSON data. It
    may be `async def`: each invocation then has an event loop of its own.

    Args:
        route_selection_expression: As in API Gateway, such as `$request.body.type`.

    Raises:
        UsageError: The expression cannot be read.
    """

    def __init__(self, *, route_selection_expression: str = DEFAULT_EXPRESSION) -> None:
        self._expression = RouteSelectionExpression(route_selection_expression)
        self._routes: dict[str, _Route] = {}
        self._middleware: list[Handler] = []
        self._exception_handlers: dict[type[Exception], Handler] = {}
        self._is_included = False

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation and return the proxy result.

        Raises:
            EventError: Lambda was not invoked by a WebSocket API.
            UsageError: The handler returned what cannot become a response.
            Exception: Whatever a handler raised and no exception handler took, so
                that Lambda's error metrics stay true.
        """
        parsed = parse_event(event, context)
        try:
            route = self._route_for(parsed)
        except NoRouteError as error:
            route = _Route(_raising(error)).within(self)
        return to_response(route(parsed))

    @property
    def route_keys(self) -> frozenset[str]:
        """The route keys that have a handler, `$connect` and its like included."""
        return frozenset(self._routes)

    @property
    def route_selection_expression(self) -> str:
        """What it selects the route of a message with, as it was given."""
        return self._expression.text

    def connect(self, handler: HandlerT) -> HandlerT:
        """Register the handler of `$connect`; raise `Reject` in it to refuse."""
        return self._register(CONNECT, handler)

    def disconnect(self, handler: HandlerT) -> HandlerT:
        """Register the handler of `$disconnect`."""
        return self._register(DISCONNECT, handler)

    def default(self, handler: HandlerT) -> HandlerT:
        """Register the handler of messages that select no other route."""
        return self._register(DEFAULT, handler)

    def route(self, route_key: str) -> Callable[[HandlerT], HandlerT]:
        """Register the handler of messages with a route key.

        Raises:
            UsageError: The key is empty, starts with `$`, or has a handler already.
        """
        _check_route_key(route_key)

        def decorate(handler: HandlerT) -> HandlerT:
            return self._register(route_key, handler)

        return decorate

    def middleware(self, function: HandlerT) -> HandlerT:
        """Register a function `(event, call_next)` around every handler.

        It returns `call_next(event)`, or something else instead. The first one
        registered is the outermost.
        """
        self._check_registration(function)
        if _is_async(function):
            raise UsageError("middleware must be a plain function, not async def")
        self._middleware.append(function)
        return function

    def exception_handler(
        self, error_type: type[Exception]
    ) -> Callable[[HandlerT], HandlerT]:
        """Register a function `(event, error)` for errors of a type.

        What it returns becomes the response. Of several that fit, the one for the
        closest base class is called. It also gets what middleware raises. While a
        connection is made, only a `Response` can still accept the handshake: anything
        else that it returns refuses it with status 500, and a `Reject` goes only to a
        handler for that class.
        """
        _check_error_type(error_type)

        def decorate(function: HandlerT) -> HandlerT:
            self._check_registration(function)
            if error_type in self._exception_handlers:
                raise UsageError(f"{error_type.__name__} has an exception handler")
            self._exception_handlers[error_type] = function
            return function

        return decorate

    def include(self, router: "Router") -> None:
        """Take over another router's routes, with its middleware around them.

        The other router's exception handlers are asked before this one's. Include a
        router when it is complete: it takes no further registration.

        Raises:
            UsageError: Both have a handler for the same route key.
        """
        if router is self or router._is_included:  # noqa: SLF001 - same class
            raise UsageError("a router can be included once, and not in itself")
        self._check_open()
        for route_key, route in router._routes.items():  # noqa: SLF001 - same class
            self._add(route_key, route.within(router))
        router._is_included = True  # noqa: SLF001 - same class

    def _register(self, route_key: str, handler: HandlerT) -> HandlerT:
        self._check_registration(handler)
        self._add(route_key, _Route(handler))
        return handler

    def _add(self, route_key: str, route: "_Route") -> None:
        if route_key in self._routes:
            raise UsageError(f"route key {route_key!r} has a handler already")
        self._routes[route_key] = route

    def _check_registration(self, function: object) -> None:
        self._check_open()
        if not callable(function):
            raise UsageError(f"a handler must be a function, not {function!r}")

    def _check_open(self) -> None:
        if self._is_included:
            raise UsageError("this router is included elsewhere; register before that")

    def _route_for(self, event: Event) -> "_Route":
        if isinstance(event, MessageEvent):
            return self._message_route(event).within(self)
        key = CONNECT if isinstance(event, ConnectEvent) else DISCONNECT
        return self._routes.get(key, _Route(_accept)).within(self)

    def _message_route(self, event: MessageEvent) -> "_Route":
        route_key = event.route_key
        if route_key.startswith("$") or route_key not in self._routes:
            route_key = self._expression.evaluate(event.body) or DEFAULT
        # A client may send {"action": "$connect"}: that selects no custom route.
        if not route_key.startswith("$") and route_key in self._routes:
            return self._routes[route_key]
        if DEFAULT in self._routes:
            return self._routes[DEFAULT]
        raise NoRouteError(route_key)

    def _handle_error(self, event: Event, error: Exception) -> Any:  # noqa: ANN401 - as handlers
        for error_type in type(error).__mro__:
            if isinstance(error, Reject) and not issubclass(error_type, Reject):
                break  # a catch-all must not turn a refusal into an acceptance
            function = self._exception_handlers.get(error_type)
            if function is not None:
                result = _call(function, event, error)
                return _refusal(result) if isinstance(event, ConnectEvent) else result
        raise error


class _Route:
    """A handler with the routers around it, innermost first."""

    __slots__ = ("_handler", "_routers")

    def __init__(self, handler: Handler, routers: tuple[Router, ...] = ()) -> None:
        self._handler = handler
        self._routers = routers

    def within(self, router: Router) -> "_Route":
        return _Route(self._handler, (*self._routers, router))

    def __call__(self, event: Event) -> Any:  # noqa: ANN401 - as handlers
        call: CallNext = _caller(self._handler)
        for router in self._routers:
            call = _guarded(router, call)
        try:
            return call(event)
        except Reject as rejection:
            return Response(rejection.reason or None, status_code=rejection.status)


def _guarded(router: Router, inner: CallNext) -> CallNext:
    call = inner
    for function in reversed(router._middleware):  # noqa: SLF001 - same module
        call = _around(function, call)

    def guarded(event: Event) -> Any:  # noqa: ANN401 - as handlers
        try:
            return call(event)
        except Exception as error:  # noqa: BLE001 - raised again unless one takes it
            return router._handle_error(event, error)  # noqa: SLF001 - same module

    return guarded


def _around(function: Handler, inner: CallNext) -> CallNext:
    return lambda event: function(event, inner)


def _caller(function: Handler) -> CallNext:
    return lambda event: _call(function, event)


def _call(function: Handler, *args: object) -> Any:  # noqa: ANN401 - as handlers
    result = function(*args)
    if hasattr(result, "__await__"):
        # Not at the top: a cold start without async handlers does not pay for it.
        import asyncio  # noqa: PLC0415

        async def awaited() -> Any:  # noqa: ANN401 - as handlers
            return await result

        return asyncio.run(awaited())
    return result


def _is_async(function: Handler) -> bool:
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return bool(flags & 0x80)  # inspect.CO_COROUTINE, without importing inspect


def _refusal(result: object) -> object:
    # A handler that failed has not let the client in; only an explicit status may.
    if isinstance(result, Response) or (
        isinstance(result, Mapping) and "statusCode" in result
    ):
        return result
    body = to_response(result).get("body")
    return Response(body, status_code=500)


def _check_route_key(route_key: object) -> None:
    if not isinstance(route_key, str):
        raise UsageError('give the route key: @router.route("key")')
    if not route_key or route_key.startswith("$"):
        raise UsageError(
            f"{route_key!r} is not a custom route key: API Gateway allows non-empty "
            "ones that do not start with $; for the predefined ones use "
            "@router.connect, @router.disconnect or @router.default"
        )


def _check_error_type(error_type: object) -> None:
    if not (isinstance(error_type, type) and issubclass(error_type, Exception)):
        raise UsageError("give an exception class: @router.exception_handler(Type)")


def _accept(_event: Event) -> None:
    """Do what API Gateway does where a lifecycle route has no integration."""


def _raising(error: NoRouteError) -> Handler:
    def handler(_event: Event) -> None:
        raise error

    return handler
