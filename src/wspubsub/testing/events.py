"""Events as AWS sends them, for tests that call a handler directly.

The gateway model builds them, so they have exactly the keys that AWS sends.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from wspubsub.gateway.closecodes import NO_CODE
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection
from wspubsub.gateway.ids import Ids
from wspubsub.gateway.inputs import Handshake
from wspubsub.gateway.lambda_events import LambdaEvents, Request
from wspubsub.gateway.texts import CLIENT_CLOSED_WITHOUT_CODE
from wspubsub.selection import DEFAULT
from wspubsub.testing.clients import as_text
from wspubsub.testing.gateway import START_TIME
from wspubsub.testing.handshakes import Query, handshake
from wspubsub.testing.seeds import make_random

CONNECTION_ID = "L0SM9cOFvHcCIhw="
"""The connection that an event is about unless the test names another."""


def connect_event(
    *,
    connection_id: str = CONNECTION_ID,
    query: Query = "",
    headers: Mapping[str, str] | None = None,
    subprotocols: Iterable[str] = (),
    source_ip: str = "127.0.0.1",
    authorizer: Mapping[str, Any] | None = None,
    at: float = START_TIME,
    config: GatewayConfig | None = None,
) -> dict[str, Any]:
    """Return the event that a `$connect` handler is invoked with.

    Example:
        >>> event = connect_event(query={"token": "t"}, headers={"Origin": "https://a"})
        >>> event["queryStringParameters"], event["requestContext"]["eventType"]
        ({'token': 't'}, 'CONNECT')

    Args:
        connection_id: ID of the connection.
        query: Query string, or names and values; a list of values repeats a name.
        headers: Handshake headers besides those of RFC 6455.
        subprotocols: What the client offers, in order.
        source_ip: The client's address.
        authorizer: What the event carries of an authorizer's result; its values are
            texts on AWS.
        at: When the client connected, in seconds since the epoch.
        config: The API, its stage and its stage variables.
    """
    config = config or GatewayConfig()
    request = handshake(
        config,
        query=query,
        headers=headers,
        subprotocols=subprotocols,
        source_ip=source_ip,
    )
    connection = _connection(config, request, connection_id, authorizer, at)
    return LambdaEvents(config).connect(
        connection, Request(connection.request_id, connection.connected_at)
    )


def authorizer_event(
    *,
    connection_id: str = CONNECTION_ID,
    query: Query = "",
    headers: Mapping[str, str] | None = None,
    subprotocols: Iterable[str] = (),
    source_ip: str = "127.0.0.1",
    at: float = START_TIME,
    config: GatewayConfig | None = None,
) -> dict[str, Any]:
    """Return the event that the Lambda authorizer of `$connect` is invoked with.

    Args:
        connection_id: ID of the connection.
        query: Query string, or names and values; a list of values repeats a name.
        headers: Handshake headers besides those of RFC 6455.
        subprotocols: What the client offers, in order.
        source_ip: The client's address.
        at: When the client connected, in seconds since the epoch.
        config: The API, its stage and its stage variables.
    """
    config = config or GatewayConfig()
    request = handshake(
        config,
        query=query,
        headers=headers,
        subprotocols=subprotocols,
        source_ip=source_ip,
    )
    connection = _connection(config, request, connection_id, None, at)
    return LambdaEvents(config).authorizer(
        connection, Request(connection.request_id, connection.connected_at)
    )


def message_event(
    data: object = "",
    *,
    route_key: str = DEFAULT,
    connection_id: str = CONNECTION_ID,
    source_ip: str = "127.0.0.1",
    authorizer: Mapping[str, Any] | None = None,
    at: float = START_TIME,
    connected_at: float | None = None,
    config: GatewayConfig | None = None,
) -> dict[str, Any]:
    """Return the event that the handler of a message is invoked with.

    Example:
        >>> event = message_event({"action": "join"}, route_key="join")
        >>> event["body"], event["requestContext"]["routeKey"]
        ('{"action": "join"}', 'join')

    Args:
        data: Text as it is, anything else as JSON.
        route_key: The route that was selected.
        connection_id: ID of the connection.
        source_ip: The client's address.
        authorizer: What the event carries of an authorizer's result.
        at: When the message came, in seconds since the epoch.
        connected_at: When the client connected; at the same time if None.
        config: The API, its stage and its stage variables.
    """
    config = config or GatewayConfig()
    request = handshake(config, source_ip=source_ip)
    since = at if connected_at is None else connected_at
    connection = _connection(config, request, connection_id, authorizer, since)
    ids = _ids(connection_id)
    return LambdaEvents(config).message(
        connection,
        Request(ids.opaque(), at),
        message_id=ids.message(connection_id),
        route_key=route_key,
        body=as_text(data),
    )


def disconnect_event(
    *,
    code: int = NO_CODE,
    reason: str | None = None,
    connection_id: str = CONNECTION_ID,
    source_ip: str = "127.0.0.1",
    authorizer: Mapping[str, Any] | None = None,
    at: float = START_TIME,
    connected_at: float | None = None,
    config: GatewayConfig | None = None,
) -> dict[str, Any]:
    """Return the event that a `$disconnect` handler is invoked with.

    Args:
        code: Close code (RFC 6455 §7.4); 1005 as after a browser's `close()`.
        reason: Reason of the close; None stands for what AWS says to a 1005, and
            for an empty one otherwise.
        connection_id: ID of the connection.
        source_ip: The client's address.
        authorizer: What the event carries of an authorizer's result.
        at: When the connection ended, in seconds since the epoch.
        connected_at: When the client connected; at the same time if None.
        config: The API, its stage and its stage variables.
    """
    config = config or GatewayConfig()
    if reason is None:
        reason = CLIENT_CLOSED_WITHOUT_CODE if code == NO_CODE else ""
    request = handshake(config, source_ip=source_ip)
    since = at if connected_at is None else connected_at
    connection = _connection(config, request, connection_id, authorizer, since)
    return LambdaEvents(config).disconnect(
        connection, Request(_ids(connection_id).opaque(), at), code=code, reason=reason
    )


def _ids(connection_id: str) -> Ids:
    # The same event each time, and another one for another connection.
    return Ids(make_random(connection_id).randbytes)


def _connection(
    config: GatewayConfig,
    request: Handshake,
    connection_id: str,
    authorizer: Mapping[str, Any] | None,
    at: float,
) -> ClientConnection:
    ids = _ids(connection_id)
    connection = ClientConnection.from_handshake(
        request,
        id_=connection_id,
        request_id=ids.opaque(),
        trace_id=ids.trace(at),
        default_host=config.default_host,
        now=at,
    )
    connection.authorizer = authorizer
    return connection
