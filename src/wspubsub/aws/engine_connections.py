"""The Management API through the engine: many posts in flight in one thread."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from wspubsub.aws.choice import CONNECT_SECONDS, READ_SECONDS
from wspubsub.aws.failures import error_for, outcome_of, unreadable_answer
from wspubsub.aws.meanings import Meaning, meaning_of
from wspubsub.aws.requests import SignedRequests
from wspubsub.aws.signing import (
    CredentialsSource,
    SigningKeys,
    environment_credentials,
)
from wspubsub.aws.verdicts import verdict_on
from wspubsub.connections import CALL_SECONDS, ConnectionInfo, Outcome, PostOutcome
from wspubsub.engine.channel import Endpoint
from wspubsub.engine.exchange import Result, Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.response import HttpResponse
from wspubsub.engine.schedule import Progress
from wspubsub.engine.tls import trust_of
from wspubsub.engine.urls import split_url
from wspubsub.errors import ManagementError

SERVICE = "execute-api"

_SUCCESS = range(200, 300)
_DELIVERED = Outcome.DELIVERED  # to look it up takes as long as to count it
_UNREADABLE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


class EngineConnections:
    """Implements `Connections` without an AWS SDK.

    Args:
        endpoint: Endpoint of the Management API.
        region: Region to sign for.
        credentials: Where the credentials for each batch come from.
        certificates: Names a file of certificates to trust, as the environment does
            with `AWS_CA_BUNDLE`; the environment if None.
        max_in_flight: How many posts are in flight at most.
        connect_seconds: Longest time for a connection to be made.
        read_seconds: Longest time for an answer.
        clock: Monotonic clock in seconds.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        *,
        credentials: CredentialsSource = environment_credentials,
        certificates: Mapping[str, str] | None = None,
        max_in_flight: int = 128,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        url = split_url(endpoint)
        self._endpoint = endpoint
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._keys = SigningKeys()
        self._progress = Progress()
        self._host = url.netloc
        self._path = f"{url.path}/@connections/"
        trust = trust_of(url, os.environ if certificates is None else certificates)
        pool = ChannelPool(
            Endpoint(url.host, url.port, trust),
            max_idle=max_in_flight,
            clock=clock,
        )
        self._engine = Multiplexer(
            pool,
            max_in_flight=max_in_flight,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            clock=clock,
        )

    def post(
        self, connection_id: str, data: bytes, *, deadline: float | None = None
    ) -> None:
        """See `Connections.post`."""
        self._single("POST", connection_id, data, deadline)

    def post_many(
        self,
        connection_ids: Iterable[str],
        data: bytes,
        *,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[PostOutcome]:
        """See `Connections.post_many`."""
        for result in self._run(
            "POST", connection_ids, data, deadline, patience_seconds
        ):
            yield self._outcome(result)

    def get(self, connection_id: str) -> ConnectionInfo:
        """See `Connections.get`."""
        response = self._single("GET", connection_id, b"", None)
        try:
            return _connection_info(json.loads(response.body))
        except _UNREADABLE as error:
            raise unreadable_answer(self._endpoint, error) from error

    def close(self, connection_id: str) -> None:
        """See `Connections.close`."""
        self._single("DELETE", connection_id, b"", None)

    def _run(
        self,
        method: str,
        ids: Iterable[str],
        data: bytes,
        deadline: float,
        patience_seconds: float | None = None,
    ) -> Iterator[Result]:
        requests = SignedRequests(
            method,
            self._host,
            self._path,
            data,
            credentials=self._credentials(),
            environment=os.environ,
            service=SERVICE,
            region=self._region,
            keys=self._keys,
        )
        return self._engine.run(
            ids,
            build=requests.build,
            judge=_judge,
            deadline=deadline,
            progress=self._progress,
            patience_seconds=patience_seconds,
        )

    def _single(
        self, method: str, connection_id: str, data: bytes, deadline: float | None
    ) -> HttpResponse:
        if deadline is None:
            deadline = self._clock() + CALL_SECONDS
        # Even a call whose time is up already is tried once.
        soonest = max(deadline, self._clock() + 0.05)
        [result] = self._run(method, (str(connection_id),), data, soonest)
        if result.response is not None and result.response.status in _SUCCESS:
            return result.response
        raise self._error(result)

    def _outcome(self, result: Result) -> PostOutcome:
        response = result.response
        if response is None:
            if not result.was_tried:
                return PostOutcome(result.tag, Outcome.DEFERRED)
            return PostOutcome(result.tag, Outcome.FAILED, str(self._error(result)))
        if response.status in _SUCCESS:
            return PostOutcome(result.tag, _DELIVERED)
        meaning = meaning_of(response.status, _code(response))
        if meaning is Meaning.DENIED:
            raise self._error(result)
        return PostOutcome(result.tag, outcome_of(meaning), _describe(response))

    def _error(self, result: Result) -> ManagementError:
        response = result.response
        status = None if response is None else response.status
        code = None if response is None else _code(response)
        return error_for(
            meaning_of(status, code),
            result.tag,
            self._endpoint,
            status=status,
            code=code,
            text=result.error if response is None else _describe(response),
        )


def _connection_info(found: dict[str, Any]) -> ConnectionInfo:
    identity = found.get("identity") or {}
    return ConnectionInfo(
        connected_at=_seconds(found["connectedAt"]),
        last_active_at=_seconds(found["lastActiveAt"]),
        source_ip=identity.get("sourceIp", ""),
        user_agent=identity.get("userAgent"),
    )


def _judge(response: HttpResponse) -> Verdict:
    if response.status in _SUCCESS:
        return Verdict.FINAL
    return verdict_on(response.status, _code(response))


def _code(response: HttpResponse) -> str | None:
    # Some services append ":" and a URL to the name of the error.
    code = response.headers.get("x-amzn-errortype", "").partition(":")[0]
    return code or None


def _describe(response: HttpResponse) -> str:
    text = response.body[:300].decode("utf-8", "replace")
    return f"{response.status} {_code(response) or ''} {text}".strip()


def _seconds(text: str) -> float:
    from datetime import datetime  # who posts does not ask about connections

    return datetime.fromisoformat(text).timestamp()
