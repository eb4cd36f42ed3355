"""The settings of a WebSocket API and its stage, and switches for what is unknown.

Limits are those of "Quotas for configuring and running a WebSocket API".
"""

import math
import re
from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass, field

from wspubsub.errors import UsageError
from wspubsub.gateway.closecodes import ABNORMAL
from wspubsub.gateway.limits import (
    MAX_TIMEOUT_SECONDS,
    MIN_TIMEOUT_SECONDS,
    check_identity_sources,
    check_route_keys,
    check_stage,
    check_stage_variables,
)
from wspubsub.selection import CONNECT, PREDEFINED, RouteSelectionExpression

_API_ID = re.compile(r"[a-z0-9]{10}")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class GatewayConfig:
    """A WebSocket API, its stage, and how a gateway that stands in for AWS behaves.

    The last group of attributes are switches: AWS does not document what it does, so
    the default is the choice that lets the fewest mistakes pass unseen.

    Attributes:
        stage: Stage name: letters, digits, `-` and `_`.
        api_id: Ten lower-case letters and digits.
        region: Region in ARNs.
        account_id: Account in ARNs, twelve digits.
        routes: Route keys that exist; `$connect` and its like are optional too.
        two_way: Route keys that have a route response: the body that their handler
            returns is sent to the client.
        route_selection_expression: What a message's route key is computed from.
        has_authorizer: Whether `$connect` has a Lambda authorizer.
        identity_sources: What the authorizer needs, for instance
            `route.request.querystring.token`; a handshake without it is refused
            with 401 before the authorizer is invoked.
        stage_variables: In every event if there are any.
        idle_timeout_seconds: A connection without messages is closed after this time.
        max_duration_seconds: A connection is closed after this time whatever happens.
        integration_timeout_seconds: How long a handler may take, 0.05 to 29 seconds;
            `math.inf` lets a debugger hold it.
        max_buffer_bytes: A post to a connection with a longer backlog is answered
            with 429 (switch: the size is undocumented).
        require_signature: Whether the Management API answers 403 to requests without
            an AWS signature, as AWS does. The signature is not verified.
        null_result_is_malformed: Whether a handler that returns None gets its client
            an error.
        missing_status_is_malformed: Whether a result without a `statusCode` is an
            error; otherwise it counts as 200.
        absent_body_is_sent: Whether a two-way route whose handler returns no body, or
            an empty one, sends the client an empty message. The one public report
            says so; many clients fail on it, as `JSON.parse("")` does.
        null_context_is_malformed: Whether an authorizer whose `context` has a null is
            answered with 500. Seen on REST APIs, a null passes through as a null.
        numeric_principal_is_malformed: Whether an authorizer whose `principalId` is a
            number is answered with 500. Reported of REST APIs, it becomes text.
        pings_reset_idle: Whether a client's ping keeps its connection from being idle.
        network_loss_found_when_idle: Whether a client that vanished without a close
            frame is noticed only by the idle timeout; until then posts to it are
            answered with 200 and lost.
        network_loss_code: `disconnectStatusCode` of such a connection.
        network_loss_reason: `disconnectReason` of such a connection.

    Raises:
        UsageError: API Gateway would not accept a value; the text says what it would.
    """

    stage: str = "dev"
    api_id: str = "local00000"
    region: str = "us-east-1"
    account_id: str = "123456789012"
    routes: AbstractSet[str] = frozenset(PREDEFINED)
    two_way: AbstractSet[str] = frozenset()
    route_selection_expression: RouteSelectionExpression = field(
        default_factory=RouteSelectionExpression
    )
    has_authorizer: bool = False
    identity_sources: tuple[str, ...] = ()
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    idle_timeout_seconds: float = 600.0
    max_duration_seconds: float = 7200.0
    integration_timeout_seconds: float = MAX_TIMEOUT_SECONDS
    max_buffer_bytes: int = 1_048_576
    require_signature: bool = True
    null_result_is_malformed: bool = True
    missing_status_is_malformed: bool = True
    absent_body_is_sent: bool = True
    null_context_is_malformed: bool = False
    numeric_principal_is_malformed: bool = False
    pings_reset_idle: bool = False
    network_loss_found_when_idle: bool = False
    network_loss_code: int = ABNORMAL
    network_loss_reason: str = ""

    def __post_init__(self) -> None:
        # What the caller goes on to change must not change a running gateway.
        object.__setattr__(self, "routes", frozenset(self.routes))
        object.__setattr__(self, "two_way", frozenset(self.two_way))
        object.__setattr__(self, "stage_variables", dict(self.stage_variables))
        _check_names(self)
        _check_routes(self)
        _check_authorizer(self)
        _check_limits(self)

    def is_two_way(self, route_key: str) -> bool:
        """Return whether a route sends what its handler returns to the client."""
        return route_key in self.two_way

    @property
    def default_host(self) -> str:
        """The host name that AWS would give the API."""
        return f"{self.api_id}.execute-api.{self.region}.amazonaws.com"

    @property
    def connect_arn(self) -> str:
        """The `methodArn` of `$connect`, which an authorizer's policy must allow."""
        return (
            f"arn:aws:execute-api:{self.region}:{self.account_id}:"
            f"{self.api_id}/{self.stage}/{CONNECT}"
        )


def _check_names(config: GatewayConfig) -> None:
    check_stage(config.stage)
    check_stage_variables(config.stage_variables)
    if not _API_ID.fullmatch(config.api_id):
        raise UsageError(
            f"{config.api_id!r} is not an API ID: use ten lowercase letters and digits"
        )
    if not _ACCOUNT_ID.fullmatch(config.account_id):
        raise UsageError(
            f"{config.account_id!r} is not an AWS account ID: use 12 digits"
        )
    if not _REGION.fullmatch(config.region):
        raise UsageError(
            f"{config.region!r} is not a Region: use one such as us-east-1"
        )


def _check_routes(config: GatewayConfig) -> None:
    check_route_keys(config.routes)
    strangers = config.two_way - config.routes
    if strangers:
        raise UsageError(
            f"two-way routes must be among the routes; add {sorted(strangers)}"
        )


def _check_authorizer(config: GatewayConfig) -> None:
    if config.has_authorizer and CONNECT not in config.routes:
        raise UsageError("an authorizer needs the route $connect; add it to the routes")
    if config.identity_sources and not config.has_authorizer:
        raise UsageError(
            "identity sources need an authorizer; name one, or remove them"
        )
    check_identity_sources(config.identity_sources)


def _check_limits(config: GatewayConfig) -> None:
    is_unlimited = config.integration_timeout_seconds == math.inf
    if not is_unlimited and not (
        MIN_TIMEOUT_SECONDS <= config.integration_timeout_seconds <= MAX_TIMEOUT_SECONDS
    ):
        raise UsageError(
            f"the integration timeout must be from {MIN_TIMEOUT_SECONDS} to "
            f"{MAX_TIMEOUT_SECONDS} seconds, not "
            f"{config.integration_timeout_seconds}"
        )
    for name in ("idle_timeout_seconds", "max_duration_seconds", "max_buffer_bytes"):
        if not getattr(config, name) > 0:
            raise UsageError(f"{name} must be greater than 0")
