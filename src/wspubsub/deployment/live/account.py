"""What is asked of AWS: read-only, through boto3, with refusals as notes.

Nobody else in this package talks to AWS. What may not be read is UNKNOWN and leaves a
note that names the permission; what is not there is None.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import parse_timestamp

from wspubsub.aws.client_errors import failure_of
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.errors import UsageError

Answer = Mapping[str, Any]

MAX_SKEW_SECONDS = 60.0
"""How far a clock may be off.

AWS refuses what is signed 5 minutes off ("Troubleshoot Signature Version 4 signed
requests"); tokens that are made here go wrong before.
"""

_DENIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
    }
)
# Codes of all services that are asked; CloudFormation's is told by its text.
_ABSENCES = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchEntity",
        "NoSuchResourceException",
        "NotFoundException",
        "PolicyNotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)
# With these no other request would fare better.
_STRANGERS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_STACK_ABSENT = re.compile(r"does not exist")
_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")
# "Actions, resources, and condition keys" of those that are called otherwise.
_PREFIXES = {"service-quotas": "servicequotas"}
_SECONDS = {"connect_timeout": 10, "read_timeout": 30}


class _Pages(Protocol):
    def build_full_result(self) -> dict[str, Any]: ...


class _Paginator(Protocol):
    def paginate(self, **parameters: Any) -> _Pages: ...


class _Client(Protocol):
    """A client of boto3 for any service."""

    meta: Any

    def can_paginate(self, operation_name: str, /) -> bool: ...
    def get_paginator(self, operation_name: str, /) -> _Paginator: ...


class Account:
    """An account in a Region, as somebody may read it.

    Args:
        profile: A profile of the AWS configuration.
        region: A Region; the configured one by default.
        session: What the requests are made with, instead of these two.

    Attributes:
        region: The Region.
        number: The account's number, once its identity is read.
        partition: The part of AWS that it is in, such as `aws`.
        clock_skew_seconds: How far our clock is ahead of AWS's.

    Raises:
        UsageError: The profile or the Region is unknown.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        session: boto3.Session | None = None,
    ) -> None:
        try:
            self._session = session or boto3.Session(
                profile_name=profile, region_name=region
            )
        except BotoCoreError as error:
            raise UsageError(str(error)) from error
        if self._session.region_name is None:
            raise UsageError(
                "no Region is configured: give --region, or set AWS_REGION"
            )
        self.region: str = self._session.region_name
        self.number = self.partition = ""
        self.clock_skew_seconds: Maybe[float] = UNKNOWN
        self._clients: dict[str, _Client] = {}
        self._notes: dict[str, None] = {}

    def read_identity(self) -> None:
        """Ask which account it is, and what time it is there.

        Raises:
            UsageError: AWS cannot be reached, or does not accept who asks.
        """
        answer = self.ask("sts", "get_caller_identity")
        if answer is UNKNOWN or answer is None:
            raise UsageError("; ".join(self.notes))
        self.number = answer["Account"]
        self.partition = answer["Arn"].split(":")[1]

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, and what would be needed for it."""
        return tuple(self._notes)

    def note(self, text: str) -> None:
        """Keep what could not be read."""
        self._notes[text] = None

    def ask(
        self, service: str, operation: str, **parameters: Any
    ) -> Maybe[Answer] | None:
        """Return the answer to a request, all its pages put together.

        It is UNKNOWN where it may not be asked, and None if AWS does not have it.

        Args:
            service: As boto3 has it, such as `apigatewayv2`.
            operation: A method of boto3's client, such as `get_routes`.
            parameters: What the operation is about.

        Raises:
            UsageError: AWS cannot be reached, or does not accept who asks.
        """
        try:
            client = self._find_client(service)
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**parameters)
                found: Answer = pages.build_full_result()
            else:
                found = getattr(client, operation)(**parameters)
        except ClientError as error:
            return self._judge(service, error)
        except BotoCoreError as error:
            raise UsageError(failure_of(error).text) from error
        except ValueError as error:  # of a URL that is not one
            raise UsageError(str(error)) from error
        return found

    def ask_items(
        self, service: str, operation: str, name: str, **parameters: Any
    ) -> Maybe[list[Any]]:
        """Return a list in an answer; what AWS does not have is empty."""
        answer = self.ask(service, operation, **parameters)
        if answer is UNKNOWN:
            return UNKNOWN
        return [] if answer is None else list(answer.get(name) or [])

    def _find_client(self, service: str) -> _Client:
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "max_attempts": 3}, **_SECONDS)
            client = self._session.client(service, config=config)
            client.meta.events.register("needs-retry", self._read_clock)
            self._clients[service] = client
        return self._clients[service]

    def _read_clock(
        self, response: tuple[object, object] | None = None, **_: Any
    ) -> None:
        """Compare the clock of whoever answers with ours."""
        if response is None or self.clock_skew_seconds is not UNKNOWN:
            return
        date = getattr(response[0], "headers", {}).get("date")
        with contextlib.suppress(TypeError, ValueError):
            self.clock_skew_seconds = time.time() - parse_timestamp(date).timestamp()

    def _say_clock(self) -> str:
        skew = self.clock_skew_seconds
        if skew is UNKNOWN or abs(skew) < MAX_SKEW_SECONDS:
            return ""
        return f"; this machine's clock is {abs(skew):.0f} s off, so set it first"

    def _judge(self, service: str, error: ClientError) -> Maybe[Answer] | None:
        code = error.response["Error"]["Code"]
        text = error.response["Error"]["Message"]
        if code in _ABSENCES or (
            service == "cloudformation" and _STACK_ABSENT.search(text)
        ):
            return None
        if code in _STRANGERS:
            why = f"{code}: {text}{self._say_clock()}"
            raise UsageError(f"AWS does not accept the credentials: {why}")
        called = error.operation_name
        if code in _DENIALS:
            action = _ACTION.search(text)
            named = action[1] if action else _name_action(service, called)
            self.note(f"may not look at {called}: allow {named} to see it")
        else:
            why = f"{code}: {text}".rstrip(": ")
            self.note(f"{called} of {service} failed: {why}")
        return UNKNOWN


def _name_action(service: str, called: str) -> str:
    # "Actions, resources, and condition keys for Amazon API Gateway Management V2".
    if service == "apigatewayv2":
        return "apigateway:GET"
    return f"{_PREFIXES.get(service, service)}:{called}"


def join(*groups: Maybe[list[Any]]) -> Iterator[Any]:
    """Yield what is known of some lists."""
    for group in groups:
        if group is not UNKNOWN:
            yield from group
