"""The gateway in the test's own process: handlers run in its thread and time."""

import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from wspubsub.errors import UsageError
from wspubsub.faults import Faults
from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.effects import Function, Invoke, ManagementResponse
from wspubsub.gateway.inputs import ManagementRequest
from wspubsub.testing.api import Api
from wspubsub.testing.clients import TestClient
from wspubsub.testing.declared import read_config, with_authorizer
from wspubsub.testing.failures import Failures
from wspubsub.testing.faults import find_shared
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
    the call that caused them returns (but see `side_by_side`); its time passes only in
    `advance`. Several threads may use it; one waits for the handlers of the other.

    What a handler posts through boto3 while it is invoked, or through
    `gateway.connections` at any time, reaches the clients of this gateway; the stage in
    the endpoint must be right, and the API too if the configuration names one. DynamoDB
    and SQS are not part of it: use what is in memory, or moto; `add_event_source` has
    their records invoke the handler.

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
        authorizer: The Lambda authorizer of `$connect`, if there is one; may be set
            later too.
        config: The API, its stage, and the switches for what AWS does not document. By
            default the API is what the handler declares, see `read_config`.
        start_time: The time at the beginning, in seconds since the epoch.
        raise_errors: Whether an error in a handler is raised where the test caused it,
            unless it is expected, see `expect_error`. Otherwise it is only recorded and
            logged.
        seed: Makes other connection IDs than those of another gateway of the same API.
        faults: Rules of what fails; a store takes the same ones. By default those of
            the fixture `wspubsub_aws` where that is in use, and none elsewhere.

    Attributes:
        faults: Rules of what fails: posts, functions, the authorizer, and what else
            has the same ones.
        connections: The Management API, for the publisher of the handler under test;
            its `throttle` and `fail` make posts fail.
        invocations: Every invocation that has finished, in order.
    """

    def __init__(
        self,
        handler: LambdaHandler | None = None,
        *,
        authorizer: LambdaHandler | None = None,
        config: GatewayConfig | None = None,
        start_time: float = START_TIME,
        raise_errors: bool = True,
        seed: int = 0,
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or find_shared() or Faults()
        self.faults.wait = self._pass
        self._is_declared = config is None
        config = self._given = with_authorizer(config or GatewayConfig(), authorizer)
        self._functions = Functions(
            self.now,
            self.serving,
            self._pass,
            authorizer=authorizer,
            faults=self.faults,
        )
        self.invocations = self._functions.invocations
        self._failures = Failures(is_raising=raise_errors)
        self._api = Api(
            config,
            start_time=start_time,
            seed=seed,
            run=self._run,
            last_failure=lambda: repr(self.errors[-1]) if self.errors else "",
            faults=self.faults,
            wait=self._pass,
        )
        self.connections = GatewayConnections(
            config.stage, self.manage, self._pass, self.faults
        )
        self._sources = GatewaySources()
        self.handler = handler
        interception.install()

    @property
    def handler(self) -> LambdaHandler | None:
        """The Lambda handler."""
        return self._functions.handler

    @handler.setter
    def handler(self, handler: LambdaHandler | None) -> None:
        self._functions.handler = handler
        self._deploy()

    @property
    def authorizer(self) -> LambdaHandler | None:
        """The Lambda authorizer."""
        return self._functions.authorizer

    @authorizer.setter
    def authorizer(self, authorizer: LambdaHandler | None) -> None:
        self._functions.authorizer = authorizer
        self._given = with_authorizer(self._given, authorizer)
        self._deploy()

    @property
    def config(self) -> GatewayConfig:
        """The API, its stage, and the switches."""
        return self._api.model.config

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return self._api.model.connection_count

    @property
    def errors(self) -> list[Exception]:
        """What has failed in handlers, expected or not, in order."""
        return [error for each in self.invocations for error in each.errors]

    def now(self) -> float:
        """Return the gateway's time, in seconds since the epoch."""
        return self._api.time

    def is_open(self, connection_id: str) -> bool:
        """Return whether a connection exists."""
        return self._api.model.is_open(connection_id)

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
            UsageError: There is no handler or no authorizer, or this is called by a
                handler.
        """
        self._check_idle("connect a client to")
        if self.config.has_authorizer and self.authorizer is None:
            raise UsageError(
                "the configuration has an authorizer, but none was given; pass "
                "authorizer=, or set gateway.authorizer"
            )
        request = handshake(
            self.config,
            path=path,
            query=query,
            headers=headers,
            subprotocols=subprotocols,
            source_ip=source_ip,
        )
        return self._api.connect(request)

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
        with self._api.work.turn():
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
        with self._api.work.turn():
            self._deliver(self._sources)

    def expect_error(
        self, kind: type[Exception] = Exception, *, match: str = ""
    ) -> AbstractContextManager[None]:
        """Expect a handler to fail while a `with` block runs.

        Its errors of that kind are not raised in the test, so the client sees what it
        would see on AWS.

        Args:
            kind: What it raises, or what a `PubSub` logs as the failure of a rule.
            match: Regular expression that is found in the text of the error.

        Raises:
            NoErrorError: None has failed so, at the end of the block.
        """
        return self._failures.expect(kind, match)

    def side_by_side(self, *, seed: int = 0) -> AbstractContextManager[None]:
        """Run the handlers of what is sent in a `with` block at the same time.

        On AWS each message has an environment of its own, even two of one client. Here
        they take turns: one runs until it is about to call boto3, `connections` or a
        `ScriptedStore`, where another one may go on. They have run when the block ends.

        Args:
            seed: Determines whose turn it is each time.

        Raises:
            UsageError: This is called by a handler, or within another such block.
        """
        return self._api.work.side_by_side(seed)

    def manage(self, request: ManagementRequest) -> ManagementResponse:
        """Answer a request to the Management API."""
        return self._api.manage(request)

    def serving(self) -> AbstractContextManager[None]:
        """Answer boto3's Management API requests while a `with` block runs.

        Handlers are served while they are invoked; this is for what a test itself
        posts through boto3, in place of another Lambda function, and for an API whose
        clients the handler of another one posts to: the endpoint says which.
        """
        return interception.by(self.config, self.manage)

    def _deploy(self) -> None:
        config = self._given
        if self._is_declared:
            config = read_config(self.handler, config)
        self._api.model.deploy(config)

    def _check_idle(self, what: str) -> None:
        if self._api.work.is_in_handler or self._api.work.is_held:
            raise UsageError(
                f"a handler cannot {what} its own gateway, nor can a block whose "
                "handlers run side by side; do so before or after"
            )
        if self.handler is None:
            raise UsageError("set the handler first: gateway.handler = router")

    def _pass(self, seconds: float) -> None:
        until = self._api.time + seconds
        # A handler that waits does so in here; meanwhile nothing is delivered.
        sources = GatewaySources() if self._api.work.is_running else self._sources
        self._deliver(sources)
        while (at := sources.earliest(self._api.model.next_deadline())) <= until:
            self._api.tick(at)
            self._deliver(sources)
        self._api.time = max(self._api.time, until)

    def _deliver(self, sources: GatewaySources) -> None:
        while (due := sources.next_batch(self._api.time)) is not None:
            self._api.work.add(due)
            self._api.work.drain()

    def _run(self, work: Invoke | Due) -> Exception | None:
        record = self._invoke(work)
        return self._failures.judge(record.errors)

    def _invoke(self, work: Invoke | Due) -> InvocationRecord:
        if isinstance(work, Due):
            id_ = str(uuid.UUID(bytes=self._api.draw(16), version=4))
            record = self._functions.invoke(
                self.config,
                Function.HANDLER,
                {"Records": [*work.records]},
                id_,
                handler=work.handler,
            )
            work.source.finish(record.outcome, self._api.time)
            return record
        id_ = work.invocation_id
        record = self._functions.invoke(self.config, work.function, work.event, id_)
        self._api.finish(id_, record.outcome)
        return record
