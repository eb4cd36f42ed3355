"""The settings of a template."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from wspubsub.deployment.template.publishers import PublisherFunction
from wspubsub.deployment.template.variables import Variable
from wspubsub.errors import UsageError
from wspubsub.gateway.limits import (
    MAX_TIMEOUT_SECONDS,
    check_identity_sources,
    check_stage,
)

CLOUDFORMATION, SAM = "cloudformation", "sam"

VISIBILITY_TIMEOUTS = 6
"""How many of the function's timeouts a message stays hidden while it is processed
("Using Lambda with Amazon SQS"), so that a throttled batch can be retried before others
see it."""

RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
ARCHITECTURES = ("arm64", "x86_64")
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192,
    2557, 2922, 3288, 3653,
)  # fmt: skip
"""What CloudWatch Logs takes ("PutRetentionPolicy")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """What a template should contain.

    Attributes:
        template_format: `cloudformation` or `sam`.
        stage: Name of the stage.
        two_way: Routes that get a route response, none for all routes of messages;
            None leaves it to the application.
        authorizer: Handler of a Lambda REQUEST authorizer, such as `auth.check`.
        identity_sources: What the authorizer needs.
        worker: Handler of a second function, for the records of streams and queues;
            None gives them to the function itself.
        streams: Whether new log entries and connections invoke a function.
        queue: Whether there is a queue whose messages invoke a function.
        history: Whether topics have a log.
        members: Whether there is a `PubSub`, which keeps who is in its topics.
        memory_mb: Memory of each function.
        timeout_seconds: Time-out of each function.
        runtime: Identifier of the Lambda runtime.
        architecture: `arm64` or `x86_64`.
        log_retention_days: How long log lines are kept.
        throttle_rate: Messages and handshakes a second that the stage takes.
        throttle_burst: How many may come at once.
        code_uri: Folder of the code, for SAM.
        variables: Environment variables of the user's own, for all functions.
        publishers: Further functions that publish.

    Raises:
        UsageError: AWS would not accept a value; the text says what it would.
    """

    template_format: str = CLOUDFORMATION
    stage: str = "prod"
    two_way: AbstractSet[str] | None = None
    authorizer: str | None = None
    identity_sources: tuple[str, ...] = ()
    worker: str | None = None
    streams: bool = False
    queue: bool = False
    history: bool = False
    members: bool = False
    memory_mb: int = 1024
    timeout_seconds: int = MAX_TIMEOUT_SECONDS
    runtime: str = "python3.13"
    architecture: str = "arm64"
    log_retention_days: int = 30
    throttle_rate: int = 1000
    throttle_burst: int = 500
    code_uri: str = "."
    variables: tuple[Variable, ...] = ()
    publishers: tuple[PublisherFunction, ...] = ()

    def __post_init__(self) -> None:
        _check_names(self)
        _check_authorizer(self)
        _check_one_of("format", self.template_format, (CLOUDFORMATION, SAM))
        _check_one_of("runtime", self.runtime, RUNTIMES)
        _check_one_of("architecture", self.architecture, ARCHITECTURES)
        _check_one_of("log retention", self.log_retention_days, RETENTION_DAYS)
        _check_range("memory", self.memory_mb, 128, 10_240, "MB")
        # A function that may take longer than API Gateway waits only pays for it.
        _check_range("timeout", self.timeout_seconds, 1, MAX_TIMEOUT_SECONDS, "s")
        # 0 would refuse every client.
        _check_range("throttle rate", self.throttle_rate, 1, 100_000, "a second")
        _check_range("throttle burst", self.throttle_burst, 1, 100_000, "at once")
        if self.worker and not self.has_records:
            raise UsageError(
                "--worker needs records to handle: add --streams, --queue or both"
            )

    @property
    def is_sam(self) -> bool:
        """Whether the template is for AWS SAM."""
        return self.template_format == SAM

    @property
    def has_records(self) -> bool:
        """Whether a stream or a queue invokes a function."""
        return self.streams or self.queue

    @property
    def visibility_seconds(self) -> int:
        """How long a message stays hidden while it is processed."""
        return VISIBILITY_TIMEOUTS * self.timeout_seconds


def _check_names(settings: TemplateSettings) -> None:
    check_stage(settings.stage)
    if settings.is_sam and not settings.stage.isalnum():
        raise UsageError(
            f"SAM turns the stage name {settings.stage!r} into a logical ID: use "
            "letters and digits only, or --format cloudformation"
        )


def _check_authorizer(settings: TemplateSettings) -> None:
    if settings.identity_sources and not settings.authorizer:
        raise UsageError("--identity-source needs --authorizer")
    check_identity_sources(settings.identity_sources)


def _check_one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        known = ", ".join(str(each) for each in allowed)
        raise UsageError(f"{name} {value!r} does not exist; choose one of {known}")


def _check_range(name: str, value: int, least: int, most: int, unit: str) -> None:
    if not least <= value <= most:
        raise UsageError(f"{name} must be from {least} to {most} {unit}, not {value}")
