"""The gateway: what API Gateway does, as a model without I/O.

Handshakes, frames, results of invocations, Management API requests and the clock go
in; invocations, messages, refusals and closes come out. A shell does the rest:
`wspubsub.local` with sockets and processes, `wspubsub.testing` in a test's own process.

Where AWS leaves something undocumented there is a switch in `GatewayConfig`, or, where
no application should depend on it, one of these choices:

- A client that leaves while its `$connect` is being handled: the handler's result is
  awaited; if it would have let the client in, `$disconnect` is invoked at once as
  after a network loss, so that what the handler stored can be cleaned up.
- An authorizer that takes too long is answered like one that fails (500).
- A post that is too large is refused before its connection is looked for.
- A two-way body over 128 KB is an "Internal server error".
- `disconnectReason` is empty after the gateway closed because of a frame.
"""

from collections.abc import Callable

from wspubsub.gateway import closecodes
from wspubsub.gateway.assembly import UnacceptableFrameError
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection, State
from wspubsub.gateway.connections import ClientConnections
from wspubsub.gateway.deadlines import Deadlines
from wspubsub.gateway.effects import (
    Close,
    Effect,
    ManagementResponse,
    Refuse,
    SendText,
    Withdraw,
)
from wspubsub.gateway.ids import Ids
from wspubsub.gateway.inputs import (
    DataFrame,
    Handshake,
    InvocationResult,
    ManagementRequest,
)
from wspubsub.gateway.invocations import Invocation, Invocations, Purpose
from wspubsub.gateway.lifecycle import Lifecycle
from wspubsub.gateway.management import (
    GONE,
    LIMIT_EXCEEDED,
    ManagementAnswers,
    Refused,
    find_target,
    is_connect_path,
    text_of,
)
from wspubsub.gateway.results import Conclusion, Late
from wspubsub.gateway.routing import Routing
from wspubsub.gateway.texts import (
    CLIENT_CLOSED_WITHOUT_CODE,
    CLOSED_NORMALLY,
    FORBIDDEN_BODY,
    GOING_AWAY,
)


