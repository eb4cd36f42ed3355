"""The operations of boto3's clients that the pollers use, and how they are called."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from wspubsub.aws.forks import Boto3Client
from wspubsub.backoff import full_jitter
from wspubsub.local.dynamodb.senders import Sender, mark_requests
from wspubsub.local.journal import Journal
from wspubsub.local.threads import in_thread

CONNECT_SECONDS = 3
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 10.0

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEndpoint:
    """Where a service is.

    Attributes:
        url: Its URL.
        region: The Region that requests are signed for.
        is_embedded: Whether it is the gateway's own, which takes any credentials.
        ca_bundle: A file of certificates with which to trust it; None trusts whom SDKs
            do.
    """

    url: str
    region: str
    is_embedded: bool
    ca_bundle: Path | None = None

    def client(
        self, service: str, *, read_seconds: float, sender: Sender | None = None
    ) -> Boto3Client:
        """Return a boto3 client that tries each request once.

        Args:
            service: Name of the service.
            read_seconds: How long an answer may take.
            sender: Which part of the gateway requests say that they come from, if any.
        """
        credentials: dict[str, str] = {}
        options: dict[str, Any] = {}
        if self.is_embedded:
            # Neither the user's credentials nor a proxy are for this.
            credentials = {
                "aws_access_key_id": "local",
                "aws_secret_access_key": "local",
            }
            options = {"proxies": {}}
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            retries={"total_max_attempts": 1},
            **options,
        )
        session = boto3.Session(region_name=self.region, **credentials)
        verify = None if self.ca_bundle is None else str(self.ca_bundle)
        client: Boto3Client = session.client(
            service, endpoint_url=self.url, config=config, verify=verify
        )
        if sender is not None:
            mark_requests(client, sender)
        return client

    def of_streams(self) -> "ServiceEndpoint":
        """Return where DynamoDB's streams are: AWS has a separate host for them."""
        parts = urlsplit(self.url)
        host = parts.netloc
        if host.startswith("dynamodb.") and ".amazonaws.com" in host:
            host = f"streams.{host}"
        return replace(self, url=urlunsplit(parts._replace(netloc=host)))


class ServiceCaller:
    """Calls a service, and retries until it answers.

    Args:
        what: The service, for the developer.
        journal: Gets one line when the service becomes unavailable, and one when it is
            available again.
    """

    def __init__(self, what: str, journal: Journal) -> None:
        self._what = what
        self._journal = journal
        self._is_out = False

    async def insist(
        self,
        call: Callable[[], AnswerT],
        *,
        except_codes: frozenset[str] = frozenset(),
    ) -> AnswerT:
        """Call until there is an answer.

        Args:
            call: A request to the service; it may block.
            except_codes: Codes of errors that are raised at once.

        Raises:
            ClientError: One of those.
        """
        delays = full_jitter(
            base_seconds=FIRST_DELAY_SECONDS, cap_seconds=LONGEST_DELAY_SECONDS
        )
        while True:
            try:
                answer = await in_thread(call)
            except (BotoCoreError, ClientError) as error:
                if code_of(error) in except_codes:
                    raise
                self._fails(error)
                await asyncio.sleep(next(delays))
            else:
                self._works()
                return answer

    def _fails(self, error: Exception) -> None:
        if not self._is_out:
            self._is_out = True
            self._journal.warn(f"{self._what} is unavailable: {error}; retrying")

    def _works(self) -> None:
        if self._is_out:
            self._is_out = False
            self._journal.note(f"{self._what} is available again")


def code_of(error: Exception) -> str:
    """Return AWS's code of an error, or an empty text if it is not AWS's."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))
