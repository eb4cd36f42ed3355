"""Routing: decorators for route keys; a router is itself the Lambda handler."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from wspubsub.errors import NoRouteError, UsageError
from wspubsub.events import (
    ConnectEvent,
    Event,
    MessageEvent,
    parse_event,
)
from wspubsub.pipeline import Handler, Layer, Route
from wspubsub.selection import (
    CONNECT,
    DEFAULT,
    DEFAULT_EXPRESSION,
    DISCONNECT,
    RouteSelectionExpression,
    find_own_key,
)

# A decorator must hand back exactly the function it was given.
HandlerT = TypeVar("HandlerT", bound=Handler)

_NOT_GIVEN = object()


class Router:
    """Calls the handler for an event, and turns its result into a valid response.

    `router(event, context)` is the Lambda handler. Lifecycle events are told by their
    `eventType`; a message goes to the route that API Gateway selected or, where that
    is only `$default`, to the one that the expression selects. The event's `route_key`
    is then that of the route.

    A handler takes the event and returns None, text, a `Response` or JSON data. It
    may be `async def`: the event loop stays the same for the life of the environment,
    so what a handler keeps open in a global works in the next invocation as well.

    While a connection is made, only None, a `Response` with a `status_code`, or a
    proxy result such as `{"statusCode": 200}` accepts it; anything else that `connect`
    returns is a `UsageError`, and nobody is let in.

    A client's mistake is not an error of the function: a `MessageError` that no
    exception handler takes is logged, and answered with status 400 and a JSON object
    like that of API Gateway's own error messages.

    Whether a client gets what a handler returns is a setting of each route in API
    Gateway: a route is one-way unless it has a route response ("Set up route responses
    for a WebSocket API"). Say which routes are to be two-way where their handlers are
    registered, with `two_way=True`; `wspubsub dev`, `template` and `check`, and
    `InProcessGateway`, read it. A handler of a two-way route should always return
    something: what API Gateway sends for an empty result is not documented.

    Args:
        route_selection_expression: As in API Gateway, such as `$request.body.type`.

    Raises:
        UsageError: The expression cannot be read.
    """

    def __init__(self, *, route_selection_expression: str = DEFAULT_EXPRESSION) -> None:
        self._expression = RouteSelectionExpression(route_selection_expression)
        self._routes: dict[str, Route] = {}
        self._two_way_keys: set[str] = set()
        self._layer = Layer()
        self._is_included = False
        # Decorators for Lambda handlers ask for the name of the function.
        self.__name__ = self.__qualname__ = "router"

    def __call__(self, event: object, context: object = None) -> dict[str, Any]:
        """Handle one Lambda invocation and return the proxy result.

        Raises:
            EventError: Lambda was not invoked by a WebSocket API.
            UsageError: The handler returned what cannot become a response.
            Exception: Whatever a handler raised and no exception handler took, so
                that Lambda's error metrics stay true.
        """
        parsed = parse_event(event, context)
        route_key, route = self._find_route(parsed)
        event_of_route = parsed.__replace__(route_key=route_key)
        return route.within(self._layer)(event_of_route).as_dict()

    @property
    def route_keys(self) -> frozenset[str]:
        """The route keys that have a handler, including `$connect` and the like."""
        return frozenset(self._routes)

    @property
    def two_way_keys(self) -> frozenset[str]:
        """The route keys whose handler answers the client with what it returns."""
        return frozenset(self._two_way_keys)

    @property
    def middleware_functions(self) -> tuple[Handler, ...]:
        """The middleware, the outermost first; it is called for `$connect` as well."""
        return tuple(self._layer.middleware)

    @property
    def route_selection_expression(self) -> str:
        """The expression that selects a message's route, as it was given."""
        return self._expression.text

    def connect(self, handler: HandlerT) -> HandlerT:
        """Register the handler of `$connect`; raise `Reject` in it to refuse."""
        return self._register(CONNECT, handler)

    def disconnect(self, handler: HandlerT) -> HandlerT:
        """Register the handler of `$disconnect`."""
        return self._register(DISCONNECT, handler)

    @overload
    def default(self, handler: HandlerT) -> HandlerT: ...

    @overload
    def default(self, *, two_way: bool) -> Callable[[HandlerT], HandlerT]: ...

    def default(self, handler: Any = _NOT_GIVEN, *, two_way: bool = False) -> Any:
        """Register the handler of messages that select no other route.

        Args:
            handler: The handler; leave it out to decorate with `default(two_way=True)`.
            two_way: Whether the client is to get what the handler returns.
        """
        decorate = self._registering(DEFAULT, two_way=two_way)
        return decorate if handler is _NOT_GIVEN else decorate(handler)

    def route(
        self, route_key: str, *, two_way: bool = False
    ) -> Callable[[HandlerT], HandlerT]:
        """Register the handler of messages with a route key.

        Args:
            route_key: A key of your own, such as `subscribe`.
            two_way: Whether the client is to get what the handler returns.

        Raises:
            UsageError: The key is empty, starts with `$`, or has a handler already.
        """
        _check_route_key(route_key)
        # Of a member of a `str` enumeration.
        return self._registering(str.__str__(route_key), two_way=two_way)

    def middleware(self, function: HandlerT) -> HandlerT:
        """Register a function `(event, call_next)` that wraps every handler.

        `call_next(event)` returns the final `Response`, also where an exception
        handler or a refusal has made it; it raises only what becomes an error of the
        function. Return it, or something else instead. What the handler should know
        goes into `event.state`. The first one registered is the outermost.
        """
        self._check_registration(function)
        if _is_async(function):
            raise UsageError("middleware must be a plain function, not async def")
        self._layer.middleware.append(function)
        return function

    def exception_handler(
        self, error_type: type[Exception]
    ) -> Callable[[HandlerT], HandlerT]:
        """Register a function `(event, error)` for errors of a type.

        What it returns becomes the response. Of several that fit, the one for the
        closest base class is called. It also gets what middleware raises. While a
        connection is made, only a `Response` with a `status_code` can still accept the
        handshake: anything else that it returns refuses it, with the status of a
        `Reject`, 400 after a `MessageError`, and 500 otherwise. A `Reject` goes only to
        a handler for that class.
        """
        _check_error_type(error_type)

        def decorate(function: HandlerT) -> HandlerT:
            self._check_registration(function)
            if error_type in self._layer.exception_handlers:
                raise UsageError(
                    f"{error_type.__name__} already has an exception handler"
                )
            self._layer.exception_handlers[error_type] = function
            return function

        return decorate

    def include(self, router: "Router") -> None:
        """Add another router's routes, wrapped in this router's middleware.

        The other router's exception handlers are asked before this one's. Include a
        router when it is complete: it takes no further registration.

        Raises:
            UsageError: Both have a handler for the same route key.
        """
        if router is self or router._is_included:  # noqa: SLF001 - same class
            raise UsageError("a router can be included only once, and not in itself")
        self._check_open()
        for route_key, route in router._routes.items():  # noqa: SLF001 - same class
            self._add(route_key, route.within(router._layer))  # noqa: SLF001 - same class
        self._two_way_keys |= router.two_way_keys
        router._is_included = True  # noqa: SLF001 - same class

    def _registering(
        self, route_key: str, *, two_way: bool
    ) -> Callable[[HandlerT], HandlerT]:
        def decorate(handler: HandlerT) -> HandlerT:
            self._register(route_key, handler)
            if two_way:
                self._two_way_keys.add(route_key)
            return handler

        return decorate

    def _register(self, route_key: str, handler: HandlerT) -> HandlerT:
        self._check_registration(handler)
        self._add(route_key, Route(handler))
        return handler

    def _add(self, route_key: str, route: Route) -> None:
        if route_key in self._routes:
            raise UsageError(f"route key {route_key!r} already has a handler")
        self._routes[route_key] = route

    def _check_registration(self, function: object) -> None:
        self._check_open()
        if not callable(function):
            raise UsageError(f"a handler must be a function, not {function!r}")

    def _check_open(self) -> None:
        if self._is_included:
            raise UsageError(
                "this router is already included in another; register its handlers "
                "before that"
            )

    def _find_route(self, event: Event) -> tuple[str, Route]:
        if not isinstance(event, MessageEvent):
            route_key = CONNECT if isinstance(event, ConnectEvent) else DISCONNECT
            return route_key, self._routes.get(route_key, Route(_accept))
        selected = event.route_key
        found = find_own_key(selected, event.body, self._routes, self._expression)
        if found is None:
            asked = self._expression.evaluate(event.body)
            return selected, Route(_refuse(asked or DEFAULT))
        return found, self._routes[found]


def _is_async(function: Handler) -> bool:
    function = getattr(function, "func", function)  # of functools.partial
    calls = (function, getattr(type(function), "__call__", None))  # noqa: B004 - looked at
    codes = (getattr(call, "__code__", None) for call in calls)
    # inspect.CO_COROUTINE, without importing inspect.
    return any(getattr(code, "co_flags", 0) & 0x80 for code in codes)


def _check_route_key(route_key: object) -> None:
    if not isinstance(route_key, str):
        raise UsageError('the route key is missing; use @router.route("key")')
    if not route_key or route_key.startswith("$"):
        raise UsageError(
            f"{route_key!r} is not a custom route key: API Gateway allows non-empty "
            "ones that do not start with $; for the predefined ones use "
            "@router.connect, @router.disconnect or @router.default"
        )


def _check_error_type(error_type: object) -> None:
    if not (isinstance(error_type, type) and issubclass(error_type, Exception)):
        raise UsageError(
            "the exception class is missing; use @router.exception_handler(Type)"
        )


def _accept(_event: Event) -> None:
    """Do what API Gateway does for a lifecycle route without an integration."""


def _refuse(route_key: str) -> Handler:
    def handler(_event: Event) -> None:
        raise NoRouteError(route_key)

    return handler
