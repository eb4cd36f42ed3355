"""The Management API through a boto3 client: a thread for each post under way."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from threading import Event
from typing import TypeVar

from wspubsub.aws.choice import boto3_client
from wspubsub.aws.client_errors import ClientFailure, failure_of
from wspubsub.aws.clients import ManagementClient
from wspubsub.aws.failures import error_for, outcome_of, unreadable_answer
from wspubsub.aws.fan_out import AttemptEnd, FanOut
from wspubsub.aws.forks import reconnect_after_fork
from wspubsub.aws.meanings import UNREADABLE, Meaning
from wspubsub.backoff import attempts
from wspubsub.connections import CALL_SECONDS, ConnectionInfo, Outcome, PostOutcome
from wspubsub.engine.schedule import PATIENCE_SECONDS, Progress
from wspubsub.errors import ManagementError

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
        self._client = reconnect_after_fork(client)
        self._endpoint = endpoint
        self._max_workers = max_workers
        self._clock = clock
        self._sleep = sleep
        self._progress = Progress()

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """See `Connections.post`."""
        self._until(deadline, connection_id, self._posting(connection_id, data))

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        fan_out = FanOut(
            lambda connection_id, ended: self._try(
                connection_id, data, deadline, ended
            ),
            max_workers=self._max_workers,
            deadline=deadline,
            clock=self._clock,
            sleep=self._sleep,
            progress=self._progress,
            patience_seconds=patience_seconds,
        )
        return fan_out.outcomes(connection_ids)

    def get(self, connection_id: str) -> ConnectionInfo:
        """See `Connections.get`."""
        answer = self._until(
            None,
            connection_id,
            partial(self._client.get_connection, ConnectionId=connection_id),
        )
        identity = answer.get("Identity", {})
        try:
            connected_at, last_active_at = answer["ConnectedAt"], answer["LastActiveAt"]
        except KeyError as error:
            raise unreadable_answer(self._endpoint, error) from error
        return ConnectionInfo(
            connected_at=_seconds(connected_at),
            last_active_at=_seconds(last_active_at),
            source_ip=identity.get("SourceIp", ""),
            user_agent=identity.get("UserAgent"),
        )

    def close(self, connection_id: str) -> None:
        """See `Connections.close`."""
        self._until(
            None,
            connection_id,
            partial(self._client.delete_connection, ConnectionId=connection_id),
        )

    def _try(
        self, connection_id: str, data: bytes, deadline: float, ended: Event
    ) -> AttemptEnd:
        if ended.is_set() or self._clock() >= deadline:
            return AttemptEnd(
                PostOutcome(connection_id, Outcome.DEFERRED), is_answered=False
            )
        try:
            self._posting(str(connection_id), data)()
        except Exception as error:
            meaning, failure = self._failure(error, connection_id)
            if meaning is Meaning.DENIED:
                raise failure from error
            return AttemptEnd(
                PostOutcome(connection_id, outcome_of(meaning), str(failure)),
                is_answered=failure.status is not None,
                is_worth_a_retry=meaning.is_passing,
            )
        return AttemptEnd(PostOutcome(connection_id, Outcome.DELIVERED))

    def _posting(self, connection_id: str, data: bytes) -> Callable[[], object]:
        return partial(
            self._client.post_to_connection, ConnectionId=connection_id, Data=data
        )

    def _until(
        self,
        deadline: float | None,
        connection_id: str,
        call: Callable[[], ResultT],
    ) -> ResultT:
        begun = self._clock()
        end = begun + CALL_SECONDS if deadline is None else deadline
        if self._progress.shows(begun):
            end = min(end, begun + PATIENCE_SECONDS)
        failure: ManagementError
        for _ in attempts(self._sleep, left=lambda: end - self._clock()):
            try:
                answer = call()
            except Exception as error:
                meaning, failure = self._failure(error, connection_id)
                if not meaning.is_passing:
                    raise failure from error
                failure.__cause__ = error
            else:
                self._progress.at = self._clock()
                return answer
        raise failure

    def _failure(
        self, error: Exception, connection_id: str
    ) -> tuple[Meaning, ManagementError]:
        failure = failure_of(error)
        return failure.meaning, error_for(
            failure.meaning,
            connection_id,
            self._endpoint,
            status=failure.status,
            code=_code(failure),
            text=failure.text,
        )


def _code(failure: ClientFailure) -> str | None:
    # botocore makes a code of the status where the answer has none, and of its own
    # error where there was no answer.
    if failure.code == UNREADABLE:
        return UNREADABLE
    is_its_own = failure.status is None or failure.code == str(failure.status)
    return None if is_its_own else failure.code


def sdk_client(endpoint: str, region: str | None) -> ManagementClient:
    """Return a client that makes one attempt for each call.

    Raises:
        UsageError: No region was given, and the configuration of AWS has none.
    """
    client: ManagementClient = boto3_client(
        "apigatewaymanagementapi",
        region=region,
        endpoint_url=endpoint,
        max_attempts=1,
    )
    return client


def _seconds(value: object) -> float:
    return value.timestamp() if isinstance(value, datetime) else 0.0
