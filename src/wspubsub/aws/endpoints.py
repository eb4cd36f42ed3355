"""Which endpoint the Management API of an API has, and in which region it is."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from wspubsub.errors import UsageError

_DEFAULT_DOMAIN = re.compile(
    r"(?P<api_id>[a-z0-9]+)\.execute-api\.(?P<region>[a-z0-9-]+)"
    r"\.amazonaws\.com(?:\.cn)?"
)
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_HTTP_SCHEMES = {"wss": "https", "ws": "http", "https": "https", "http": "http"}


class DefaultDomain(NamedTuple):
    """What the default domain of an API tells."""

    api_id: str
    region: str
    stage: str

    @property
    def partition(self) -> str:
        """The partition that ARNs in the region begin with."""
        found = (
            partition
            for prefix, partition in _PARTITIONS.items()
            if self.region.startswith(prefix)
        )
        return next(found, "aws")


def default_domain(endpoint: str) -> DefaultDomain | None:
    """Return what an endpoint tells if it is in the default domain, else None."""
    parts = urlsplit(endpoint)
    match = _DEFAULT_DOMAIN.fullmatch(parts.hostname or "")
    if match is None:
        return None
    return DefaultDomain(match["api_id"], match["region"], parts.path.strip("/"))


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
        parts.port  # noqa: B018 - raises
    except ValueError:
        raise _no_endpoint(url) from None
    scheme = _HTTP_SCHEMES.get(parts.scheme)
    is_plain = parts.username is None and not any(map(str.isspace, parts.path))
    if scheme is None or not parts.hostname or not is_plain:
        raise _no_endpoint(url)
    path = parts.path.partition("/@connections")[0].rstrip("/")
    endpoint = f"{scheme}://{parts.netloc}{path}"
    if not path and default_domain(endpoint):
        raise UsageError(f"{url!r} lacks the stage; append it, as in {endpoint}/prod")
    return endpoint


def region_of(endpoint: str, environment: Mapping[str, str]) -> str | None:
    """Return the region that requests to an endpoint are signed for, if it is known."""
    place = default_domain(endpoint)
    if place:
        return place.region
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")


def unknown_region(endpoint: str) -> UsageError:
    """Return the error to raise for an endpoint without a known region."""
    return UsageError(
        f"the region of {endpoint} is unknown; set AWS_REGION or give region="
    )


def _no_endpoint(url: str) -> UsageError:
    return UsageError(
        f"{url!r} is not the endpoint of a WebSocket API; give "
        "https://{api id}.execute-api.{region}.amazonaws.com/{stage}, or "
        "https://{custom domain}/{mapping}"
    )
