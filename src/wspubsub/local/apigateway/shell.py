"""The gateway model in real time: its effects on clients and functions.

Everything that happens becomes a call of the model with the current time, and what the
model says is done at once, in order; the result of an invocation and the passing of
time come back in as two more things that happen.
"""

import asyncio
import math
import os
from collections.abc import Iterable, Iterator

from wspubsub.gateway import (
    Accept,
    Close,
    DataFrame,
    Effect,
    Gateway,
    GatewayConfig,
    Handshake,
    InvocationResult,
    Invoke,
    ManagementRequest,
    ManagementResponse,
    Refuse,
    SendText,
    Withdraw,
    closecodes,
)
from wspubsub.gateway.texts import GOING_AWAY
from wspubsub.local.apigateway.clients import Client
from wspubsub.local.apigateway.invocations import RunningInvocations
from wspubsub.local.apigateway.websocket import ConnectionEnd, WebSocketConnection
from wspubsub.local.clock import Clock
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.inspector.recorder import Recorder, measure_headers
from wspubsub.local.journal import Journal
from wspubsub.local.requests import HttpRequest
from wspubsub.local.tasks import Tasks

TRACE_HEADER = "x-amzn-trace-id"
"""Carries the invocation that a request comes from, as AWS SDKs send it."""


class GatewayShell:
    """One gateway with its clients and its functions.

    Args:
        config: The API, its stage, and how it behaves.
        functions: What it invokes.
        journal: Hears what happens.
        recorder: Hears what happens, and why.
        clock: What time it is.
    """

    def __init__(
        self,
        config: GatewayConfig,
        functions: DeployedFunctions,
        journal: Journal,
        recorder: Recorder,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._model = Gateway(config, draw=os.urandom)
        self._journal = journal
        self._recorder = recorder
        self._clients: dict[str, Client] = {}
        self._invocations = RunningInvocations(
            functions, journal, recorder, self._finish
        )
        self._tasks = Tasks()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._is_closed = False

    def catch_up(self) -> None:
        """Do at once what has fallen due because the clock was advanced."""
        if self._timer is not None:
            self._timer.cancel()
        self._tick()

    @property
    def config(self) -> GatewayConfig:
        """The API, its stage, and how it behaves, as they are now."""
        return self._model.config

    def open_clients(self) -> Iterator[tuple[str, Client]]:
        """Yield all clients whose handshake has been accepted, by connection ID."""
        for connection_id, client in self._clients.items():
            if self._model.is_open(connection_id):
                yield connection_id, client

    def find_principal(self, connection_id: str) -> str | None:
        """Return whom the authorizer has taken a client for, if there is one."""
        return self._model.find_principal(connection_id)

    def deploy(self, config: GatewayConfig) -> None:
        """Switch to another configuration; clients stay connected."""
        self._model.deploy(config)

    def take_handshake(self, handshake: Handshake, socket: WebSocketConnection) -> str:
        """Process a handshake; its answer comes through the socket's `verdict`."""
        connection_id, effects = self._model.handshake(handshake, now=self._clock.now())
        self._clients[connection_id] = Client(socket)
        cause = self._recorder.add(
            "handshake", 0, measure_headers(handshake), connection_id, handshake
        )
        self._apply(effects, cause)
        return connection_id

    async def receive(self, connection_id: str, frame: DataFrame) -> None:
        """Process a frame, and wait until more may be read from the client."""
        client = self._clients.get(connection_id)
        if client is not None:
            client.count_received(frame)
        if client is None or not client.must_wait:
            self._receive(connection_id, frame)
            return
        if not client.is_holding:
            self._tasks.spawn(self._work_off(connection_id, client))
        client.hold(frame)
        await client.wait_for_space()

    def receive_ping(self, connection_id: str) -> None:
        """Process a ping."""
        self._apply(self._model.receive_ping(connection_id, now=self._clock.now()))

    def receive_close(self, connection_id: str, end: ConnectionEnd) -> None:
        """Process the end of a connection, unless the gateway itself ended it."""
        client = self._clients.get(connection_id)
        while client is not None and client.is_holding:
            # It was sent before the end, so AWS would have handled it before the end.
            self._receive(connection_id, client.take())
        cause = 0
        is_new = connection_id in self._clients and not self._is_closed
        if is_new and self._model.is_open(connection_id):
            close = Close(connection_id, _code_of(end), end.reason, end.fault)
            cause = self._close(close, by="gateway" if end.fault else "client")
        if connection_id in self._clients:
            self._forget(connection_id)
        self._apply(
            self._model.receive_close(
                connection_id, end.code, end.reason, now=self._clock.now()
            ),
            cause,
        )

    def manage(self, request: HttpRequest) -> ManagementResponse:
        """Answer a plain HTTP request, which goes to the Management API."""
        named = self._clients.get(request.last_segment)
        query = f"?{request.query}" if request.query else ""
        response, effects = self._model.manage(
            ManagementRequest(
                method=request.method,
                path=request.path + query,
                headers=request.first_headers,
                body=request.body,
                backlog_bytes=named.socket.backlog_bytes if named else 0,
            ),
            now=self._clock.now(),
        )
        cause = self._report(request, response)
        # A post is in the journal already.
        self._apply(effects, cause, is_post=True)
        return response

    def refuse(
        self, request: HttpRequest, response: ManagementResponse
    ) -> ManagementResponse:
        """Answer a request with an error that somebody has asked for."""
        self._report(request, response)
        return response

    def close_connection(self, connection_id: str) -> bool:
        """Close a connection as the server; return whether there was one."""
        if connection_id not in self._clients or not self._model.is_open(connection_id):
            return False
        self._apply(self._model.close(connection_id, now=self._clock.now()))
        return True

    def slow_connection(
        self, connection_id: str, bytes_per_second: float | None
    ) -> bool:
        """Have a client read slowly, or as before; return whether there was one."""
        if connection_id not in self._clients or not self._model.is_open(connection_id):
            return False
        self._clients[connection_id].socket.slow_down(bytes_per_second)
        return True

    def drop_connection(self, connection_id: str) -> bool:
        """Cut a client off, as if its network had gone; return whether it existed.

        Nobody is told: posts go on to be accepted until it has been idle for too long.
        """
        if connection_id not in self._clients or not self._model.is_open(connection_id):
            return False
        self._model.lose(connection_id)
        close = Close(connection_id, closecodes.ABNORMAL, "", "dropped on request")
        self._close(close, by="gateway")
        self._forget(connection_id).drop()
        return True

    def _report(self, request: HttpRequest, response: ManagementResponse) -> int:
        cause = self._recorder.find(request.header(TRACE_HEADER) or "")
        self._journal.log_managed(request, response, cause=cause)
        return self._recorder.add(
            "post",
            cause,
            len(request.body),
            request.method,
            request.last_segment,
            request.body,
            response.status,
            response.detail,
        )

    async def close(self) -> None:
        """Close all clients' connections and forget the invocations."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for connection_id, client in self._clients.items():
            client.socket.close(closecodes.GOING_AWAY, GOING_AWAY)
            if self._model.is_open(connection_id):
                close = Close(connection_id, closecodes.GOING_AWAY, GOING_AWAY)
                self._close(close, by="gateway")
        await self._tasks.close()
        await self._invocations.close()

    def _receive(self, connection_id: str, frame: DataFrame) -> None:
        self._journal.log_received(connection_id, frame)
        data = frame.data
        values = connection_id, data, frame.is_text, frame.is_final
        cause = self._recorder.add("frame", 0, len(data), *values)
        self._apply(
            self._model.receive(connection_id, frame, now=self._clock.now()), cause
        )

    async def _work_off(self, connection_id: str, client: Client) -> None:
        while client.is_holding and await client.wait_until_free():
            if client.is_holding:  # it may have left meanwhile
                self._receive(connection_id, client.take())

    def _apply(
        self, effects: Iterable[Effect], cause: int = 0, *, is_post: bool = False
    ) -> None:
        for effect in effects if not self._is_closed else ():
            match effect:
                case Invoke() | Withdraw():
                    self._apply_to_function(effect, cause)
                case Accept():
                    self._clients[effect.connection_id].socket.accept(effect.headers)
                    self._journal.log_opened(effect.connection_id)
                    self._recorder.add("opened", cause, 0, effect.connection_id)
                case Refuse():
                    self._forget(effect.connection_id).refuse(effect)
                    self._journal.log_refused(effect)
                    values = effect.connection_id, effect.status, effect.detail
                    self._recorder.add("refused", cause, 0, *values)
                case SendText():
                    self._send(effect, cause, is_post=is_post)
                case Close():
                    self._forget(effect.connection_id).close(effect.code, effect.reason)
                    # What follows is done because of it.
                    cause = self._close(effect, cause, by="gateway")
        self._set_timer()

    def _send(self, message: SendText, cause: int, *, is_post: bool) -> None:
        self._clients[message.connection_id].send(message.text)
        if not is_post:
            self._journal.log_sent(message)
        values = message.connection_id, message.text, message.detail
        self._recorder.add("sent", cause, len(message.text), *values)

    def _close(self, close: Close, cause: int = 0, *, by: str) -> int:
        self._journal.log_closed(close, by=by)
        return self._recorder.add("closed", cause, 0, close, by)

    def _apply_to_function(self, effect: Invoke | Withdraw, cause: int) -> None:
        if isinstance(effect, Invoke):
            self._count(effect.connection_id, 1)
            self._invocations.start(effect, cause)
        else:
            self._invocations.withdraw(effect.invocation_id)

    def _finish(self, invoke: Invoke, result: InvocationResult, number: int) -> None:
        self._count(invoke.connection_id, -1)
        self._apply(
            self._model.finish_invocation(
                invoke.invocation_id, result, now=self._clock.now()
            ),
            number,
        )

    def _forget(self, connection_id: str) -> WebSocketConnection:
        client = self._clients.pop(connection_id)
        client.forget()
        return client.socket

    def _count(self, connection_id: str, change: int) -> None:
        client = self._clients.get(connection_id)
        if client is not None:
            client.count(change)

    def _set_timer(self) -> None:
        deadline = self._model.next_deadline()
        # Nearly every message moves the deadline to later. A timer that comes too soon
        # sets the next one, which takes less than to set one for each message.
        if self._is_closed or deadline is None or deadline >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, deadline - self._clock.now())
        self._timer_at = deadline
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer_at = math.inf
        self._apply(self._model.tick(now=self._clock.now()))


def _code_of(end: ConnectionEnd) -> int:
    return closecodes.NO_CODE if end.code is None else end.code
