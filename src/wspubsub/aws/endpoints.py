"""Which endpoint the Management API of an API has, and which Region it is in."""

from collections.abc import Mapping
from itertools import pairwise

from wspubsub.engine.urls import Url, split_url
from wspubsub.errors import UsageError

_DOMAINS = ("amazonaws.com", "amazonaws.com.cn")
_QUEUE_DOMAINS = (*(f".{domain}" for domain in _DOMAINS), ".api.aws")
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_HTTP_SCHEMES = {"wss": "https", "ws": "http", "https": "https", "http": "http"}


class DefaultDomain:
    """What can be read from an endpoint in the default domain."""

    __slots__ = ("api_id", "region", "stage")

    def __init__(self, api_id: str, region: str, stage: str) -> None:
        self.api_id = api_id
        self.region = region
        self.stage = stage

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
    """Return what can be read from an endpoint in the default domain, else None."""
    return _default_domain(split_url(endpoint))


def _default_domain(url: Url) -> DefaultDomain | None:
    api_id, _, rest = url.host.partition(".execute-api.")
    region, _, domain = rest.partition(".")
    if domain not in _DOMAINS or not api_id.isalnum():
        return None
    return DefaultDomain(api_id, region, url.path.strip("/"))


def management_endpoint(url: str) -> str:
    """Return the Management API's endpoint for what a user has at hand.

    The default domain is `https://{api id}.execute-api.{region}.amazonaws.com/{stage}`,
    a custom domain `https://{domain}` or `https://{domain}/{mapping}`. A `wss://` URL
    that clients connect to and a trailing `/@connections` are understood.

    Raises:
        UsageError: It is not such a URL.
    """
    try:
        parts = split_url(url)
    except UsageError:
        raise _no_endpoint(url) from None
    path = parts.path.partition("/@connections")[0].rstrip("/")
    endpoint = f"{_HTTP_SCHEMES[parts.scheme]}://{parts.netloc}{path}"
    if not path and _default_domain(parts):
        raise UsageError(f"{url!r} has no stage; append it, as in {endpoint}/prod")
    return endpoint


def region_of(endpoint: str, environment: Mapping[str, str]) -> str | None:
    """Return the region that requests to an endpoint are signed for, if it is known."""
    place = default_domain(endpoint)
    if place:
        return place.region
    return region_in(environment)


def region_in(environment: Mapping[str, str]) -> str | None:
    """Return the Region that an environment names, if it names one."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")


def service_endpoint(service: str, environment: Mapping[str, str], region: str) -> str:
    """Return the endpoint of a service such as `dynamodb`, by the rules of boto3."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return (
        environment.get(f"AWS_ENDPOINT_URL_{service.upper()}")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://{service}.{region}.{suffix}"
    )


def region_of_queue(url: str) -> str | None:
    """Return the Region that the URL of an SQS queue names, if it names one.

    Besides the usual `sqs.{region}.amazonaws.com` these are FIPS, dual-stack and VPC
    endpoints, and the older `{region}.queue.amazonaws.com`.
    """
    labels = split_url(url).host.split(".")
    if not ".".join(labels).endswith(_QUEUE_DOMAINS):
        return None
    for label, following in pairwise(labels):
        if label in {"sqs", "sqs-fips"}:
            return following
        if following == "queue":
            return label
    return None


def unknown_region() -> UsageError:
    """Return the error to raise when no Region is known."""
    return UsageError(
        "the AWS Region is unknown; set AWS_REGION, or pass region= or a client of "
        "your own"
    )


def _no_endpoint(url: str) -> UsageError:
    return UsageError(
        f"{url!r} is not the endpoint of a WebSocket API; expected "
        "https://{api id}.execute-api.{region}.amazonaws.com/{stage} or "
        "https://{custom domain}/{mapping}"
    )