class Gateway:
    """One stage of a WebSocket API, its connections, and its Management API.

    Every method takes the time as `now`, in seconds since the epoch, and returns what
    the shell has to do, in order.

    Args:
        config: The API, its stage, and how it behaves.
        draw: Returns a number of random bytes; all identifiers come from it.
    """

    def __init__(self, config: GatewayConfig, *, draw: Callable[[int], bytes]) -> None:
        self._ids = Ids(draw)
        self._answers = ManagementAnswers(self._ids)
        self._deadlines = Deadlines()
        self._connections = ClientConnections(config, self._deadlines)
        self._invocations = Invocations(
            self._ids, self._deadlines, config.integration_timeout_seconds
        )
        self.deploy(config)

    def deploy(self, config: GatewayConfig) -> None:
        """Switch to another configuration, as a stage does when its API is redeployed.

        Connections stay, with the time limits that they began with.
        """
        self.config = config
        shared = self._ids, self._connections, self._invocations
        self._lifecycle = Lifecycle(config, *shared)
        self._routing = Routing(config, *shared)

    @property
    def stage(self) -> str:
        """Name of the stage, which is the path that clients connect to."""
        return self.config.stage

    @property
    def connection_count(self) -> int:
        """How many connections have been accepted and have not ended."""
        return len(self._connections)

    def is_open(self, connection_id: str) -> bool:
        """Return whether a connection has been accepted and has not ended."""
        return self._connections.find_established(connection_id) is not None

    def find_principal(self, connection_id: str) -> str | None:
        """Return the authorizer's `principalId` of a connection, None without one."""
        connection = self._connections.find_established(connection_id)
        if connection is None or connection.authorizer is None:
            return None
        return str(connection.authorizer["principalId"])

    def is_connect_path(self, path: str) -> bool:
        """Return whether clients connect to this path; others are answered with 403."""
        return is_connect_path(path, self.config.stage)

    def handshake(self, request: Handshake, *, now: float) -> tuple[str, list[Effect]]:
        """Process a client's upgrade request; the outcome is an `Accept` or a `Refuse`.

        Returns:
            The connection ID, which exists even if the handshake is refused, and the
            effects. If neither outcome is among them, it comes out later, when an
            invocation has finished.
        """
        connection = ClientConnection.from_handshake(
            request,
            id_=self._ids.opaque(),
            request_id=self._ids.opaque(),
            trace_id=self._ids.trace(now),
            default_host=self.config.default_host,
            now=now,
        )
        if self.is_connect_path(request.path):
            return connection.id, list(self._lifecycle.begin(connection, now=now))
        refusal = Refuse(
            connection_id=connection.id,
            status=403,
            body=FORBIDDEN_BODY,
            headers={"Content-Type": "application/json"},
            detail=f"clients connect to /{self.stage}",
        )
        return connection.id, [refusal]

    def finish_invocation(
        self, invocation_id: str, result: InvocationResult, *, now: float
    ) -> list[Effect]:
        """Process the result of an invocation; one that comes too late is ignored."""
        invocation = self._invocations.take(invocation_id)
        return [] if invocation is None else self._conclude(invocation, result, now)

    def receive(
        self, connection_id: str, frame: DataFrame, *, now: float
    ) -> list[Effect]:
        """Process a data frame from a client; one after the end is ignored."""
        connection = self._connections.find_open(connection_id)
        if connection is None:
            return []
        self._connections.touch(connection, now=now)
        try:
            message = connection.assembly.add(frame)
        except UnacceptableFrameError as error:
            return self._close(connection, error.code, "", now, detail=str(error))
        if message is None:
            return []
        return [self._routing.begin(connection, message, now=now)]

    def receive_ping(self, connection_id: str, *, now: float) -> list[Effect]:
        """Process a ping from a client, which the shell itself answers."""
        connection = self._connections.find_open(connection_id)
        if connection is not None and self.config.pings_reset_idle:
            self._connections.touch(connection, now=now)
        return []

    def receive_close(
        self, connection_id: str, code: int | None, reason: str = "", *, now: float
    ) -> list[Effect]:
        """Process the end of a connection, whether the client or the network caused it.

        Args:
            connection_id: Unknown ones and those closed already are ignored.
            code: Code of the client's close frame, None if it had none; 1006 if the
                connection was lost without a close frame.
            reason: Reason of the client's close frame.
            now: The time.
        """
        connection = self._connections.get(connection_id)
        if connection is None or connection.state is State.LOST:
            return []
        if connection.is_pending:
            return self._abandon(connection)
        if code == closecodes.ABNORMAL:
            return self._lose(connection, now)
        if code is None or code == closecodes.NO_CODE:
            code, reason = closecodes.NO_CODE, CLIENT_CLOSED_WITHOUT_CODE
        return list(self._lifecycle.end(connection, code, reason, now=now))

    def manage(
        self, request: ManagementRequest, *, now: float
    ) -> tuple[ManagementResponse, list[Effect]]:
        """Answer a request to the Management API, or any other plain HTTP request."""
        target = find_target(request, self.config)
        if isinstance(target, Refused):
            return self._answers.refuse(target, now=now), []
        connection = self._connections.find_established(target)
        if connection is None:
            return self._answers.refuse(GONE, now=now), []
        match request.method:
            case "GET":
                return self._answers.answer_get(connection, now=now), []
            case "DELETE":
                return self._delete(connection, now)
            case _:
                return self._post(connection, request, now)

    def close(self, connection_id: str, *, now: float) -> list[Effect]:
        """Close an open connection as the server, as `DELETE` does."""
        connection = self._connections[connection_id]
        return self._close(connection, closecodes.CLOSED_NORMALLY, CLOSED_NORMALLY, now)

    def lose(self, connection_id: str) -> None:
        """Lose an open connection's client; only the time limits will notice."""
        self._connections[connection_id].state = State.LOST

    def tick(self, *, now: float) -> list[Effect]:
        """Act on the time: close idle and old connections, end overdue invocations."""
        effects: list[Effect] = []
        for key in self._deadlines.due(now):
            invocation = self._invocations.take(key)
            if invocation is None:
                effects += self._expire(self._connections[key], now)
            else:
                # What a handler does when a client has left is done however late.
                if invocation.purpose is not Purpose.DISCONNECT:
                    effects.append(Withdraw(key))
                effects += self._conclude(invocation, Late.TIMED_OUT, now)
        return effects

    def next_deadline(self) -> float | None:
        """Return when `tick` next has something to do, or None if never."""
        return self._deadlines.next()

    def _conclude(
        self, invocation: Invocation, conclusion: Conclusion, now: float
    ) -> list[Effect]:
        lifecycle = self._lifecycle
        match invocation.purpose:
            case Purpose.AUTHORIZE:
                return list(
                    lifecycle.conclude_authorize(invocation, conclusion, now=now)
                )
            case Purpose.CONNECT:
                return list(lifecycle.conclude_connect(invocation, conclusion, now=now))
            case Purpose.MESSAGE:
                return self._routing.conclude(invocation, conclusion, now=now)
            case _:  # "$disconnect": its connection is over, so nothing can follow
                return []

    def _post(
        self, connection: ClientConnection, request: ManagementRequest, now: float
    ) -> tuple[ManagementResponse, list[Effect]]:
        if connection.state is State.LOST:
            return self._answers.answer_post(now=now), []
        if request.backlog_bytes > self.config.max_buffer_bytes:
            return self._answers.refuse(LIMIT_EXCEEDED, now=now), []
        self._connections.touch(connection, now=now)
        message = SendText(connection.id, text_of(request.body))
        return self._answers.answer_post(now=now), [message]

    def _delete(
        self, connection: ClientConnection, now: float
    ) -> tuple[ManagementResponse, list[Effect]]:
        effects = self.close(connection.id, now=now)
        return self._answers.answer_delete(now=now), effects

    def _expire(self, connection: ClientConnection, now: float) -> list[Effect]:
        if connection.state is State.LOST:
            return list(self._lifecycle.end_lost(connection, now=now))
        detail = self._connections.explain_end(connection, now=now)
        code = closecodes.GOING_AWAY
        return self._close(connection, code, GOING_AWAY, now, detail=detail)

    def _abandon(self, connection: ClientConnection) -> list[Effect]:
        if connection.state is State.ABANDONED:
            return []
        connection.state = State.ABANDONED
        awaited = self._invocations.find_handshake(connection.id)
        return [] if awaited is None else [Withdraw(awaited)]

    def _lose(self, connection: ClientConnection, now: float) -> list[Effect]:
        if self.config.network_loss_found_when_idle:
            connection.state = State.LOST
            return []
        return list(self._lifecycle.end_lost(connection, now=now))

    def _close(
        self,
        connection: ClientConnection,
        code: int,
        reason: str,
        now: float,
        *,
        detail: str = "",
    ) -> list[Effect]:
        return [
            Close(connection.id, code, reason, detail),
            *self._lifecycle.end(connection, code, reason, now=now),
        ]
