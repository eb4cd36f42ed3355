"""How boto3 would reach a service, so that the engine can do the same outside Lambda.

botocore finds Region, endpoint and certificates in profiles and variables, and gets and
renews credentials: single sign-on, roles, containers, EC2, SnapStart. All this is asked
of a client of boto3's, and the engine sends the requests. What only boto3 can do is
left to it.
"""

import logging
import os
import select
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from wspubsub.aws.signing import Credentials, CredentialsSource
from wspubsub.errors import CredentialsError

if TYPE_CHECKING:
    from wspubsub.aws.forks import Boto3Client, Boto3Session

log = logging.getLogger("wspubsub")

_MANAGEMENT = "apigatewaymanagementapi"

ClientT = TypeVar("ClientT")


class SdkAccess(NamedTuple):
    """How requests reach a service.

    Attributes:
        region: Region that they are signed for.
        endpoint_url: Where the service is.
        credentials: Where the credentials of each request come from.
        certificates: Names a file of certificates to trust instead of the system's.
    """

    region: str
    endpoint_url: str
    credentials: CredentialsSource
    certificates: Mapping[str, str]


def find_access(client: "Boto3Client") -> SdkAccess | None:
    """Return how a boto3 client of the default session reaches its service.

    None if only boto3 can send its requests, which is said once, at INFO.
    """
    import boto3

    meta = client.meta
    obstacle = find_obstacle(client)
    if obstacle is not None:
        _say(meta.service_model.service_name, obstacle)
        return None
    session = boto3.DEFAULT_SESSION
    bundle = _find_bundle(session)
    return SdkAccess(
        region=meta.region_name,
        endpoint_url=meta.endpoint_url,
        credentials=SdkCredentials(session),
        certificates={"AWS_CA_BUNDLE": bundle} if bundle else os.environ,
    )


def prefer_engine(client: ClientT, engine: Callable[..., ClientT]) -> ClientT:
    """Return a client of the engine's that reaches a service as boto3 would.

    Args:
        client: A boto3 client of the default session, which is returned if only boto3
            can send its requests.
        engine: Makes the engine's client, from what `SdkAccess` has.
    """
    access = find_access(client)
    return client if access is None else engine(**access._asdict())


def find_obstacle(client: "Boto3Client") -> str | None:
    """Return why only boto3 can send a client's requests; None if the engine can."""
    service, config = client.meta.service_model.service_name, client.meta.config
    if not hasattr(select, "poll"):
        return "this system has no poll(), as Windows"
    if _is_answered_by_others(service):
        return "another library, such as moto, answers boto3's requests"
    if _has_proxy(client):
        return "a proxy is configured"
    has_variant = config.use_fips_endpoint or config.use_dualstack_endpoint
    if has_variant and service != _MANAGEMENT and not _names_endpoint(service):
        return "FIPS or dual-stack endpoints are configured"
    return None


class SdkCredentials:
    """The credentials of a boto3 session, which renews them before they expire.

    Args:
        session: A `boto3.Session`.
    """

    def __init__(self, session: "Boto3Session") -> None:
        self._session = session
        # Finding them may take requests, and sessions are not made for threads.
        self._one_at_a_time = threading.Lock()

    def __call__(self) -> Credentials:
        """Return the credentials as they are now.

        Raises:
            CredentialsError: There are none, or they cannot be renewed.
        """
        try:
            with self._one_at_a_time:
                found = self._session.get_credentials()
            # May send requests as well; botocore has locks of its own for it.
            frozen = found and found.get_frozen_credentials()
        except Exception as error:
            from wspubsub.aws.client_errors import failure_of

            raise CredentialsError(failure_of(error).text) from error
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise CredentialsError("boto3 finds none")
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)


def _is_answered_by_others(service: str) -> bool:
    # What is registered here has each request of any client before it is sent, and may
    # answer in place of AWS; botocore itself registers nothing.
    from botocore.handlers import BUILTIN_HANDLERS

    name = f"before-send.{service}."
    return any(name.startswith(f"{event}.") for event, *_ in BUILTIN_HANDLERS)


def _has_proxy(client: "Boto3Client") -> bool:
    from botocore.utils import get_environ_proxies

    url = client.meta.endpoint_url
    proxies = client.meta.config.proxies or get_environ_proxies(url)
    # Beside the proxy of each scheme it has what NO_PROXY says.
    return bool(proxies.get(url.partition(":")[0]))


def _names_endpoint(service: str) -> bool:
    names = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
    return any(os.environ.get(name) for name in names)


def _find_bundle(session: "Boto3Session") -> str | None:
    from botocore.session import Session

    # boto3 calls a session without a profile "default", which need not exist.
    profile = None if session.profile_name == "default" else session.profile_name
    found: str | None = Session(profile=profile).get_config_variable("ca_bundle")
    return found


@cache
def _say(service: str, reason: str) -> None:
    log.info("boto3 sends the requests to %s: %s", service, reason)
