"""Topics with their rules: who may do what, and what is kept of each topic.

Whatever no rule allows is refused.
"""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from wspubsub.errors import UsageError
from wspubsub.pubsub.patterns import Pattern, check_overlap, check_parameters

if TYPE_CHECKING:
    from wspubsub.log.rules import History


class Access(Enum):
    """A rule that is not a function."""

    ANYONE = "anyone"
    """Every connection, including anonymous ones."""
    SUBSCRIBERS = "subscribers"
    """Connections that are subscribed to the topic."""
    SERVER = "server"
    """No client; only the application's own code."""


ANYONE, SUBSCRIBERS, SERVER = Access.ANYONE, Access.SUBSCRIBERS, Access.SERVER

# What a rule returns is looked at when it has been called.
Rule = Callable[..., Any] | Access
# A decorator must hand back exactly the function it was given.
RuleT = TypeVar("RuleT", bound=Rule)

Mode = Literal["stream", "cache"] | None


class Topic:
    """The topics that match a pattern: `PubSub.topic` returns it to put rules on.

    Attributes:
        pattern: The pattern.
        history: How much of each topic's log is kept; None without a log.
        presence: Whether subscribers may ask who is there.
        join_leave: Whether subscribers are told who comes and goes.
        grace_seconds: How long a user may be away before the others are told; None to
            tell them of each connection at once.
        mode: What a subscriber that comes back gets: `stream` for all that it missed,
            `cache` for the newest message, None for nothing.
    """

    def __init__(
        self,
        pattern: Pattern,
        *,
        history: "History | None",
        presence: bool,
        join_leave: bool,
        grace_seconds: float | None,
        mode: Mode,
    ) -> None:
        if mode not in {"stream", "cache", None}:
            raise UsageError(
                f"mode must be 'stream', 'cache' or None, not {mode!r:.80}"
            )
        self.pattern = pattern
        self.history = history
        self.presence = presence
        self.join_leave = join_leave
        self.grace_seconds = grace_seconds
        self.mode: Mode = mode if history is not None else None
        self._rules: dict[str, Rule] = {}

    def subscribe(self, rule: RuleT) -> RuleT:
        """Register who may subscribe: a function, or `ANYONE`.

        The function takes a `SubscribeRequest` and the pattern's variables. What it
        returns is the reply's `data`; to limit the time, return `Subscribed`. To
        refuse, raise `Forbidden`, `Unauthorized`, `TokenExpired` or `CommandError`.

        Raises:
            UsageError: There is a rule already, or the function cannot be called so.
        """
        if rule is SUBSCRIBERS:
            raise UsageError(
                "SUBSCRIBERS cannot be the subscribe rule, because nobody is "
                "subscribed yet; use ANYONE"
            )
        return self._register("subscribe", rule)

    def publish(self, rule: RuleT) -> RuleT:
        """Register who may publish: a function, `SUBSCRIBERS` or `ANYONE`.

        The function takes a `PublishRequest` and the pattern's variables. What it
        returns is published; None publishes what the client sent. To refuse, raise
        as in a subscribe rule.

        Raises:
            UsageError: There is a rule already, or the function cannot be called so.
        """
        return self._register("publish", rule)

    def rule(self, verb: str) -> Rule:
        """Return the rule for `subscribe` or `publish`; else `SERVER`."""
        return self._rules.get(verb, SERVER)

    def _register(self, verb: str, rule: RuleT) -> RuleT:
        what = f"{verb} rule of topic pattern {self.pattern.text!r}"
        if verb in self._rules:
            raise UsageError(f"there is already a {what}")
        check_rule(rule, what, self.pattern.variables)
        self._rules[verb] = rule
        return rule


class Found(NamedTuple):
    """A topic, what applies to it, and the variables in its name."""

    name: str
    topic: Topic
    variables: dict[str, str]


class Topics:
    """Every topic pattern of an application."""

    def __init__(self) -> None:
        self._topics: list[Topic] = []

    def add(self, topic: Topic) -> None:
        """Add a pattern.

        Raises:
            UsageError: It overlaps another one.
        """
        check_overlap(topic.pattern, (each.pattern for each in self._topics))
        self._topics.append(topic)

    def find(self, name: str) -> Found | None:
        """Return what applies to a topic, or None if it matches no pattern."""
        for topic in self._topics:
            variables = topic.pattern.match(name)
            if variables is not None:
                return Found(name, topic, variables)
        return None

    def require(self, name: str) -> Found:
        """Return what applies to a topic.

        Raises:
            UsageError: It fits no pattern.
        """
        found = self.find(name)
        if found is None:
            patterns = ", ".join(repr(each.pattern.text) for each in self._topics)
            raise UsageError(
                f"topic {name!r:.80} matches none of the patterns "
                f"({patterns or 'none'}); declare it with pubsub.topic(…)"
            )
        return found

    def has(self, name: str) -> bool:
        """Return whether a topic matches a pattern."""
        return self.find(name) is not None

    def find_history(self, name: str) -> "History | None":
        """Return how much of a topic is kept, or None without a log."""
        found = self.find(name)
        return found.topic.history if found else None

    def is_announced(self, name: str) -> bool:
        """Return whether a topic's subscribers are informed who joins and leaves."""
        found = self.find(name)
        return found is not None and found.topic.join_leave

    def find_grace(self, name: str) -> float | None:
        """Return how long a user may be away from a topic, or None."""
        found = self.find(name)
        return found.topic.grace_seconds if found else None


def check_rule(rule: object, what: str, variables: tuple[str, ...] = ()) -> None:
    """Check that something is a rule.

    Raises:
        UsageError: It is neither a constant nor a function that takes the variables.
    """
    if isinstance(rule, Access):
        return
    if not callable(rule):
        raise UsageError(
            f"the {what} must be a function or one of ANYONE, SUBSCRIBERS and SERVER, "
            f"not {rule!r:.80}"
        )
    check_parameters(rule, what, variables)


def describe_rule(rule: Rule) -> str:
    """Return a description of a rule."""
    if isinstance(rule, Access):
        return rule.name
    module = getattr(rule, "__module__", "?")
    return f"{module}.{getattr(rule, '__qualname__', repr(rule))}"
