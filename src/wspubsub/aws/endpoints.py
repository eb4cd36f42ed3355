"""Which endpoint the Management API of an API has, and in which region it is."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from wspubsub.errors import UsageError

_DEFAULT_DOMAIN = re.compile(
    r"[a-z0-9]+\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
)
_HTTP_SCHEMES = {"wss": "https", "ws": "http", "https": "https", "http": "http"}


def management_endpoint(url: str) -> str:
    """Return the Management API's endpoint for what a user has at hand.

    The default domain is `https://{api id}.execute-api.{region}.amazonaws.com/{stage}`,
    a custom domain `https://{domain}` or `https://{domain}/{mapping}`. A `wss://` URL
    that clients connect to and a trailing `/@connections` are understood.

    Raises:
        UsageError: It is no such URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _no_endpoint(url) from None
    scheme = _HTTP_SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise _no_endpoint(url)
    path = parts.path.rstrip("/").removesuffix("/@connections").rstrip("/")
    if _DEFAULT_DOMAIN.fullmatch(parts.hostname) and not path:
        raise UsageError(f"{url!r} lacks the stage; append it, as in {url}/prod")
    return f"{scheme}://{parts.netloc}{path}"


def region_of(endpoint: str, environment: Mapping[str, str]) -> str:
    """Return the region that requests to an endpoint are signed for.

    Raises:
        UsageError: Neither the endpoint nor the environment names it.
    """
    match = _DEFAULT_DOMAIN.fullmatch(urlsplit(endpoint).hostname or "")
    if match:
        return match["region"]
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise UsageError(
            f"the region of {endpoint} is unknown; set AWS_REGION or give region="
        )
    return region


def _no_endpoint(url: str) -> UsageError:
    return UsageError(
        f"{url!r} is not the endpoint of a WebSocket API; give "
        "https://{api id}.execute-api.{region}.amazonaws.com/{stage}, or "
        "https://{custom domain}/{mapping}"
    )
