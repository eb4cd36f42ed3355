"""The gateway in the test's own process: handlers run in its thread and time."""

import random
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from threading import RLock
from urllib.parse import unquote

from wspubsub.errors import UsageError
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import (
    Accept,
    Close,
    Effect,
    Function,
    Invoke,
    ManagementResponse,
    Refuse,
    SendText,
    Withdraw,
)
from wspubsub.gateway.inputs import DataFrame, ManagementRequest
from wspubsub.gateway.model import Gateway
from wspubsub.testing.clients import TestClient
from wspubsub.testing.declared import read_config, with_authorizer
from wspubsub.testing.errors import HandshakeRefused
from wspubsub.testing.faults import Faults, error_type
from wspubsub.testing.functions import Functions, InvocationRecord, LambdaHandler
from wspubsub.testing.handshakes import Query, handshake
from wspubsub.testing.interception import interception
from wspubsub.testing.management import GatewayConnections
from wspubsub.testing.sources import Due, EventSource, GatewaySources

START_TIME = 1_767_225_600.0
"""Midnight of 1 January 2026, UTC, in seconds since the epoch."""


class InProcessGateway:
    """A WebSocket API whose handler is a function of this process.

    It keeps the rules of API Gateway: events, frames, quotas, timeouts, refusals, the
    Management API. Handlers run one after the other in the caller's thread, before
    the call that caused them returns; its time passes only in `advance`.

    What a handler posts through boto3 while it is invoked, or through
    `gateway.connections` at any time, reaches the clients of this gateway. DynamoDB and
    SQS are not part of it: use what is in memory, or moto; `add_event_source` has their
    records invoke the handler.

    Example:
        >>> gateway = InProcessGateway()
        >>> store = MemorySubscriptionStore()
        >>> publisher = Publisher(store, gateway.connections)
        >>> router = Router()
        >>> @router.default
        ... def echo(event):
        ...     publisher.post(event.connection_id, event.body)
        >>> gateway.handler = router
        >>> client = gateway.connect(query={"room": "b"})
        >>> client.send("hello")
        >>> client.receive()
        'hello'
        >>> gateway.advance(minutes=10)
        >>> client.close_code
        1001

    Args:
        handler: The Lambda handler; may be set later, before somebody connects.
        authorizer: The Lambda authorizer of `$connect`, if there is one.
        config: The API, its stage, and the switches for what AWS does not document. By
            default the API is what the handler declares, see `read_config`.
        start_time: The time at the beginning, in seconds since the epoch.
        raise_errors: Whether an error in a handler is raised where the test caused it.
            Otherwise it is only recorded and logged, and the client sees what it
            would see on AWS.
        seed: Makes other connection IDs than those of another gateway.

    Attributes:
        connections: The Management API, for the publisher of the handler under test;
            its `throttle` and `fail` make posts fail.
        invocations: Every invocation that has finished, in order.

    Raises:
        UsageError: The configuration has an authorizer, and none is given.
    """

    def __init__(
        self,
        handler: LambdaHandler | None = None,
        *,
        authorizer: LambdaHandler | None = None,
        config: GatewayConfig | None = None,
        start_time: float = START_TIME,
        raise_errors: bool = False,
        seed: int = 0,
    ) -> None:
        self._is_declared = config is None
        config = self._given = with_authorizer(config or GatewayConfig(), authorizer)
        self._now = start_time
        self._functions = Functions(self.now, self.serving, authorizer=authorizer)
        self.invocations = self._functions.invocations
        self._raises_errors = raise_errors
        self._draw = random.Random(seed).randbytes  # noqa: S311 - IDs, not secrets
        self._model = Gateway(config, draw=self._draw)
        self._faults = Faults()
        self.connections = GatewayConnections(
            config.stage, self.manage, self._pass, self._faults
        )
        self._clients: dict[str, TestClient] = {}
        self._outcomes: dict[str, Accept | Refuse] = {}
        self._queue: deque[Invoke | Due] = deque()
        self._sources = GatewaySources()
        self._is_running = False
        # A handler's pool may call boto3 from its threads.
        self._lock = RLock()
        self.handler = handler
        interception.install()

    @property
    def handler(self) -> LambdaHandler | None:
        """The Lambda handler."""
        return self._functions.handler

    @handler.setter
    def handler(self, handler: LambdaHandler | None) -> None:
        self._functions.handler = handler
        if self._is_declared:
            self._model.deploy(read_config(handler, self._given))

    @property
    def config(self) -> GatewayConfig:
        """The API, its stage, and the switches."""
        return self._model.config

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return self._model.connection_count

    @property
    def errors(self) -> list[Exception]:
        """The exceptions that handlers have raised, in order."""
        return [each.error for each in self.invocations if each.error is not None]

    def now(self) -> float:
        """Return the gateway's time, in seconds since the epoch."""
        return self._now

    def is_open(self, connection_id: str) -> bool:
        """Return whether a connection exists."""
        return self._model.is_open(connection_id)

    def connect(
        self,
        *,
        path: str | None = None,
        query: Query = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Iterable[str] = (),
        source_ip: str = "127.0.0.1",
    ) -> TestClient:
        """Connect a client and return it.

        Args:
            path: Another path than that of the stage.
            query: Query string, or names and values; a list of values repeats a name.
            headers: Handshake headers besides those of RFC 6455.
            subprotocols: What the client offers, in order.
            source_ip: The client's address.

        Raises:
            HandshakeRefused: The handshake was answered with another status than 101.
            UsageError: There is no handler, or this is called by one.
        """
        self._check_idle("connect a client to")
        request = handshake(
            self.config,
            path=path,
            query=query,
            headers=headers,
            subprotocols=subprotocols,
            source_ip=source_ip,
        )
        with self._lock:
            connection_id, effects = self._model.handshake(request, now=self._now)
            client = self._clients[connection_id] = TestClient(connection_id, self)
            self._apply(effects)
        self._drain()
        outcome = self._outcomes.pop(connection_id)
        if isinstance(outcome, Refuse):
            del self._clients[connection_id]
            raise HandshakeRefused(outcome.status, outcome.body, outcome.detail)
        return client

    def advance(
        self, *, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let time pass; every timeout that falls due fires in order, at its time.

        Raises:
            UsageError: Time would run backwards.
        """
        duration = (hours * 60 + minutes) * 60 + seconds
        if duration < 0:
            raise UsageError(
                f"cannot go back in time by {-duration:g} s; pass a duration of "
                "0 or more"
            )
        self._pass(duration)

    def add_event_source(
        self, source: EventSource, handler: LambdaHandler | None = None
    ) -> None:
        """Let a stream or a queue invoke a function, as an event source mapping does.

        Args:
            source: A `StreamSource` or a `QueueSource`, such as `MemoryTable.stream`.
            handler: The function; that of the gateway by default.
        """
        self._sources.add(source, handler)

    def run_event_sources(self) -> None:
        """Deliver the records of streams and queues, until nothing more is due.

        What handlers write and send meanwhile is delivered too. A batch that fails is
        redelivered as time passes: in `advance`, which also delivers what is due.

        Raises:
            UsageError: There is no handler, or this is called by one.
        """
        self._check_idle("deliver records to")
        self._deliver(self._sources)

    def manage(self, request: ManagementRequest) -> ManagementResponse:
        """Answer a request to the Management API."""
        connection_id = unquote(request.path.rpartition("/")[2])
        with self._lock:
            fault = self._faults.next(connection_id)
            if fault is not None:
                headers = {"x-amzn-errortype": error_type(fault)}
                return ManagementResponse(status=fault, headers=headers)
            response, effects = self._model.manage(request, now=self._now)
            self._apply(effects)
        self._drain()
        return response

    def serving(self) -> AbstractContextManager[None]:
        """Answer boto3's Management API requests while a `with` block runs.

        Handlers are served while they are invoked; this is for what a test itself
        posts through boto3, in place of another Lambda function.
        """
        return interception.by(self.config.stage, self.manage)

    def take_frame(self, connection_id: str, frame: DataFrame) -> None:
        """Receive a data frame; `TestClient` calls this."""
        with self._lock:
            self._apply(self._model.receive(connection_id, frame, now=self._now))
        self._drain()

    def take_ping(self, connection_id: str) -> None:
        """Receive a ping; `TestClient` calls this."""
        with self._lock:
            self._apply(self._model.receive_ping(connection_id, now=self._now))

    def take_close(self, connection_id: str, code: int | None, reason: str) -> None:
        """Receive the end of a connection; `TestClient` calls this."""
        with self._lock:
            self._apply(
                self._model.receive_close(connection_id, code, reason, now=self._now)
            )
        self._drain()

    def last_failure(self) -> str:
        """Return the last error of a handler; empty if there was no error."""
        return repr(self.errors[-1]) if self.errors else ""

    def _check_idle(self, what: str) -> None:
        if self._is_running:
            raise UsageError(
                f"a handler cannot {what} its own gateway; do so before or after"
            )
        if self.handler is None:
            raise UsageError("set the handler first: gateway.handler = router")

    def _pass(self, seconds: float) -> None:
        until = self._now + seconds
        # A handler that waits does so in here; meanwhile nothing is delivered.
        sources = GatewaySources() if self._is_running else self._sources
        self._deliver(sources)
        while (at := sources.earliest(self._model.next_deadline())) <= until:
            with self._lock:
                self._now = max(self._now, at)
                self._apply(self._model.tick(now=self._now))
            self._drain()
            self._deliver(sources)
        self._now = max(self._now, until)

    def _deliver(self, sources: GatewaySources) -> None:
        while (due := sources.next_batch(self._now)) is not None:
            self._queue.append(due)
            self._drain()

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Invoke():
                    self._queue.append(effect)
                case Withdraw():
                    pass  # on AWS it would have begun: it waits for this thread only
                case Accept(connection_id=connection_id, headers=headers):
                    self._outcomes[connection_id] = effect
                    self._clients[connection_id].take_accept(headers)
                case Refuse(connection_id=connection_id):
                    self._outcomes[connection_id] = effect
                case SendText(connection_id=connection_id, text=text):
                    self._clients[connection_id].take_message(text)
                case Close(connection_id=connection_id, code=code, reason=reason):
                    self._clients[connection_id].take_close(code, reason)

    def _drain(self) -> None:
        with self._lock:
            if self._is_running:
                return
            self._is_running = True
        raised = None
        try:
            while self._queue:
                record = self._run(self._queue.popleft())
                raised = raised or record.error
        finally:
            self._is_running = False
        if raised is not None and self._raises_errors:
            raise raised

    def _run(self, work: Invoke | Due) -> InvocationRecord:
        if isinstance(work, Due):
            id_ = str(uuid.UUID(bytes=self._draw(16), version=4))
            record = self._functions.invoke(
                self.config,
                Function.HANDLER,
                {"Records": [*work.records]},
                id_,
                handler=work.handler,
            )
            work.source.finish(record.outcome, self._now)
            return record
        id_ = work.invocation_id
        record = self._functions.invoke(self.config, work.function, work.event, id_)
        with self._lock:
            self._apply(
                self._model.finish_invocation(id_, record.outcome, now=self._now)
            )
        return record
