"""The parts of a deployment, wherever they were read: a template, or a live account.

A field that is `Maybe` something is UNKNOWN where only AWS knows it; None means that it
is certainly not there. A text has holes for what is known later (see `texts`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wspubsub.deployment.description.grants import Grants
from wspubsub.deployment.description.unknown import Maybe


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function.

    Attributes:
        name: Logical ID, or name.
        arn: Its ARN without qualifier.
        handler: What it runs: `module.function`; UNKNOWN for most images.
        code: What its code is, so that equal code is equal text.
        module: Path of its handler's module without suffix, if its code is a folder
            of this machine.
        has_layers: Whether a layer may bring code besides.
        runtime: Its runtime; None for an image.
        timeout_seconds: Its timeout.
        concurrency: Reserved concurrency; None if it has none.
        recursive_loop: `Allow` or `Terminate`.
        variables: Its environment variables.
        grants: What its role allows.
        is_cut_off: Whether it certainly reaches no address outside its VPC.
        has_other_events: Whether something else than the API may invoke it.
    """

    name: str
    arn: str
    handler: Maybe[str]
    code: str
    module: str | None
    has_layers: bool
    runtime: Maybe[str] | None
    timeout_seconds: Maybe[int]
    concurrency: Maybe[int] | None
    recursive_loop: Maybe[str]
    variables: Maybe[Mapping[str, str]]
    grants: Maybe[Grants]
    is_cut_off: bool = False
    has_other_events: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """What a route leads to.

    Attributes:
        name: Logical ID, or ID.
        kind: `AWS_PROXY` and so on.
        function: Name of the function that runs; None if it is certainly none.
        timeout_milliseconds: How long API Gateway waits.
        has_credentials: Whether it is invoked with a role of its own.
        has_response: Whether it has an integration response.
    """

    name: str
    kind: Maybe[str]
    function: Maybe[str] | None
    timeout_milliseconds: Maybe[int]
    has_credentials: bool
    has_response: Maybe[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of the API.

    Attributes:
        name: Logical ID, or ID.
        key: Its route key.
        integration: What it leads to; None if that is certainly nothing.
        authorization: Its AuthorizationType.
        is_two_way: Whether it has a route response selection expression.
        has_response: Whether it has a route response.
    """

    name: str
    key: str
    integration: Maybe[Integration] | None
    authorization: Maybe[str]
    is_two_way: Maybe[bool]
    has_response: Maybe[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of the API.

    Attributes:
        name: Logical ID, or name.
        stage_name: Its name, a text.
        receives_routes: Whether routes ever get there.
        deployment: Name of the deployment that it is made with, if that is known.
        early_routes: Names of the routes that the deployment does not wait for, so
            that it may be made without them.
        refusing: The settings that let nobody through, such as
            `DefaultRouteSettings.ThrottlingRateLimit`.
    """

    name: str
    stage_name: str
    receives_routes: Maybe[bool]
    deployment: str | None = None
    early_routes: tuple[str, ...] = ()
    refusing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainMapping:
    """A custom domain that leads to a stage of the API.

    Attributes:
        name: Logical ID, or ID.
        domain: The domain, a text.
        key: What its path begins with, a text; empty for the whole domain.
    """

    name: str
    domain: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """A Lambda authorizer of the API.

    Attributes:
        name: Logical ID, or ID.
        authorizer_id: Its ID, a text.
        function: Name of its function; None if it is certainly none.
        has_credentials: Whether it is invoked with a role of its own.
        identity_sources: What it needs, as texts.
    """

    name: str
    authorizer_id: str
    function: Maybe[str] | None
    has_credentials: bool
    identity_sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A WebSocket API.

    Attributes:
        name: Logical ID, or ID.
        api_id: Its ID, a text.
        arn: Its ARN as `execute-api` has it, a text.
        host: The host name of its own address, a text.
        selection_expression: Its route selection expression.
        is_endpoint_disabled: Whether only custom domains lead to it.
        routes: Its routes.
        has_other_routes: Whether it may have others.
        stages: Its stages.
        has_other_stages: Whether it may have others.
        has_other_permissions: Whether others may let it invoke a function.
        authorizers: Its authorizers.
        domains: The custom domains that lead to it.
        has_other_domains: Whether others may lead to it.
        foreign_domains: Custom domains that certainly lead elsewhere.
    """

    name: str
    api_id: str
    arn: str
    host: str
    selection_expression: Maybe[str] | None
    is_endpoint_disabled: Maybe[bool]
    routes: tuple[Route, ...]
    has_other_routes: bool
    stages: tuple[Stage, ...]
    has_other_stages: bool
    has_other_permissions: bool = False
    authorizers: tuple[Authorizer, ...] = ()
    domains: tuple[DomainMapping, ...] = ()
    has_other_domains: bool = False
    foreign_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A statement of a function's own policy: who may invoke it.

    Attributes:
        function: Name of the function; UNKNOWN if it may be any.
        principal: The service that may, a text.
        source: The ARN for which it may, a pattern of IAM.
    """

    function: Maybe[str] | None
    principal: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key of one's own.

    Attributes:
        name: Logical ID, or ID.
        arn: Its ARN, a text.
        policy: What its policy allows to others than the account as a whole.
    """

    name: str
    arn: str
    policy: Grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A DynamoDB table.

    Attributes:
        name: Logical ID, or name.
        table_name: Its name, a text.
        arn: Its ARN, a text.
        stream_arn: That of its stream, a text.
        keys: Name and kind (`HASH`, `RANGE`) of each key.
        key_types: Type (`S`, `N`, `B`) of each attribute that is defined.
        has_ttl: Whether time to live is on.
        ttl_attribute: By which attribute.
        stream_view: What its stream has; None without stream.
        key: The KMS key of one's own that it is encrypted with.
    """

    name: str
    table_name: str
    arn: str
    stream_arn: str
    keys: Maybe[tuple[tuple[str, str], ...]]
    key_types: Maybe[Mapping[str, str]]
    has_ttl: Maybe[bool]
    ttl_attribute: Maybe[str] | None
    stream_view: Maybe[str] | None
    key: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An SQS queue.

    Attributes:
        name: Logical ID, or name.
        url: Its URL, a text.
        arn: Its ARN, a text.
        is_fifo: Whether it is a FIFO queue.
        visibility_seconds: How long a message stays hidden.
        has_dead_letters: Whether what was received too often goes to another queue.
        key: The KMS key of one's own that it is encrypted with.
    """

    name: str
    url: str
    arn: str
    is_fifo: Maybe[bool]
    visibility_seconds: Maybe[int]
    has_dead_letters: Maybe[bool]
    key: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """An event source mapping.

    Attributes:
        name: Logical ID, or UUID.
        function: Name of the function that it invokes; None if it is another one.
        table: Name of the table whose stream it reads; None if it reads none.
        queue: Name of the queue that it reads; None if it reads none.
        reports_failures: Whether its function reports which records failed.
        carries_log: Whether its filter lets the log's entries through by name.
        window_seconds: How long it waits for a batch to fill.
        retries: MaximumRetryAttempts, -1 for no limit.
        record_age_seconds: MaximumRecordAgeInSeconds; None if it is not set.
        bisects: Whether it halves a batch that failed.
        has_destination: Whether what failed goes somewhere.
        is_enabled: Whether it is on.
    """

    name: str
    function: Maybe[str] | None
    table: Maybe[str] | None
    queue: Maybe[str] | None
    reports_failures: Maybe[bool]
    carries_log: bool
    window_seconds: Maybe[int]
    retries: Maybe[int]
    record_age_seconds: Maybe[int] | None
    bisects: Maybe[bool]
    has_destination: Maybe[bool]
    is_enabled: Maybe[bool]
