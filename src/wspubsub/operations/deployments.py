"""A deployment as the commands see it: its table and its Management API."""

import ipaddress
from dataclasses import dataclass
from typing import Any, TypeAlias

from wspubsub.aws import ManagementApi
from wspubsub.connections import Connections
from wspubsub.dynamodb.access import TableAccess
from wspubsub.engine.urls import split_url
from wspubsub.errors import UsageError

SdkClient: TypeAlias = Any
"""A client of boto3, which has no types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where to read and what to post to.

    Attributes:
        table: Name of the table, if it is known.
        client: A `boto3.client("dynamodb")` for it.
        management: The Management API, if the endpoint is known.
        by_stream: Whether the table's stream is known to deliver logged messages; None
            asks the table whether it has a stream.
        table_advice: What to do if the table is not known.
        endpoint_advice: What to do if the endpoint is not known.
    """

    table: str | None = None
    client: SdkClient = None
    management: Connections | None = None
    by_stream: bool | None = None
    table_advice: str = "the table is unknown; add --table NAME or --stack NAME"
    endpoint_advice: str = (
        "the Management API's endpoint is unknown; add --endpoint URL or --stack NAME"
    )

    @property
    def access(self) -> TableAccess:
        """The table.

        Raises:
            UsageError: It is not known.
        """
        return TableAccess(self.client, self.require_table())

    @property
    def is_local(self) -> bool:
        """Whether the table is on this machine, where reading costs nothing."""
        host = split_url(self.client.meta.endpoint_url).host.strip("[]")
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def require_table(self) -> str:
        """Return the name of the table.

        Raises:
            UsageError: It is not known.
        """
        if self.table is None:
            raise UsageError(self.table_advice)
        return self.table

    def require_management(self) -> Connections:
        """Return the Management API.

        Raises:
            UsageError: Its endpoint is not known.
        """
        if self.management is None:
            raise UsageError(self.endpoint_advice)
        return self.management


def open_management(client: SdkClient) -> Connections:
    """Return the Management API behind a boto3 client for it."""
    return ManagementApi(
        client.meta.endpoint_url, client=client, region=client.meta.region_name
    )
