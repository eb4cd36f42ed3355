"""What goes into the gateway model: everything that can happen to a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A client's WebSocket upgrade request.

    Attributes:
        path: Path of the request target without the query, percent-encoded as sent.
        query: Query string as sent, without the question mark.
        headers: Names as sent and values, in order; a repeated name stands repeatedly.
        source_ip: The client's address.
        port: Port that the gateway listens on.
        is_tls: Whether the client came over TLS.
    """

    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    source_ip: str = "127.0.0.1"
    port: int = 443
    is_tls: bool = True


@dataclass(frozen=True, slots=True)
class DataFrame:
    """One data frame from a client (RFC 6455 §5.6), or a continuation of one.

    Attributes:
        data: Payload, unmasked and decompressed.
        is_text: True for text, False for binary; None for a continuation frame.
        is_final: The FIN bit.
    """

    data: bytes
    is_text: bool | None = True
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Returned:
    """An invocation's function returned this JSON value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """An invocation's function failed: it raised, timed out, or died.

    `stack_trace` is for the developer: where, if the function says so.
    """

    error_type: str
    message: str
    stack_trace: tuple[str, ...] = field(default=(), compare=False)


InvocationResult = Returned | Raised


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementRequest:
    """A request to the Management API.

    Attributes:
        method: HTTP method.
        path: Path of the request target, percent-encoded as sent.
        headers: Names in lower case.
        body: Payload.
        backlog_bytes: What already waits to be sent to the connection it names.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    backlog_bytes: int = 0
