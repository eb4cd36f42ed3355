"""How a client's message reaches its route's handler, and what the client is told.

"Working with routes for WebSocket APIs" and "Set up route responses for WebSocket APIs
in API Gateway": the route selection expression selects the route, and only the handler
of a two-way route answers with its result. Errors are told on any route.
"""

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection
from wspubsub.gateway.connections import ClientConnections
from wspubsub.gateway.effects import Effect, SendText
from wspubsub.gateway.ids import Ids
from wspubsub.gateway.invocations import Invocation, Invocations, Purpose
from wspubsub.gateway.lambda_events import LambdaEvents, Request
from wspubsub.gateway.results import (
    Conclusion,
    Late,
    MalformedResultError,
    proxy_result,
)
from wspubsub.gateway.texts import (
    FORBIDDEN,
    INTERNAL_SERVER_ERROR,
    TIMED_OUT,
    error_message,
)


class Routing:
    """Takes messages to the handlers of their routes, and answers back.

    Args:
        config: The API and its stage.
        ids: Names requests and messages.
        connections: All connections.
        invocations: All invocations.
    """

    __slots__ = ("_config", "_connections", "_events", "_ids", "_invocations")

    def __init__(
        self,
        config: GatewayConfig,
        ids: Ids,
        connections: ClientConnections,
        invocations: Invocations,
    ) -> None:
        self._config = config
        self._ids = ids
        self._connections = connections
        self._invocations = invocations
        self._events = LambdaEvents(config)

    def begin(
        self, connection: ClientConnection, message: str, *, now: float
    ) -> Effect:
        """Continue after a message has arrived: invoke the handler of its route."""
        request = Request(self._ids.opaque(), now)
        expression = self._config.route_selection_expression
        route_key = expression.select(message, self._config.routes)
        if route_key is None:
            detail = "no route matches, and there is no $default route"
            return _error(connection, request, FORBIDDEN, detail)
        event = self._events.message(
            connection,
            request,
            message_id=self._ids.message(connection.id),
            route_key=route_key,
            body=message,
        )
        invocation = Invocation(
            purpose=Purpose.MESSAGE,
            connection=connection,
            request=request,
            route_key=route_key,
            invoked_at=now,
        )
        return self._invocations.begin(invocation, event)

    def conclude(
        self, invocation: Invocation, conclusion: Conclusion, *, now: float
    ) -> list[Effect]:
        """Continue after the handler of a message has finished."""
        connection = self._connections.find_open(invocation.connection.id)
        answer = self._answer(invocation, conclusion)
        if connection is None or answer is None:
            return []
        self._connections.touch(connection, now=now)
        return [answer]

    def _answer(
        self, invocation: Invocation, conclusion: Conclusion
    ) -> SendText | None:
        connection, request = invocation.connection, invocation.request
        if isinstance(conclusion, Late):
            return _error(connection, request, TIMED_OUT, conclusion.value)
        try:
            result = proxy_result(conclusion, self._config)
        except MalformedResultError as error:
            return _error(connection, request, INTERNAL_SERVER_ERROR, str(error))
        is_sent = bool(result.body) or self._config.absent_body_is_sent
        if is_sent and self._config.is_two_way(invocation.route_key):
            return SendText(connection.id, result.body)
        return None


def _error(
    connection: ClientConnection, request: Request, text: str, detail: str
) -> SendText:
    message = error_message(text, connection_id=connection.id, request_id=request.id)
    return SendText(connection.id, message, detail)
