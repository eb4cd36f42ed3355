"""The state of one client's connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from wspubsub.gateway.assembly import Assembly
from wspubsub.gateway.inputs import Handshake
from wspubsub.headers import Headers


class State(Enum):
    """How far a connection has come. One that has ended is forgotten."""

    PENDING = "pending"
    """The handshake has not been answered yet."""
    ABANDONED = "abandoned"
    """The client left before the handshake was answered."""
    OPEN = "open"
    """The client is connected."""
    LOST = "lost"
    """The client has disappeared, and API Gateway has not noticed."""


@dataclass(slots=True, kw_only=True)
class ClientConnection:
    """One connection, from its handshake on.

    Attributes:
        id: Connection ID.
        handshake: The upgrade request.
        connected_at: When the handshake came in, in seconds since the epoch.
        last_active_at: When the last message passed, either way.
        domain_name: Host that the client used.
        user_agent: What the client calls itself, None if it does not.
        request_id: Request ID of the handshake.
        trace_id: `X-Amzn-Trace-Id` of the handshake.
        authorizer: What events carry of the authorizer's result, if there is one.
        state: How far it has come.
        assembly: The message that is coming in.
    """

    id: str
    handshake: Handshake
    connected_at: float
    last_active_at: float
    domain_name: str
    user_agent: str | None
    request_id: str
    trace_id: str
    authorizer: Mapping[str, Any] | None = None
    state: State = State.PENDING
    assembly: Assembly = field(default_factory=Assembly)

    @classmethod
    def from_handshake(
        cls,
        handshake: Handshake,
        *,
        id_: str,
        request_id: str,
        trace_id: str,
        default_host: str,
        now: float,
    ) -> "ClientConnection":
        """Return the connection that a handshake asks for."""
        headers = headers_of(handshake)
        return cls(
            id=id_,
            handshake=handshake,
            connected_at=now,
            last_active_at=now,
            domain_name=headers.get("Host") or default_host,
            user_agent=headers.get("User-Agent"),
            request_id=request_id,
            trace_id=trace_id,
        )

    @property
    def is_pending(self) -> bool:
        """Whether the handshake has not been answered yet."""
        return self.state in (State.PENDING, State.ABANDONED)


def headers_of(handshake: Handshake) -> Headers:
    """Return the headers of a handshake; their names are found in any case."""
    values: dict[str, list[str]] = {}
    for name, value in handshake.headers:
        values.setdefault(name.lower(), []).append(value)
    return Headers(values)
