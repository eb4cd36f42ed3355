"""The invocations in progress, and what each of them is for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wspubsub.gateway.connection import ClientConnection
from wspubsub.gateway.deadlines import Deadlines
from wspubsub.gateway.effects import Function, Invoke
from wspubsub.gateway.ids import Ids
from wspubsub.gateway.lambda_events import Request


class Purpose(Enum):
    """Why a function is invoked."""

    AUTHORIZE = "authorize"
    CONNECT = "connect"
    MESSAGE = "message"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """An invocation that has not finished.

    Attributes:
        purpose: Why the function was invoked.
        connection: The connection that it is about.
        request: The request that it handles.
        route_key: The route that was selected.
        invoked_at: When it began, in seconds since the epoch.
    """

    purpose: Purpose
    connection: ClientConnection
    request: Request
    route_key: str
    invoked_at: float

    @property
    def is_handshake(self) -> bool:
        """Whether a handshake waits for its result."""
        return self.purpose in (Purpose.AUTHORIZE, Purpose.CONNECT)


class Invocations:
    """Every invocation from its beginning until its result or its timeout.

    Args:
        ids: Names them.
        deadlines: Where their time is noted.
        timeout_seconds: How long one may take.
    """

    __slots__ = ("_awaited", "_deadlines", "_handshakes", "_ids", "_timeout_seconds")

    def __init__(self, ids: Ids, deadlines: Deadlines, timeout_seconds: float) -> None:
        self._ids = ids
        self._deadlines = deadlines
        self._timeout_seconds = timeout_seconds
        self._awaited: dict[str, Invocation] = {}
        self._handshakes: dict[str, str] = {}

    def begin(self, invocation: Invocation, event: Mapping[str, Any]) -> Invoke:
        """Note an invocation and return the effect that begins it."""
        invocation_id = self._ids.uuid()
        self._awaited[invocation_id] = invocation
        if invocation.is_handshake:
            self._handshakes[invocation.connection.id] = invocation_id
        if self._timeout_seconds != math.inf:
            self._deadlines.set(
                invocation_id, invocation.invoked_at + self._timeout_seconds
            )
        return Invoke(
            invocation_id=invocation_id,
            function=(
                Function.AUTHORIZER
                if invocation.purpose is Purpose.AUTHORIZE
                else Function.HANDLER
            ),
            event=event,
            connection_id=invocation.connection.id,
        )

    def find_handshake(self, connection_id: str) -> str | None:
        """Return the invocation that a handshake waits for, or None."""
        return self._handshakes.get(connection_id)

    def take(self, invocation_id: str) -> Invocation | None:
        """Remove and return an invocation, or None if its result is not awaited."""
        self._deadlines.drop(invocation_id)
        invocation = self._awaited.pop(invocation_id, None)
        if invocation is not None and invocation.is_handshake:
            self._handshakes.pop(invocation.connection.id, None)
        return invocation
