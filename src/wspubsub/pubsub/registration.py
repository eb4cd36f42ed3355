"""What a user registers on an application: topics, rules and methods."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from wspubsub.errors import UsageError
from wspubsub.pubsub.patterns import Pattern
from wspubsub.pubsub.rules import (
    SUBSCRIBERS,
    Mode,
    Rule,
    RuleT,
    Topic,
    Topics,
    check_rule,
)

if TYPE_CHECKING:
    from wspubsub.log.histories import Histories
    from wspubsub.log.port import TopicLog
    from wspubsub.log.rules import History


class MakeLog(Protocol):
    """Creates the log: `MemoryTopicLog`, or `partial(DynamoDBTopicLog, "table")`."""

    def __call__(self, *, history: "Histories") -> "TopicLog":
        """Return a log that keeps what `history` says for each topic."""
        ...


class DelayQueue(Protocol):
    """The part of a `Queue` that leaves which are said later need."""

    def send(self, bodies: Iterable[str], *, delay_seconds: int = 0) -> object:
        """Send messages that stay invisible for some time."""
        ...


MakeQueue = Callable[[], DelayQueue]
"""Makes the queue when it is needed, such as `partial(Queue, url)`."""


class Registration:
    """The part of `PubSub` that takes topics, rules and methods.

    Args:
        make_log: Makes the log; None where no topic can have a history.
        make_queue: Makes the queue; None where no topic can have a period of grace.
    """

    def __init__(self, make_log: MakeLog | None, make_queue: MakeQueue | None) -> None:
        self._make_log = make_log
        self._make_queue = make_queue
        self._topics = Topics()
        self._rules: dict[str, Rule] = {}
        self._methods: dict[str, Callable[..., Any]] = {}
        self._has_history = False
        self._has_grace = False

    def topic(
        self,
        pattern: str,
        *,
        history: "History | None" = None,
        presence: bool = False,
        join_leave: bool = False,
        grace_seconds: float | None = None,
        mode: Mode = "stream",
    ) -> Topic:
        """Declare the topics that match a pattern, such as `room:{room_id}`.

        Rules are put on what it returns. A variable in the pattern stands for one or
        more characters other than a colon, up to the next colon or the end.

        Args:
            pattern: The pattern.
            history: How much of each topic is kept; None to keep nothing.
            presence: Whether subscribers may ask who is there (+1 write for each
                subscribe and unsubscribe).
            join_leave: Whether subscribers are told who comes and goes (the same
                write, and a post to each subscriber).
            grace_seconds: With `join_leave`, inform them by user: one has joined with
                the first of the user's connections, and has left when none of them has
                been there for this time, 1 to 900 seconds. Whoever is back before that
                has not left. It needs a queue. With None, each connection joins and
                leaves, at once.
            mode: What a subscriber that comes back gets of the history: `stream` for
                all that it has missed, `cache` for the newest message, also at first,
                and None for nothing.

        Raises:
            UsageError: The pattern cannot be read or overlaps another one, there is no
                log for the history or no queue for `grace_seconds`, or that is not from
                1 to 900 or without `join_leave`.
        """
        if history is not None and self._make_log is None:
            raise UsageError(
                f"topic pattern {pattern!r} has a history; pass log= to PubSub, "
                "such as MemoryTopicLog or partial(DynamoDBTopicLog, table)"
            )
        if grace_seconds is not None:
            self._check_grace(pattern, grace_seconds, join_leave=join_leave)
        topic = Topic(
            Pattern(pattern),
            history=history,
            presence=presence,
            join_leave=join_leave,
            grace_seconds=grace_seconds,
            mode=mode,
        )
        self._topics.add(topic)
        self._has_history |= history is not None
        self._has_grace |= grace_seconds is not None
        return topic

    def connect(self, rule: RuleT) -> RuleT:
        """Register who may connect: a function, or `ANYONE` for anonymous users too.

        The function takes a `ConnectRequest` and returns a `User`. To refuse, raise
        `Unauthorized`, `TokenExpired` or `CommandError`. It is called again when a
        client brings a new token.

        Raises:
            UsageError: There is a rule already.
        """
        if rule is SUBSCRIBERS:
            raise UsageError("SUBSCRIBERS is a rule for topics; use ANYONE")
        return self._register("connect", rule)

    def on_message(self, function: RuleT) -> RuleT:
        """Register a function that is called with a `SendRequest`: what clients `send`.

        Without it a client that does is disconnected with code 3508.

        Raises:
            UsageError: There is one already.
        """
        return self._register_function("send", function)

    def on_gone(self, function: RuleT) -> RuleT:
        """Register a function to call with a `Departure` when a connection has ended.

        It is called at most once for each connection that has connected: where
        `$disconnect` says so, or by the function that finds the connection gone when
        it posts to it. What it raises is logged.

        Raises:
            UsageError: There is one already.
        """
        return self._register_function("gone", function)

    def rpc(self, name: str) -> Callable[[RuleT], RuleT]:
        """Register a method that clients may call, by its name.

        The function takes an `RpcRequest` and returns JSON data for the reply.

        Raises:
            UsageError: The name is not text, or has a function already.
        """
        given: object = name
        if not isinstance(given, str) or not given:
            raise UsageError('the method name is missing; use @pubsub.rpc("vote")')

        def decorate(function: RuleT) -> RuleT:
            if name in self._methods:
                raise UsageError(f"method {name!r} already has a function")
            if not callable(function):
                raise UsageError(
                    f"method {name!r} must be a function, not {function!r:.80}"
                )
            self._methods[name] = function
            return function

        return decorate

    def _check_grace(self, pattern: str, seconds: float, *, join_leave: bool) -> None:
        from wspubsub.pubsub.stays import MAX_GRACE_SECONDS

        # True is an int as well.
        is_number = type(seconds) in {int, float}
        if not is_number or not 1 <= seconds <= MAX_GRACE_SECONDS:
            raise UsageError(
                f"grace_seconds must be from 1 to {MAX_GRACE_SECONDS}, not "
                f"{seconds!r:.80}"
            )
        if not join_leave:
            raise UsageError(
                f"topic pattern {pattern!r} has grace_seconds, but nobody is told who "
                "leaves; add join_leave=True"
            )
        if self._make_queue is None:
            raise UsageError(
                f"topic pattern {pattern!r} has grace_seconds; pass queue= to PubSub, "
                "such as partial(Queue, url)"
            )

    def _register_function(self, name: str, function: RuleT) -> RuleT:
        if not callable(function):
            raise UsageError(f"on_… registers a function, not {function!r:.80}")
        return self._register(name, function)

    def _register(self, name: str, rule: RuleT) -> RuleT:
        if name in self._rules:
            raise UsageError(f"there is already a {name} rule")
        check_rule(rule, f"{name} rule")
        self._rules[name] = rule
        return rule
