"""What a rule is: what it is about, what it does, and how often."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

THROTTLED_CODE = "ProvisionedThroughputExceededException"
"""DynamoDB's error code for a throttled request, unless a rule names another one."""


class Service(Enum):
    """Where something fails."""

    MANAGEMENT = "management"
    """The Management API, through which connections are posted to."""
    DYNAMODB = "dynamodb"
    """DynamoDB, or a store in memory that stands for it."""
    FUNCTION = "function"
    """The Lambda functions of the routes."""
    AUTHORIZER = "authorizer"
    """The Lambda authorizer."""


class Action(Enum):
    """How something fails."""

    THROTTLE = "throttle"
    """429 `LimitExceededException`; from DynamoDB 400 with the rule's `code`."""
    GONE = "gone"
    """410 `GoneException`."""
    FORBIDDEN = "forbidden"
    """403 `ForbiddenException`."""
    FAIL = "fail"
    """The rule's `status`, 500 by default."""
    SLOW = "slow"
    """It begins `seconds` later."""
    LOSE_ANSWER = "lose_answer"
    """It is done, but the caller gets no answer."""
    LOSE_REQUEST = "lose_request"
    """It is not done, and the caller gets no answer."""
    KILL = "kill"
    """The worker process is killed: before it gets the event, or `seconds` later."""
    TIME_OUT = "time_out"
    """The handler runs, but its function times out before it can answer."""
    DENY = "deny"
    """The authorizer denies the client its connection."""


ACTIONS = {
    Service.MANAGEMENT: (
        Action.THROTTLE,
        Action.GONE,
        Action.FORBIDDEN,
        Action.FAIL,
        Action.SLOW,
        Action.LOSE_ANSWER,
        Action.LOSE_REQUEST,
    ),
    Service.DYNAMODB: (
        Action.THROTTLE,
        Action.FAIL,
        Action.SLOW,
        Action.LOSE_ANSWER,
        Action.LOSE_REQUEST,
    ),
    Service.FUNCTION: (Action.KILL, Action.TIME_OUT, Action.SLOW),
    Service.AUTHORIZER: (Action.DENY, Action.KILL, Action.TIME_OUT, Action.SLOW),
}
"""What each service can be made to do."""

TIMED = frozenset(
    {
        Action.SLOW,
        Action.LOSE_ANSWER,
        Action.LOSE_REQUEST,
        Action.KILL,
        Action.TIME_OUT,
    }
)
"""Actions that take `seconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a rule is about; None is about any.

    `*` in a text stands for any characters.

    Attributes:
        service: Which service fails.
        operation: `post`, `get` or `delete` of the Management API; an operation of
            DynamoDB, such as `UpdateItem`, or a method of a store in memory, such as
            `subscribe`; `connect`, `message`, `disconnect`, `stream` or `queue` of a
            function.
        connection: Connection ID.
        topic: Topic of a post, if the message says so, or of an item of the table.
        route_key: Route that API Gateway selected.
        table: Name of the table.
    """

    service: Service
    operation: str | None = None
    connection: str | None = None
    topic: str | None = None
    route_key: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something that fails on request.

    Attributes:
        match: What it is about.
        action: What happens.
        times: How often; None for always.
        probability: In how many of the cases, from 0 to 1.
        seconds: How long it takes, see the actions; None for what they do by default.
        status: HTTP status of `fail`, from 400 to 599.
        code: Error code of DynamoDB for `throttle`.
        error: What a store in memory raises, in a test; None for a `StoreError`.
    """

    match: Match
    action: Action
    times: int | None = None
    probability: float = 1.0
    seconds: float | None = None
    status: int = 500
    code: str = THROTTLED_CODE
    error: Exception | None = field(default=None, compare=False)

    @property
    def waits_seconds(self) -> float:
        """How long it takes, if that is only a matter of the rule."""
        return self.seconds or 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the rule as it stands in a file."""
        match = {
            name: getattr(self.match, name)
            for name in Match.__slots__
            if getattr(self.match, name) is not None
        }
        rule: dict[str, Any] = {
            "match": {**match, "service": self.match.service.value},
            "action": self.action.value,
            "times": self.times,
        }
        if self.probability != 1:
            rule["probability"] = self.probability
        if self.seconds is not None:
            rule["seconds"] = self.seconds
        if self.action is Action.FAIL:
            rule["status"] = self.status
        if self.is_coded:
            rule["code"] = self.code
        return rule

    @property
    def is_coded(self) -> bool:
        """Whether `code` says how it fails."""
        is_throttled = self.action is Action.THROTTLE
        return is_throttled and self.match.service is Service.DYNAMODB
