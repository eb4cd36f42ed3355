"""Whether the lean engine needs boto3 for its requests to AWS.

Inside the Lambda runtime, with credentials in the environment and nothing unusual
asked for, the engine does exactly what boto3 would do, at a fraction of its cost, and
nothing of boto3 is imported. It does not read `~/.aws/config`, which Lambda does not
have; an image that has one names it in AWS_CONFIG_FILE. Everywhere else boto3 is asked
how it would reach the service (`sdk_access.py`). A client that the user passes always
wins.
"""

import os
import select
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wspubsub.errors import UsageError

if TYPE_CHECKING:
    from wspubsub.aws.forks import Boto3Client

CONNECT_SECONDS, READ_SECONDS = 2.0, 5.0
"""Short compared with the 29 s that a WebSocket integration may take."""

MAX_ATTEMPTS = 4

MAX_CONNECTIONS = 1024
"""How many connections a boto3 client keeps: more than a process has threads that use
it. Otherwise urllib3 would discard some after each request and log a warning each time.
"""

_NEEDED = ("AWS_LAMBDA_RUNTIME_API", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_UNUSUAL = (
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
# A file of that name says that there is no configuration.
_NOTHING = ("", os.devnull)
# SDKs take these for off unless they say "true".
_SWITCHES = (
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
# Their endpoints have names of their own, which botocore knows.
_ISOLATED_REGIONS = ("us-iso", "eu-iso", "eusc-")
# boto3's clients may be shared by threads; making them from its default session, which
# is made with the first one, may not.
_ONE_AT_A_TIME = threading.Lock()


def is_engine_fit(environment: Mapping[str, str]) -> bool:
    """Return whether the engine needs nothing of boto3 in this environment."""
    if not hasattr(select, "poll"):  # as on Windows
        return False
    if not all(environment.get(name) for name in _NEEDED):
        return False
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
    if region.startswith(_ISOLATED_REGIONS):
        return False
    if any(environment.get(name, "").lower() == "true" for name in _SWITCHES):
        return False
    return all(environment.get(name, "") in _NOTHING for name in _UNUSUAL)


def boto3_client(
    service: str,
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> "Boto3Client":
    """Return a boto3 client with timeouts that fit a Lambda behind API Gateway.

    Args:
        service: Name of the service, as boto3 has it.
        region: AWS Region; the environment's, or the configuration's, if None.
        endpoint_url: Where the service is; where boto3 finds it if None.
        max_attempts: How often a request is sent at most.

    Raises:
        CredentialsError: There is no such profile, or no way to its credentials.
        UsageError: No Region is known, or the configuration is wrong.
    """
    import boto3  # half a second of a cold start
    from botocore.config import Config

    from wspubsub.aws.forks import reconnect_after_fork

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        max_pool_connections=MAX_CONNECTIONS,
    )
    # boto3 by itself heeds AWS_DEFAULT_REGION, and not the variable of Lambda and of
    # all other SDKs.
    region = region or os.environ.get("AWS_REGION") or None
    try:
        with _ONE_AT_A_TIME:
            client = boto3.client(
                service, region_name=region, endpoint_url=endpoint_url, config=config
            )
    except Exception as error:
        from wspubsub.aws.client_errors import failure_of

        failure = failure_of(error)
        raise UsageError(
            f"boto3 cannot create a client for {service}: {failure.text}"
        ) from error
    return reconnect_after_fork(client)
