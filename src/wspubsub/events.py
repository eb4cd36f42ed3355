"""The three WebSocket events that API Gateway invokes Lambda with.

Fields follow "Input format of a Lambda function for proxy integration" (WebSocket
APIs) and "API Gateway mapping template reference for WebSocket APIs". Times are
seconds since the epoch. What an event does not carry is `None` or empty: AWS omits
unset keys, older events carried them as null, and emulators do either.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from wspubsub.errors import EventError
from wspubsub.eventfields import Fields
from wspubsub.headers import Headers
from wspubsub.messages import Json, decode_json
from wspubsub.records import Record

if TYPE_CHECKING:
    from wspubsub.messagefields import FieldType


class PendingConnectionId(str):
    """ID of a connection whose `$connect` is still being handled.

    It is equal to the plain ID. The publisher recognizes it, and refuses to post to a
    connection that does not exist yet, or to close it.
    """

    __slots__ = ()


class Connection(Record):
    """One client's WebSocket connection as a subscription store keeps it.

    Attributes:
        id: Connection ID given by API Gateway.
        connected_at: When the handshake came in, in seconds since the epoch.
        principal: Whom the authorizer found the client to be, if there is one.
        attributes: Anything that later handlers need: handshake headers and the query
            are not in later events.
        api: ID and stage of the API that it belongs to, such as `abcdef1234/prod`; a
            store that knows its own (`api=`) prunes no connection of another one.
    """

    id: str
    connected_at: float
    principal: str | None = None
    attributes: Mapping[str, str] = MappingProxyType({})
    api: str | None = None


class _Event(Record, hidden=("raw", "context", "state")):
    connection_id: str
    route_key: str
    stage: str
    domain_name: str
    api_id: str
    request_id: str
    connected_at: float
    requested_at: float
    source_ip: str | None
    user_agent: str | None
    authorizer: Mapping[str, Any]
    stage_variables: Mapping[str, str]
    raw: Mapping[str, Any]
    state: dict[str, Any]
    context: object = None

    @property
    def principal(self) -> str | None:
        """The principal that the Lambda authorizer returned; None without one."""
        found = self.authorizer.get("principalId")
        return found if isinstance(found, str) else None

    def remaining_seconds(self) -> float:
        """Return the seconds left until Lambda's timeout; infinity if unknown."""
        return remaining_seconds(self.context)


