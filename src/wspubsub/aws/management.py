"""The API Gateway Management API behind the `Connections` port."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from wspubsub.aws.choice import is_engine_fit
from wspubsub.aws.endpoints import management_endpoint, region_of, unknown_region
from wspubsub.connections import ConnectionInfo, Connections, PostOutcome
from wspubsub.errors import ConnectionNotReadyError
from wspubsub.events import PendingConnectionId

if TYPE_CHECKING:
    from wspubsub.aws.clients import ManagementClient

MAX_WORKERS = 32


class ManagementApi:
    """Posts to connections of a WebSocket API, asks about them, closes them.

    It sends the requests itself, with many in flight in one thread, which costs a small
    fraction of boto3's CPU time. Outside the Lambda runtime boto3 finds the
    credentials; where the environment asks for what only boto3 can do, such as a
    proxy, boto3 sends the requests as well.

    Args:
        endpoint_url: `https://{api id}.execute-api.{region}.amazonaws.com/{stage}`, a
            custom domain with its mapping, or the URL that `wspubsub dev` prints.
        client: A `boto3.client("apigatewaymanagementapi", ...)` of your own, which is
            then used in any case. Give it `retries={"total_max_attempts": 1}`, since
            retries happen here, and `max_pool_connections=32`: a publish uses no more
            at once than it keeps, and boto3's default is 10.
        region: Region to sign for, where the endpoint does not name it.
        clock: Monotonic clock in seconds.
        sleep: Waits before a retry of a boto3 client.

    Raises:
        UsageError: The endpoint is not that of a WebSocket API, or its region is
            unknown.
    """

    def __init__(
        self,
        endpoint_url: str,
        *,
        client: "ManagementClient | None" = None,
        region: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        endpoint = management_endpoint(endpoint_url)
        region = region or region_of(endpoint, os.environ)
        self._opened: Connections | None = None
        if client is None and is_engine_fit(os.environ):
            if region is None:
                raise unknown_region()
            # A cold start that only connects a client posts nothing, so it does not
            # pay for the engine.
            self._open = partial(_over_engine, endpoint, region, clock)
            return
        self._open = partial(_over_sdk, endpoint, region, client, clock, sleep)
        self._opened = self._open()

    @property
    def _connections(self) -> Connections:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """See `Connections.post`.

        Raises:
            ConnectionNotReadyError: The connection's `$connect` is being handled.
        """
        if isinstance(connection_id, PendingConnectionId):
            raise ConnectionNotReadyError(connection_id)
        self._connections.post(connection_id, data, deadline=deadline)

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        return self._connections.post_many(
            connection_ids,
            data,
            deadline=deadline,
            patience_seconds=patience_seconds,
        )

    def get(self, connection_id: str) -> ConnectionInfo:
        """See `Connections.get`."""
        return self._connections.get(connection_id)

    def close(self, connection_id: str) -> None:
        """See `Connections.close`."""
        self._connections.close(connection_id)


# What is not used is not imported: a cold start pays for every module.


def _over_engine(endpoint: str, region: str, clock: Callable[[], float]) -> Connections:
    from wspubsub.aws.engine_connections import EngineConnections

    return EngineConnections(endpoint, region, clock=clock)


def _over_sdk(
    endpoint: str,
    region: str | None,
    client: "ManagementClient | None",
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> Connections:
    from wspubsub.aws.boto3_connections import Boto3Connections, sdk_client

    if client is None:
        from wspubsub.aws.engine_connections import EngineConnections
        from wspubsub.aws.sdk_access import find_access

        client = sdk_client(endpoint, region)
        access = find_access(client)
        if access is not None:
            return EngineConnections(
                endpoint,
                access.region,
                credentials=access.credentials,
                certificates=access.certificates,
                clock=clock,
            )
    return Boto3Connections(
        client, endpoint, max_workers=_workers_for(client), clock=clock, sleep=sleep
    )


def _workers_for(client: "ManagementClient") -> int:
    # More threads than the client keeps connections would make a new one for each post.
    config = getattr(getattr(client, "meta", None), "config", None)
    kept: int = getattr(config, "max_pool_connections", MAX_WORKERS)
    return min(MAX_WORKERS, kept)
