"""The environment variables of a Lambda function's process.

"Using Lambda environment variables" names those that Lambda sets. The rest leads the
AWS SDKs to the local gateway and the local DynamoDB: an SDK that knows nothing of this
project reads them too.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wspubsub.handlers.application import QUEUE, SOURCE_VARIABLES, STREAM
from wspubsub.handlers.target import Target

MEMORY_MB = 1024
# Any of these in the user's configuration file would lead past what is local; what is
# in the environment wins.
_SWITCHED_OFF = {
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "AWS_USE_DUALSTACK_ENDPOINT": "false",
    "AWS_USE_FIPS_ENDPOINT": "false",
}
# Where credentials may come from besides the two variables.
_HIDDEN = frozenset(
    {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    }
)
NOWHERE = "http://127.0.0.1:9/wspubsub-keeps-requests-from-AWS"
"""Where requests to services go that are not local: nothing listens there, and whoever
reads the SDK's error sees why. An `AWS_ENDPOINT_URL` of the user's own stays."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "socks_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The region, endpoints and resources that a function finds.

    Attributes:
        region: Region that the SDKs are set to.
        management_url: Where connections are posted to.
        dynamodb_url: Where the table is.
        is_embedded: Whether that is the embedded DynamoDB, which takes any credentials.
        table: Name of the table.
        stream_arn: The table's stream, if the function is invoked for it.
        queue_url: The queue, if there is one.
        queue_endpoint: Where it is served.
        ca_bundle: Whom the SDKs trust; None leaves it as it is.
        own_names: Further hosts that are never reached through a proxy.
    """

    region: str
    management_url: str
    dynamodb_url: str
    is_embedded: bool
    table: str
    stream_arn: str | None = None
    queue_url: str | None = None
    queue_endpoint: str | None = None
    ca_bundle: Path | None = None
    own_names: tuple[str, ...] = ()


def isolate_environ(base: Mapping[str, str], region: str) -> dict[str, str]:
    """Return an environment with credentials that AWS does not accept.

    Nothing that a handler does by mistake can reach the user's account.
    """
    kept = {name: value for name, value in base.items() if name not in _HIDDEN}
    return {"AWS_ENDPOINT_URL": NOWHERE, **kept} | {
        **_SWITCHED_OFF,
        # Lambda has none. A profile that the code names would lead to an account.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **exempt_local(base),
    }


def exempt_local(
    environ: Mapping[str, str], own_names: Iterable[str] = ()
) -> dict[str, str]:
    """Return variables with which nothing that is local is reached through a proxy.

    Args:
        environ: Says which hosts are exempt already.
        own_names: Hosts that are this machine, besides its loopback.
    """
    known = environ.get("no_proxy") or environ.get("NO_PROXY")
    exempt = ",".join(
        dict.fromkeys([*(known.split(",") if known else ()), *_LOOPBACK, *own_names])
    )
    # Some read the one spelling, some the other.
    return {"NO_PROXY": exempt, "no_proxy": exempt}


def uses_proxy(environ: Mapping[str, str]) -> bool:
    """Return whether programs reach others through a proxy."""
    return any(value for name, value in environ.items() if name.lower() in _PROXIES)


def python_path(base: Mapping[str, str], target: Target) -> str:
    """Return where a function's processes look for modules: its own folders first."""
    folders = [str(folder) for folder in target.search_path]
    folders += [
        str(Path(folder).absolute())
        for folder in base.get("PYTHONPATH", "").split(os.pathsep)
        if folder
    ]
    return os.pathsep.join(folders)


def program_environ(
    base: Mapping[str, str], surroundings: Surroundings
) -> dict[str, str]:
    """Return the environment of any program that is to find what functions find."""
    sources = {
        SOURCE_VARIABLES[STREAM]: surroundings.stream_arn,
        SOURCE_VARIABLES[QUEUE]: surroundings.queue_url,
    }
    return _sdk_environ(base, surroundings) | {
        **{name: text for name, text in sources.items() if text is not None},
        "WSPUBSUB_ENDPOINT": surroundings.management_url,
        "WSPUBSUB_TABLE": surroundings.table,
    }


def function_environ(
    base: Mapping[str, str],
    surroundings: Surroundings,
    *,
    name: str,
    target: Target,
    memory_mb: int | None = None,
) -> dict[str, str]:
    """Return the environment of a function's processes."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return program_environ(base, surroundings) | {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb or MEMORY_MB),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "LAMBDA_TASK_ROOT": str(target.task_root),
        # As on Lambda, whatever the terminal's encoding is.
        "LANG": "en_US.UTF-8",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUTF8": "1",
        # Lambda's task root is read-only. Besides, Python takes a compiled file for
        # current if the source has its size and the second of its last change, so a
        # reload could run what was there before.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": python_path(base, target),
        "TZ": ":UTC",
        "_HANDLER": target.handler,
    }


def _sdk_environ(base: Mapping[str, str], surroundings: Surroundings) -> dict[str, str]:
    environ = (
        isolate_environ(base, surroundings.region)
        if surroundings.is_embedded
        else {**base}
    )
    if surroundings.ca_bundle is not None:
        environ["AWS_CA_BUNDLE"] = str(surroundings.ca_bundle)
    if surroundings.queue_endpoint is not None:
        environ["AWS_ENDPOINT_URL_SQS"] = surroundings.queue_endpoint
    if surroundings.is_embedded:
        environ["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] = surroundings.dynamodb_url
    return environ | {
        **_SWITCHED_OFF,
        "AWS_REGION": surroundings.region,
        "AWS_DEFAULT_REGION": surroundings.region,
        "AWS_ENDPOINT_URL_DYNAMODB": surroundings.dynamodb_url,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": surroundings.management_url,
        **exempt_local(base, surroundings.own_names),
    }
