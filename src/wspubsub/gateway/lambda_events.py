"""The events that API Gateway invokes Lambda with, key by key.

"Input format of a Lambda function for proxy integration" (WebSocket APIs) and "Create
an API Gateway Lambda REQUEST authorizer function". What an event does not have is as
exact as what it has: unset keys are left out, and handshake headers come only with
`$connect`.
"""

from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection
from wspubsub.gateway.inputs import Handshake
from wspubsub.gateway.times import common_log, milliseconds
from wspubsub.selection import CONNECT, DISCONNECT

# RFC 9110 §7.6.1: these end at API Gateway. Its authorizer event shows them anyway.
_HOP_BY_HOP = {"Connection": "upgrade", "content-length": "0", "Upgrade": "websocket"}
_HOP_BY_HOP_NAMES = frozenset(name.lower() for name in _HOP_BY_HOP)

_Values = dict[str, list[str]]


class Request(NamedTuple):
    """What one event is about: a handshake, a message, or the end of a connection.

    Attributes:
        id: Request ID.
        at: When it came in, in seconds since the epoch.
    """

    id: str
    at: float


class LambdaEvents:
    """Builds the events of one stage.

    Args:
        config: The API and its stage.
    """

    __slots__ = ("_config",)

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config

    def authorizer(
        self, connection: ClientConnection, request: Request
    ) -> dict[str, Any]:
        """Return the event for the Lambda authorizer of `$connect`.

        Its query and stage variables are empty objects where there are none; in the
        other events they are left out.
        """
        headers = _forward_headers(connection)
        headers.update((name, [value]) for name, value in _HOP_BY_HOP.items())
        query = query_values(connection.handshake)
        return {
            "type": "REQUEST",
            "methodArn": self._config.connect_arn,
            **_single_and_multi("headers", "multiValueHeaders", _sort_by_name(headers)),
            **_single_and_multi(
                "queryStringParameters", "multiValueQueryStringParameters", query
            ),
            "stageVariables": dict(self._config.stage_variables),
            "requestContext": self._request_context(
                connection, request, "CONNECT", routeKey=CONNECT
            ),
        }

    def connect(self, connection: ClientConnection, request: Request) -> dict[str, Any]:
        """Return the event for the handler of `$connect`."""
        query = query_values(connection.handshake)
        event = _single_and_multi(
            "headers", "multiValueHeaders", _sort_by_name(_forward_headers(connection))
        )
        if query:
            event |= _single_and_multi(
                "queryStringParameters", "multiValueQueryStringParameters", query
            )
        context = self._request_context(
            connection, request, "CONNECT", routeKey=CONNECT
        )
        return self._event(context, event)

    def message(
        self,
        connection: ClientConnection,
        request: Request,
        *,
        message_id: str,
        route_key: str,
        body: str,
    ) -> dict[str, Any]:
        """Return the event for a message that selected a route."""
        context = self._request_context(
            connection, request, "MESSAGE", routeKey=route_key, messageId=message_id
        )
        # As reported of AWS: the event of an empty message has no body at all.
        return self._event(context, {"body": body} if body else {})

    def disconnect(
        self, connection: ClientConnection, request: Request, *, code: int, reason: str
    ) -> dict[str, Any]:
        """Return the event for the end of a connection."""
        context = self._request_context(
            connection,
            request,
            "DISCONNECT",
            routeKey=DISCONNECT,
            disconnectStatusCode=code,
            disconnectReason=reason,
        )
        # Exactly these four, three of them empty; the client's are not kept.
        headers = {
            "Host": [connection.domain_name],
            "x-api-key": [""],
            "X-Forwarded-For": [""],
            "x-restapi": [""],
        }
        return self._event(
            context, _single_and_multi("headers", "multiValueHeaders", headers)
        )

    def _event(self, context: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
        event = {**parts, "requestContext": context, "isBase64Encoded": False}
        if self._config.stage_variables:
            event["stageVariables"] = dict(self._config.stage_variables)
        return event

    def _request_context(
        self,
        connection: ClientConnection,
        request: Request,
        event_type: str,
        **of_this_type: str | int,
    ) -> dict[str, Any]:
        context: dict[str, Any] = {
            **of_this_type,
            "eventType": event_type,
            "extendedRequestId": request.id,
            "requestTime": common_log(request.at),
            "messageDirection": "IN",
            "stage": self._config.stage,
            "connectedAt": milliseconds(connection.connected_at),
            "requestTimeEpoch": milliseconds(request.at),
            "identity": _identity(connection),
            "requestId": request.id,
            "domainName": connection.domain_name,
            "connectionId": connection.id,
            "apiId": self._config.api_id,
        }
        if connection.authorizer is not None:
            context["authorizer"] = dict(connection.authorizer)
        return context


def query_values(handshake: Handshake) -> _Values:
    """Return the query string parameters of a handshake, each with all its values."""
    values: _Values = {}
    for name, value in parse_qsl(handshake.query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


def _identity(connection: ClientConnection) -> dict[str, str]:
    identity = {"sourceIp": connection.handshake.source_ip}
    if connection.user_agent is not None:
        identity["userAgent"] = connection.user_agent
    return identity


def _forward_headers(connection: ClientConnection) -> _Values:
    # Names keep the client's casing; one that is repeated in another casing is still
    # the same header (RFC 9110 §5.1).
    handshake = connection.handshake
    spelling: dict[str, str] = {}
    values: _Values = {}
    for name, value in handshake.headers:
        if name.lower() not in _HOP_BY_HOP_NAMES:
            known = spelling.setdefault(name.lower(), name)
            values.setdefault(known, []).append(value)
    forwarded_for = values.pop(spelling.get("x-forwarded-for", ""), [])
    for name in ("x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"):
        values.pop(spelling.get(name, ""), None)
    return values | {
        "X-Amzn-Trace-Id": [connection.trace_id],
        "X-Forwarded-For": [", ".join([*forwarded_for, handshake.source_ip])],
        "X-Forwarded-Port": [str(handshake.port)],
        "X-Forwarded-Proto": ["https" if handshake.is_tls else "http"],
    }


def _sort_by_name(values: _Values) -> _Values:
    return dict(sorted(values.items(), key=lambda item: item[0].lower()))


def _single_and_multi(single: str, multi: str, values: _Values) -> dict[str, Any]:
    return {
        single: {name: several[-1] for name, several in values.items()},
        multi: {name: list(several) for name, several in values.items()},
    }
