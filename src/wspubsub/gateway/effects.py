"""What comes out of the gateway model: everything that a gateway can do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Function(Enum):
    """Which Lambda function an invocation is for."""

    HANDLER = "handler"
    AUTHORIZER = "authorizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke:
    """Invoke a function; its result comes back through `Gateway.finish_invocation`.

    Attributes:
        invocation_id: Names the invocation; also its Lambda request ID (a UUID).
        function: Which function.
        event: What it is invoked with.
        connection_id: The connection that it is about.
    """

    invocation_id: str
    function: Function
    event: Mapping[str, Any]
    connection_id: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Nobody waits for the result of an invocation: it need not begin any more.

    AWS has always begun it already. A gateway with less room may save the work; it
    reports the invocation as failed.
    """

    invocation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Answer a pending handshake with 101."""

    connection_id: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer a pending handshake with an ordinary HTTP response.

    `detail` is for the developer: what the client is not told.
    """

    connection_id: str
    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send one text message to a client.

    `detail` is for the developer: what an error message does not say.
    """

    connection_id: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """Close a client's connection with a WebSocket close code (RFC 6455 §7.4).

    `detail` is for the developer: what neither code nor reason say.
    """

    connection_id: str
    code: int
    reason: str = ""
    detail: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementResponse:
    """The Management API's answer to one request.

    The headers are complete, `content-length` included, but for `date`. `detail` is
    for the developer: why the request is refused, and what to do.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    detail: str = ""


Effect = Invoke | Withdraw | Accept | Refuse | SendText | Close