class ConnectEvent(_Event, hidden=("headers", "multi_query")):
    """A client asks for a connection (`eventType` CONNECT).

    There is no connection until the handler has returned: posting to it fails.

    Attributes:
        headers: Handshake headers, looked up in any casing.
        query: Query string parameters; the last value of a repeated one.
        multi_query: Query string parameters with all their values.
        subprotocols: What the client offers in `Sec-WebSocket-Protocol`, in order.
    """

    connection_id: PendingConnectionId
    headers: Headers
    query: Mapping[str, str]
    multi_query: Mapping[str, tuple[str, ...]]

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers in `Sec-WebSocket-Protocol`."""
        return self.headers.elements("Sec-WebSocket-Protocol")

    @property
    def connection(self) -> Connection:
        """The connection to be, for `SubscriptionStore.connect`."""
        return connection_of(self)


class MessageEvent(_Event):
    """A client sent a message (`eventType` MESSAGE).

    Attributes:
        message_id: ID that API Gateway gave the message.
        body: The message as text, exactly as sent.
    """

    message_id: str
    body: str

    def json(self) -> Json:
        """Return the value of the message, which must be JSON.

        Raises:
            MessageError: The message is not JSON; or it is, and has a number that is
                too large, half of a surrogate pair, or more than 128 levels.
        """
        return decode_json(self.body)

    @overload
    def fields(
        self, /, **types: type[str] | tuple[type[str], str]
    ) -> tuple[str, ...]: ...

    @overload
    def fields(
        self, /, **types: type[int] | tuple[type[int], int]
    ) -> tuple[int, ...]: ...

    @overload
    def fields(self, /, **types: "FieldType") -> tuple[Any, ...]: ...

    def fields(self, /, **types: "FieldType") -> tuple[Any, ...]:
        """Return fields of the message, which must be a JSON object, in this order.

        A field is given as what it must be: `str`, `int` (up to 64 bits), `float`,
        `bool`, `list`, `dict` or `object` (any value), `list[str]`, or several as in
        `str | int`. With `str | None` a field that is absent is None; with a type and
        a default, such as `(int, 100)`, one that is absent or null is the default.

        Example:
            >>> from wspubsub.testing import message_event
            >>> event = parse_event(message_event({"topic": "news", "text": "hi"}))
            >>> topic, text, limit = event.fields(topic=str, text=str, limit=(int, 100))
            >>> topic, text, limit
            ('news', 'hi', 100)
            >>> event.fields(title=str)
            Traceback (most recent call last):
                ...
            wspubsub.errors.MessageError: the message has no field "title"

        Raises:
            MessageError: The message is not a JSON object; or a field is missing or of
                another type, and the text names it.
            UsageError: A field is given as something that JSON does not have.
        """
        # Not at the top: a cold start without it does not pay for it.
        from wspubsub.messagefields import read_fields

        return read_fields(self.json(), types)


class DisconnectEvent(_Event):
    """A connection has ended (`eventType` DISCONNECT). AWS does not guarantee it.

    Attributes:
        status_code: WebSocket close code (RFC 6455 §7.4), None if unknown.
        reason: Why the connection ended, in words; may be empty.
    """

    status_code: int | None
    reason: str


Event = ConnectEvent | MessageEvent | DisconnectEvent


def parse_event(raw: object, context: object = None) -> Event:
    """Return the event that Lambda was invoked with.

    Args:
        raw: First argument of the Lambda handler.
        context: Second argument of the Lambda handler; gives the remaining time.

    Raises:
        EventError: This is not an event of a WebSocket API; the text says why.
    """
    top = Fields(raw, "event")
    if "requestContext" not in top:
        raise EventError(
            "this is not an event of an API Gateway WebSocket API: it has no "
            f"requestContext{_origin(top)}"
        )
    if "methodArn" in top or top.value("type") == "REQUEST":
        raise EventError(
            "this is the event of a Lambda authorizer, which decides about a "
            "handshake, and not the event of a route; use a separate function as "
            "the API's authorizer"
        )
    request = top.fields("requestContext")
    kind = request.text("eventType")
    common = _common_fields(top, request, context)
    match kind:
        case "CONNECT":
            return _connect_event(top, common)
        case "MESSAGE":
            return _message_event(top, request, common)
        case "DISCONNECT":
            return DisconnectEvent(
                status_code=request.whole_number("disconnectStatusCode"),
                reason=request.text("disconnectReason"),
                **common,
            )
        case _:
            raise EventError(
                "requestContext.eventType must be CONNECT, MESSAGE or DISCONNECT, not "
                f"{kind!r}; is this event from a REST or HTTP API?"
            )


def _origin(top: Fields) -> str:
    records = top.value("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return f" (it comes from {records[0].get('eventSource', 'another service')})"
    return ""


def _common_fields(top: Fields, request: Fields, context: object) -> dict[str, Any]:
    identity = request.fields("identity")
    return {
        "connection_id": request.require_text("connectionId"),
        "route_key": request.text("routeKey"),
        "stage": request.text("stage"),
        "domain_name": request.text("domainName"),
        "api_id": request.text("apiId"),
        "request_id": request.text("requestId"),
        "connected_at": request.milliseconds("connectedAt"),
        "requested_at": request.milliseconds("requestTimeEpoch"),
        "source_ip": identity.text("sourceIp") or None,
        "user_agent": identity.text("userAgent") or None,
        "authorizer": request.mapping("authorizer"),
        "stage_variables": top.texts("stageVariables"),
        "raw": top.mapping(),
        "state": {},
        "context": context,
    }


def _connect_event(top: Fields, common: dict[str, Any]) -> ConnectEvent:
    several = top.text_lists("multiValueHeaders")
    single = {name: (text,) for name, text in top.texts("headers").items()}
    multi_query = top.text_lists("multiValueQueryStringParameters")
    query = top.texts("queryStringParameters")
    common["connection_id"] = PendingConnectionId(common["connection_id"])
    return ConnectEvent(
        headers=Headers(several or single),
        query=query or {name: all_[-1] for name, all_ in multi_query.items() if all_},
        multi_query=multi_query or {name: (text,) for name, text in query.items()},
        **common,
    )


def _message_event(
    top: Fields, request: Fields, common: dict[str, Any]
) -> MessageEvent:
    return MessageEvent(message_id=request.text("messageId"), body=top.body(), **common)


def connection_of(event: _Event) -> Connection:
    """Return the connection of an event, as far as that describes it."""
    return Connection(
        id=str(event.connection_id),
        connected_at=event.connected_at,
        principal=event.principal,
        api=f"{event.api_id}/{event.stage}" if event.api_id else None,
    )


def remaining_seconds(context: object) -> float:
    """Return the seconds left until Lambda's timeout; infinity if unknown."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return float(remaining()) / 1000 if callable(remaining) else math.inf
