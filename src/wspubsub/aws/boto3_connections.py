"""The Management API through a boto3 client: a thread for each post under way."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from itertools import islice
from typing import TypeVar

from wspubsub.aws.clients import ManagementClient
from wspubsub.aws.failures import Meaning, error_for, meaning_of
from wspubsub.backoff import full_jitter
from wspubsub.connections import ConnectionInfo, Outcome, PostOutcome
from wspubsub.errors import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    ThrottledError,
)

CONNECT_SECONDS, READ_SECONDS = 2, 5
"""Short against the 29 s that a WebSocket integration may take."""

TIMEOUT_SECONDS = 10.0
"""How long a single call goes on trying if it is given no deadline."""

ResultT = TypeVar("ResultT")


class Boto3Connections:
    """Implements `Connections` over `boto3.client("apigatewaymanagementapi")`.

    Args:
        client: The client.
        endpoint: Endpoint, for error texts.
        max_workers: How many posts `post_many` has under way at most.
        clock: Monotonic clock in seconds.
        sleep: Waits before a retry.
    """

    def __init__(
        self,
        client: ManagementClient,
        endpoint: str,
        *,
        max_workers: int,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._max_workers = max_workers
        self._clock = clock
        self._sleep = sleep

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """See `Connections.post`."""

        def call() -> None:
            self._client.post_to_connection(ConnectionId=connection_id, Data=data)

        self._until(deadline, connection_id, call)

    def post_many(
        self, connection_ids: Iterable[str], data: bytes, *, deadline: float
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        remaining = iter(connection_ids)
        pool = ThreadPoolExecutor(self._max_workers, "wspubsub-post")
        under_way: set[Future[PostOutcome]] = set()
        try:
            while True:
                room = self._max_workers * 2 - len(under_way)
                for connection_id in islice(remaining, room):
                    under_way.add(
                        pool.submit(self._outcome, connection_id, data, deadline)
                    )
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def get(self, connection_id: str) -> ConnectionInfo:
        """See `Connections.get`."""
        answer = self._until(
            None,
            connection_id,
            lambda: self._client.get_connection(ConnectionId=connection_id),
        )
        identity = answer.get("Identity", {})
        return ConnectionInfo(
            connected_at=_seconds(answer["ConnectedAt"]),
            last_active_at=_seconds(answer["LastActiveAt"]),
            source_ip=identity.get("SourceIp", ""),
            user_agent=identity.get("UserAgent"),
        )

    def close(self, connection_id: str) -> None:
        """See `Connections.close`."""
        self._until(
            None,
            connection_id,
            lambda: self._client.delete_connection(ConnectionId=connection_id),
        )

    def _outcome(self, connection_id: str, data: bytes, deadline: float) -> PostOutcome:
        if self._clock() >= deadline:
            return PostOutcome(connection_id, Outcome.DEFERRED)
        try:
            self.post(str(connection_id), data, deadline=deadline)
        except ConnectionGoneError:
            return PostOutcome(connection_id, Outcome.GONE)
        except ThrottledError as error:
            return PostOutcome(connection_id, Outcome.THROTTLED, str(error))
        except AccessDeniedError:
            raise
        except ManagementError as error:
            return PostOutcome(connection_id, Outcome.FAILED, str(error))
        return PostOutcome(connection_id, Outcome.DELIVERED)

    def _until(
        self, deadline: float | None, connection_id: str, call: Callable[[], ResultT]
    ) -> ResultT:
        if deadline is None:
            deadline = self._clock() + TIMEOUT_SECONDS
        delays = full_jitter()
        while True:
            try:
                return call()
            except Exception as error:
                meaning, failure = self._failure(error, connection_id)
                delay = next(delays)
                is_last = self._clock() + delay >= deadline
                if is_last or meaning not in {Meaning.THROTTLED, Meaning.BROKEN}:
                    raise failure from error
            self._sleep(delay)

    def _failure(
        self, error: Exception, connection_id: str
    ) -> tuple[Meaning, ManagementError]:
        response = getattr(error, "response", None)
        if not isinstance(response, dict):
            if not type(error).__module__.startswith("botocore."):
                raise error
            response = {}
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = response.get("Error", {}).get("Code")
        meaning = meaning_of(status, code)
        failure = error_for(
            meaning,
            connection_id,
            self._endpoint,
            status=status,
            code=code,
            text=str(error),
        )
        return meaning, failure


def boto3_client(
    endpoint: str, region: str | None, max_workers: int
) -> ManagementClient:
    """Return a client that makes one attempt for each call."""
    import boto3  # noqa: PLC0415 - half a second of a cold start
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=max_workers,
    )
    client: ManagementClient = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        region_name=region,
        config=config,
    )
    return client


def _seconds(value: object) -> float:
    return value.timestamp() if isinstance(value, datetime) else 0.0
