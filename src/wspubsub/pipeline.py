"""What an event goes through: middleware, the handler, and exception handlers.

Each step gives a final `Response`, or raises what nobody has taken. So middleware sees
what API Gateway will get, also where an exception handler or a refusal has made it.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from wspubsub.errors import MessageError, Reject, UsageError
from wspubsub.events import ConnectEvent, DisconnectEvent, Event
from wspubsub.responses import (
    Response,
    to_failed_handshake_response,
    to_handshake_response,
    to_response,
)

log = logging.getLogger("wspubsub")

# An error may hold all that the client sent.
_LONGEST_TEXT = 1_000

# What a handler returns is checked when it is made into a response.
Handler = Callable[..., Any]
CallNext = Callable[[Event], Response]


class Layer:
    """The middleware and exception handlers of one router."""

    __slots__ = ("exception_handlers", "middleware")

    def __init__(self) -> None:
        self.middleware: list[Handler] = []
        self.exception_handlers: dict[type[Exception], Handler] = {}

    def handler_for(self, error: Exception) -> Handler | None:
        """Return the exception handler for the closest base class of an error."""
        for error_type in type(error).__mro__:
            if isinstance(error, Reject) and not issubclass(error_type, Reject):
                break  # a catch-all must not turn a refusal into an acceptance
            if error_type in self.exception_handlers:
                return self.exception_handlers[error_type]
        return None


class Route:
    """A handler with its layers, innermost first.

    Args:
        handler: Takes the event.
        layers: Those of the routers that it is in.
    """

    __slots__ = ("_handler", "_layers")

    def __init__(self, handler: Handler, layers: tuple[Layer, ...] = ()) -> None:
        self._handler = handler
        self._layers = layers

    def within(self, layer: Layer) -> "Route":
        """Return the same handler with one more layer outside."""
        return Route(self._handler, (*self._layers, layer))

    def __call__(self, event: Event) -> Response:
        """Handle an event.

        Raises:
            UsageError: Something that is not a response was returned.
            Exception: Whatever was raised and not handled.
        """
        errors = _Errors()
        call = errors.guard(_handling(self._handler), self._layers)
        for depth, layer in enumerate(self._layers):
            for function in reversed(layer.middleware):
                step = _surrounding(function, call)
                call = errors.guard(step, self._layers[depth:])
        return call(event)


class _Errors:
    # Makes responses of the errors of one invocation.

    __slots__ = ("_passed",)

    def __init__(self) -> None:
        self._passed: Exception | None = None

    def guard(self, step: CallNext, layers: tuple[Layer, ...]) -> CallNext:
        def call(event: Event) -> Response:
            try:
                return step(event)
            except Exception as error:
                if error is self._passed:
                    raise  # all exception handlers were asked further inside
                return self._response(event, error, layers)

        return call

    def _response(
        self, event: Event, error: Exception, layers: tuple[Layer, ...]
    ) -> Response:
        for layer in layers:
            function = layer.handler_for(error)
            if function is not None:
                try:
                    return _answer(function, event, error)
                except Exception as raised:  # noqa: BLE001 - the next layer's to take
                    error = raised
        response = _usual_response(event, error)
        if response is None:
            self._passed = error
            raise error
        return response


def _handling(function: Handler) -> CallNext:
    def step(event: Event) -> Response:
        result = call(function, event)
        by = _describe(function, "handler", event)
        if isinstance(event, ConnectEvent):
            return to_handshake_response(result, by, none_accepts=True)
        return to_response(result, by)

    return step


def _surrounding(function: Handler, inner: CallNext) -> CallNext:
    def step(event: Event) -> Response:
        result = function(event, inner)
        by = _describe(function, "middleware", event)
        if hasattr(result, "__await__"):
            raise UsageError(f"{by} must be a plain function, not async def")
        if isinstance(event, ConnectEvent):
            return to_handshake_response(result, by)
        return to_response(result, by)

    return step


def _answer(function: Handler, event: Event, error: Exception) -> Response:
    result = call(function, event, error)
    by = _describe(function, "exception handler", event)
    if isinstance(event, ConnectEvent):
        return to_failed_handshake_response(result, by, status=_refusing_status(error))
    return to_response(result, by)


def _refusing_status(error: Exception) -> int:
    if isinstance(error, Reject):
        return error.status
    return 400 if isinstance(error, MessageError) else 500


def _usual_response(event: Event, error: Exception) -> Response | None:
    if isinstance(error, Reject):
        return Response(error.reason or None, status_code=_refusing_status(error))
    if not isinstance(error, MessageError) or isinstance(event, DisconnectEvent):
        return None
    text = str(error)[:_LONGEST_TEXT]
    log.warning("refused a client's message to %s: %s", event.route_key, text)
    # In the shape of API Gateway's own error messages.
    body = {
        "message": text,
        "connectionId": event.connection_id,
        "requestId": event.request_id,
    }
    return Response(json.dumps(body), status_code=_refusing_status(error))


def call(function: Callable[..., Any], *args: object, **named: str) -> Any:  # noqa: ANN401 - as the function returns
    """Call a function of the user's, and wait for it if it is `async def`."""
    result = function(*args, **named)
    if hasattr(result, "__await__"):
        # Not at the top: a cold start without async handlers does not pay for it.
        from wspubsub.eventloop import wait_for

        return wait_for(result)
    return result


def _describe(function: Handler, kind: str, event: Event) -> str:
    name = getattr(function, "__name__", function)
    return f'{kind} "{name}" for route "{event.route_key}"'
