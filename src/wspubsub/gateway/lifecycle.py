"""How a connection begins and how it ends.

"Manage connected users and client apps: $connect and $disconnect routes": there is no
connection until the `$connect` integration has let the client in, and `$disconnect` is
invoked after it has ended.
"""

from collections.abc import Iterator

from wspubsub.gateway.authorizers import decide, missing_identity_source
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection, State
from wspubsub.gateway.connections import ClientConnections
from wspubsub.gateway.effects import Accept, Effect, Refuse
from wspubsub.gateway.ids import Ids
from wspubsub.gateway.invocations import Invocation, Invocations, Purpose
from wspubsub.gateway.lambda_events import LambdaEvents, Request
from wspubsub.gateway.results import (
    Conclusion,
    Late,
    MalformedResultError,
    ProxyResult,
    proxy_result,
)
from wspubsub.gateway.texts import (
    INTERNAL_SERVER_ERROR,
    TIMED_OUT,
    UNAUTHORIZED,
    refusal_body,
    refusal_text,
)
from wspubsub.selection import CONNECT, DISCONNECT

MAX_URL_CHARACTERS = 4096
"""URL quota of WebSocket APIs."""

_SUBPROTOCOL = "Sec-WebSocket-Protocol"
_WITHOUT_BODY = 304


class Lifecycle:
    """Takes connections from the handshake to `$disconnect`.

    Args:
        config: The API and its stage.
        ids: Names requests.
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

    def begin(self, connection: ClientConnection, *, now: float) -> Iterator[Effect]:
        """Continue after a handshake has arrived."""
        self._connections.add(connection)
        request = connection.handshake
        if len(request.path) + 1 + len(request.query) > MAX_URL_CHARACTERS:
            detail = f"a URL must have at most {MAX_URL_CHARACTERS:,} characters"
            yield from self._refuse(connection, 414, "Request-URI Too Long", detail)
        elif self._config.has_authorizer:
            yield from self._begin_authorize(connection, now)
        else:
            yield from self._begin_connect(connection, now)

    def conclude_authorize(
        self, invocation: Invocation, conclusion: Conclusion, *, now: float
    ) -> Iterator[Effect]:
        """Continue after the authorizer has finished."""
        connection = invocation.connection
        decision = decide(conclusion, self._config)
        if not decision.is_allowed:
            yield from self._refuse(
                connection, decision.status, decision.text, decision.detail
            )
        elif connection.state is State.ABANDONED:
            self._connections.remove(connection)
        else:
            latency = round((now - invocation.invoked_at) * 1000)
            connection.authorizer = {**decision.context, "integrationLatency": latency}
            yield from self._begin_connect(connection, now)

    def conclude_connect(
        self, invocation: Invocation, conclusion: Conclusion, *, now: float
    ) -> Iterator[Effect]:
        """Continue after the handler of `$connect` has finished."""
        connection = invocation.connection
        if isinstance(conclusion, Late):
            yield from self._refuse(connection, 504, TIMED_OUT, conclusion.value)
            return
        try:
            result = proxy_result(conclusion, self._config)
        except MalformedResultError as error:
            yield from self._refuse(connection, 502, INTERNAL_SERVER_ERROR, str(error))
            return
        if result.accepts:
            yield from self._accept(connection, _handshake_headers(result), now)
        else:
            text = refusal_text(result.status)
            detail = f"the handler returned status {result.status}"
            yield from self._refuse(connection, result.status, text, detail)

    def end(
        self, connection: ClientConnection, code: int, reason: str, *, now: float
    ) -> Iterator[Effect]:
        """Continue after a connection has ended: invoke `$disconnect`."""
        self._connections.remove(connection)
        if DISCONNECT not in self._config.routes:
            return
        request = Request(self._ids.opaque(), now)
        event = self._events.disconnect(connection, request, code=code, reason=reason)
        yield self._invocations.begin(
            Invocation(
                purpose=Purpose.DISCONNECT,
                connection=connection,
                request=request,
                route_key=DISCONNECT,
                invoked_at=now,
            ),
            event,
        )

    def end_lost(self, connection: ClientConnection, *, now: float) -> Iterator[Effect]:
        """Continue after the loss of a client has been noticed."""
        return self.end(
            connection,
            self._config.network_loss_code,
            self._config.network_loss_reason,
            now=now,
        )

    def _begin_authorize(
        self, connection: ClientConnection, now: float
    ) -> Iterator[Effect]:
        request = _handshake_request(connection)
        event = self._events.authorizer(connection, request)
        missing = missing_identity_source(self._config, event)
        if missing is not None:
            detail = f"the handshake lacks the identity source {missing}"
            yield from self._refuse(connection, 401, UNAUTHORIZED, detail)
            return
        yield self._invocations.begin(
            _lifecycle_invocation(Purpose.AUTHORIZE, connection, now), event
        )

    def _begin_connect(
        self, connection: ClientConnection, now: float
    ) -> Iterator[Effect]:
        if CONNECT not in self._config.routes:
            yield from self._accept(connection, {}, now)
            return
        event = self._events.connect(connection, _handshake_request(connection))
        yield self._invocations.begin(
            _lifecycle_invocation(Purpose.CONNECT, connection, now), event
        )

    def _accept(
        self, connection: ClientConnection, headers: dict[str, str], now: float
    ) -> Iterator[Effect]:
        if connection.state is State.ABANDONED:
            # The handler believes in a connection, so it must hear of its end.
            yield from self.end_lost(connection, now=now)
            return
        self._connections.establish(connection, now=now)
        yield Accept(connection_id=connection.id, headers=headers)

    def _refuse(
        self, connection: ClientConnection, status: int, text: str, detail: str
    ) -> Iterator[Effect]:
        was_abandoned = connection.state is State.ABANDONED
        self._connections.remove(connection)
        if was_abandoned:
            return
        body = refusal_body(
            text, connection_id=connection.id, request_id=connection.request_id
        )
        yield Refuse(
            connection_id=connection.id,
            status=status,
            body="" if status == _WITHOUT_BODY else body,
            headers={"Content-Type": "application/json"},
            detail=detail,
        )


def _handshake_request(connection: ClientConnection) -> Request:
    return Request(connection.request_id, connection.connected_at)


def _lifecycle_invocation(
    purpose: Purpose, connection: ClientConnection, now: float
) -> Invocation:
    return Invocation(
        purpose=purpose,
        connection=connection,
        request=_handshake_request(connection),
        route_key=CONNECT,
        invoked_at=now,
    )


def _handshake_headers(result: ProxyResult) -> dict[str, str]:
    # "Set up a $connect route that requires a WebSocket subprotocol": the handler
    # chooses, and nothing is chosen for it. Other headers are not passed on.
    chosen = result.headers.get(_SUBPROTOCOL)
    return {_SUBPROTOCOL: chosen} if chosen else {}
