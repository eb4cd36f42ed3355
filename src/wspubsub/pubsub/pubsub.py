"""The application: topics with rules, and the Lambda handler that serves them."""

import os
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Self

from wspubsub.connections import Connections
from wspubsub.delivery import TIMEOUT_SECONDS
from wspubsub.errors import UsageError
from wspubsub.events import ConnectEvent, DisconnectEvent, Event, MessageEvent
from wspubsub.messages import Json
from wspubsub.pipeline import CallNext, call
from wspubsub.pubsub.broadcaster import Broadcaster
from wspubsub.pubsub.caller import Caller, Services, decode_info
from wspubsub.pubsub.execution import execute_frame
from wspubsub.pubsub.frames import SKIP_PUSH
from wspubsub.pubsub.handshakes import Handshakes
from wspubsub.pubsub.limits import Limits, Throttle
from wspubsub.pubsub.refusals import DisconnectError
from wspubsub.pubsub.registration import MakeLog, MakeQueue, Registration
from wspubsub.pubsub.replies import Answers, Replies, send_away
from wspubsub.pubsub.requests import Departure
from wspubsub.pubsub.server import Server
from wspubsub.responses import Response
from wspubsub.router import Router
from wspubsub.selection import CONNECT, DEFAULT, DISCONNECT
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Session

if TYPE_CHECKING:
    from wspubsub.pubsub.stays import Stays


