"""The settings of a local gateway."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wspubsub.errors import UsageError
from wspubsub.gateway import GatewayConfig
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS
from wspubsub.handlers.application import Application
from wspubsub.handlers.target import Target
from wspubsub.local.apigateway.hosts import AllowedHosts
from wspubsub.local.apigateway.tls import OwnCertificate
from wspubsub.local.declared import ApiChoices
from wspubsub.local.functions.environment import Runtime
from wspubsub.mappings.settings import QueueSettings, StreamSettings

MAX_FUNCTION_SECONDS = 900
MIN_MEMORY_MB, MAX_MEMORY_MB = 128, 10_240
"""What a function may have ("Lambda quotas")."""


def check_function(timeout_seconds: float, memory_mb: int | None) -> None:
    """Check the timeout and the memory of a function.

    Raises:
        UsageError: Lambda would not accept them.
    """
    if not 0 < timeout_seconds <= MAX_FUNCTION_SECONDS:
        raise UsageError(
            f"--timeout must be greater than 0 and at most {MAX_FUNCTION_SECONDS} "
            f"seconds, as on Lambda, not {timeout_seconds:g}"
        )
    if memory_mb is not None and not MIN_MEMORY_MB <= memory_mb <= MAX_MEMORY_MB:
        raise UsageError(
            f"--memory must be from {MIN_MEMORY_MB} to {MAX_MEMORY_MB} MB, as on "
            f"Lambda, not {memory_mb}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The settings of a local gateway.

    Attributes:
        config: The API, its stage, and how it behaves.
        target: The handler.
        functions: The handlers of routes that have one of their own, by route key.
        application: What the handler declares, if that is known.
        choices: What the user has chosen about the API; where the sources change, the
            rest of it is read from the handler again.
        warnings: What was noticed about the handler before it was started.
        authorizer: The Lambda authorizer, if there is one.
        host: Where to listen.
        port: Where to listen; 0 takes a free one.
        allowed_hosts: Further names in `Host` headers that are taken.
        is_tls: Whether to speak only https and wss, as AWS does; otherwise http and ws
            are spoken as well.
        certificate: The certificate for it; None makes a temporary one.
        table: Name of the table.
        dynamodb_url: Where the table is; None starts an embedded DynamoDB.
        dynamodb_port: Where the embedded one listens; 0 takes a free port.
        data: Where its tables are kept; None keeps none.
        setup: A Python file that is run before the functions start.
        stream: How the table's stream is delivered, if it is.
        queue: A queue that is made and delivered, if one is.
        max_environments: How many environments each function may have.
        timeout_seconds: Timeout of the functions.
        memory_mb: How much memory a process of theirs may use; None for any amount.
        runtime: Which runtime client runs them.
        faults: File of rules of what fails, if there is one.
        reloads: Whether changed source files renew the environments.
        is_debugged: Whether functions may stand still as long as somebody looks at
            them, each in one environment.
        terminal: Path of the terminal that a debugged function reads and writes, if
            there is one.
        has_inspector: Whether what happens is kept and shown on a page.
        environ: Environment variables that functions find besides Lambda's.

    Raises:
        UsageError: AWS would refuse the function, or the queue for it; or a host to
            allow is not one.
    """

    config: GatewayConfig
    target: Target
    functions: Mapping[str, Target] = field(default_factory=dict)
    application: Application | None = None
    choices: ApiChoices = field(default_factory=ApiChoices)
    warnings: tuple[str, ...] = ()
    authorizer: Target | None = None
    host: str = "127.0.0.1"
    port: int = 0
    allowed_hosts: tuple[str, ...] = ()
    is_tls: bool = False
    certificate: OwnCertificate | None = None
    table: str = "wspubsub"
    dynamodb_url: str | None = None
    dynamodb_port: int = 0
    data: Path | None = None
    setup: Path | None = None
    stream: StreamSettings | None = None
    queue: QueueSettings | None = None
    max_environments: int = 4
    timeout_seconds: float = MAX_TIMEOUT_SECONDS
    memory_mb: int | None = None
    runtime: Runtime = Runtime.BUILT_IN
    faults: Path | None = None
    reloads: bool = False
    is_debugged: bool = False
    terminal: str | None = None
    has_inspector: bool = True
    environ: Mapping[str, str] = field(default_factory=lambda: {**os.environ})

    def __post_init__(self) -> None:
        AllowedHosts(self.host, self.allowed_hosts)  # complains about others
        check_function(self.timeout_seconds, self.memory_mb)
        if self.queue is not None:
            self.queue.check_timeout(self.timeout_seconds)