class PubSub(Registration, Server):
    """A real-time back end: topics with rules, for clients that others maintain.

    It speaks Centrifugo's client protocol in JSON, and is the Lambda handler of the
    routes `$default` and `$disconnect`, and of `$connect` where `keep` or `origins`
    are given. `$default` must be two-way unless `replies` is `post`. Whatever no rule
    allows is refused.

    Args:
        members: Who is connected and subscribed.
        connections: How a message reaches a connection.
        log: Makes the log that keeps the history of topics; needed where one has
            `history`.
        queue: Makes the queue through which leaves are said later, such as
            `partial(Queue, url)`; needed where a topic has `grace_seconds`.
        router: Takes the routes; one of its own if None. Handlers that are registered
            on it for other routes go on working. Where API Gateway has only `$default`,
            clients of theirs that expect nothing get a push that SDKs pass over.
        keep: Headers and query string parameters of the handshake that connect rules
            need, such as `["Cookie", "?room"]`. They are stored with the connection.
        origins: Origins whose pages may connect, such as `["https://example.com"]`;
            needed where cookies are kept, since a page of anybody may connect with
            them.
        replies: How replies travel: `route`, as the response of a two-way route, or
            `post`.
        by_stream: Whether the table's stream carries the messages of topics with
            history.
        limits: How much a client may ask for.
        timeout_seconds: Longest time that a publish may take, if the call does not say.
        now: Clock, in seconds since the epoch.
        clock: Monotonic clock in seconds.

    Attributes:
        router: The router that has the routes.

    Raises:
        UsageError: An argument is not what it must be, or the router has one of the
            routes already.
    """

    def __init__(
        self,
        members: MemberStore,
        connections: Connections,
        *,
        log: MakeLog | None = None,
        queue: MakeQueue | None = None,
        router: Router | None = None,
        keep: Collection[str] = (),
        origins: Collection[str] | None = None,
        replies: Replies = "route",
        by_stream: bool = False,
        limits: Limits | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if replies not in {"route", "post"}:
            raise UsageError(f"replies must be 'route' or 'post', not {replies!r:.80}")
        super().__init__(log, queue)
        self.router = Router() if router is None else router
        self._members = members
        self._connections = connections
        self._handshakes = Handshakes(keep, origins)
        self._replies: Replies = replies
        self._by_stream = self._takes_stream = by_stream
        self._limits = limits or Limits()
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._clock = clock
        self._add_routes()
        # Decorators for Lambda handlers ask for the name of the function.
        self.__name__ = self.__qualname__ = "pubsub"

    @classmethod
    def from_environment(
        cls,
        *,
        router: Router | None = None,
        keep: Collection[str] = (),
        origins: Collection[str] | None = None,
        replies: Replies = "route",
        limits: Limits | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        wrap_connections: Callable[[Connections], Connections] = lambda each: each,
    ) -> Self:
        """Return an application on AWS, or behind `wspubsub dev`.

        It keeps members and logs in the table `WSPUBSUB_TABLE`, and posts through the
        endpoint `WSPUBSUB_ENDPOINT`. Where `WSPUBSUB_STREAM` is set, the table's stream
        invokes the function as well, and carries the messages of topics with history.
        The queue `WSPUBSUB_QUEUE` is used where a topic has `grace_seconds`. The
        arguments are those of `PubSub`; and `wrap_connections`, such as
        `Metrics.count_posts`, is given what posts, and returns what does so instead.

        Raises:
            UsageError: A variable is missing, or an argument is not what it must be.
        """
        from wspubsub.pubsub.environment import read_environment

        parts = read_environment(os.environ)
        made = cls(
            parts.members,
            wrap_connections(parts.connections),
            log=parts.log,
            queue=parts.queue,
            by_stream=parts.by_stream,
            router=router,
            keep=keep,
            origins=origins,
            replies=replies,
            limits=limits,
            timeout_seconds=timeout_seconds,
        )
        # Also where it is not wired yet: tools learn by this that it should be.
        made._takes_stream = True
        return made

    def __call__(self, event: object, context: object = None) -> Json:
        """Handle one Lambda invocation; this is the Lambda handler.

        Raises:
            EventError: It is neither an event of a WebSocket API nor one of the table's
                stream or the queue, where those are used.
            Exception: Whatever a handler of the router's has raised, and no exception
                handler took.
        """
        has_sources = self._has_grace or (self._by_stream and self._has_history)
        if has_sources and not _is_of_gateway(event):
            return self._sources(event, context)
        return self.router(event, context)

    @property
    def event_sources(self) -> frozenset[str]:
        """What should invoke the function besides API Gateway, `stream` or `queue`.

        Where a topic has history, the table's stream; an application that was
        constructed with parts of its own says with `by_stream` whether it has one.
        Where a topic has `grace_seconds`, the queue. `wspubsub template`, `check` and
        `dev` read it.
        """
        needs_stream = self._takes_stream and self._has_history
        needs = {"stream": needs_stream, "queue": self._has_grace}
        return frozenset(source for source, is_needed in needs.items() if is_needed)

    @property
    def table_uses(self) -> frozenset[str]:
        """What the table is for, `members` and where a topic has history, `history`.

        Tools read it.
        """
        return frozenset({"members", "history"} if self._has_history else {"members"})

    @property
    def needs_connect(self) -> bool:
        """Whether the API needs a route `$connect`, which costs an invocation each.

        It does where a handler or middleware of others is called for it. Tools read it.
        """
        has_others = self.router.middleware_functions != (self._handle,)
        return has_others or CONNECT in self.router.route_keys

    # What API Gateway invokes.

    def _add_routes(self) -> None:
        self.router.default(two_way=self._replies == "route")(self._take_message)
        if DISCONNECT not in self.router.route_keys:
            self.router.disconnect(_accept)
        if self._handshakes.is_needed and CONNECT not in self.router.route_keys:
            self.router.connect(_accept)
        # As middleware, so that other handlers of these routes are called as well.
        self.router.middleware(self._handle)

    def _handle(self, event: Event, call_next: CallNext) -> Response:
        if isinstance(event, ConnectEvent):
            self._handshakes.check(event)
            response = call_next(event)
            if response.status_code < _FIRST_REFUSAL:
                self._handshakes.store(event, self._members.connect)
            return response
        if isinstance(event, DisconnectEvent):
            ended = self._members.end_session(event.connection_id)
            self._app.broadcaster.tell_ended(ended)
        response = call_next(event)
        if isinstance(event, MessageEvent) and not response.body:
            return response if _has_own_route(event) else Response(SKIP_PUSH)
        return response

    def _take_message(self, event: MessageEvent) -> str:
        caller = Caller(self._app, event)
        try:
            replies = execute_frame(caller)
        except DisconnectError as away:
            send_away(self._app, event.connection_id, away.code)
            return SKIP_PUSH
        answers = Answers(self._app, self._replies)
        return answers.give(event.connection_id, replies, caller.read_again)

    def _call_on_gone(self, session: Session, topics: frozenset[str]) -> None:
        rule = self._rules.get("gone")
        if callable(rule):
            departure = Departure(
                connection_id=session.connection_id,
                user=session.user,
                info=decode_info(session),
                topics=topics,
            )
            call(rule, departure)

    @cached_property
    def _sources(self) -> Callable[[object, object], Json]:
        from wspubsub.pubsub.sources import make_sources

        return make_sources(self.router, self._app.broadcaster)

    def _make_stays(self) -> "Stays | None":
        if not self._has_grace or self._make_queue is None:
            return None
        from wspubsub.pubsub.stays import Stays

        return Stays(self._members, self._make_queue, self._topics.find_grace)

    @cached_property
    def _app(self) -> Services:
        log = None
        if self._has_history and self._make_log is not None:
            log = self._make_log(history=self._topics.find_history)
        broadcaster = Broadcaster(
            self._members,
            self._connections,
            topic_log=log,
            by_stream=self._by_stream and log is not None,
            owns=self._topics.has,
            announces=self._topics.is_announced,
            on_gone=self._call_on_gone,
            stays=self._make_stays(),
            timeout_seconds=self._timeout_seconds,
            now=self._now,
            clock=self._clock,
        )
        return Services(
            topics=self._topics,
            rules=self._rules,
            methods=self._methods,
            members=self._members,
            log=log,
            broadcaster=broadcaster,
            limits=self._limits,
            throttle=Throttle(self._limits.publications_per_second, self._clock),
            keeps_handshakes=self._handshakes.keeps,
            now=self._now,
        )


_FIRST_REFUSAL = 300


def _accept(_event: Event) -> None:
    """Do nothing: the middleware has done it."""


def _is_of_gateway(event: object) -> bool:
    return isinstance(event, Mapping) and "requestContext" in event


def _has_own_route(event: MessageEvent) -> bool:
    """Return whether API Gateway has selected a route of a handler's own."""
    context = event.raw.get("requestContext", {})
    return bool(context.get("routeKey", DEFAULT) != DEFAULT)
