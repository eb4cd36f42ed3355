"""The Management API through the engine: many posts in flight in one thread."""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wspubsub.aws.choice import CONNECT_SECONDS, READ_SECONDS
from wspubsub.aws.failures import error_for, unreadable_answer
from wspubsub.aws.meanings import Meaning, meaning_of
from wspubsub.aws.signing import (
    EMPTY_HASH,
    Credentials,
    Scope,
    Signer,
    SigningKeys,
    authorization,
    canonical_path,
    credentials_in,
)
from wspubsub.aws.unsigned import format_unsigned_headers
from wspubsub.aws.verdicts import verdict_on
from wspubsub.connections import ConnectionInfo, Outcome, PostOutcome
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

TIMEOUT_SECONDS = 10.0
"""How long a single call is retried if it is given no deadline."""

_USUAL_ID = re.compile(r"[A-Za-z0-9_.~-]*=*")
"""An ID in which only `=` has to be percent-encoded (RFC 3986 §2.3)."""

_SUCCESS = range(200, 300)
_UNREADABLE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_OUTCOMES = {Meaning.GONE: Outcome.GONE, Meaning.THROTTLED: Outcome.THROTTLED}


class EngineConnections:
    """Implements `Connections` without an AWS SDK.

    Credentials are read from the environment for each batch.

    Args:
        endpoint: Endpoint of the Management API.
        region: Region to sign for.
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
        max_in_flight: int = 128,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        url = split_url(endpoint)
        self._endpoint = endpoint
        self._region = region
        self._clock = clock
        self._keys = SigningKeys()
        self._progress = Progress()
        self._host = url.netloc
        self._path = f"{url.path}/@connections/"
        pool = ChannelPool(
            Endpoint(url.host, url.port, trust_of(url, os.environ)),
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
        requests = _Requests(
            method,
            self._host,
            self._path,
            data,
            credentials=credentials_in(os.environ),
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
            deadline = self._clock() + TIMEOUT_SECONDS
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
            return PostOutcome(result.tag, Outcome.DELIVERED)
        meaning = meaning_of(response.status, _code(response))
        if meaning is Meaning.DENIED:
            raise self._error(result)
        outcome = _OUTCOMES.get(meaning, Outcome.FAILED)
        return PostOutcome(result.tag, outcome, _describe(response))

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


class _Requests:
    """Builds the signed requests of one batch; only the connection ID differs.

    All but the ID and the signature is the same for a second, so it is made once.
    """

    __slots__ = (
        "_after_id",
        "_before_id",
        "_canonical_after",
        "_canonical_before",
        "_credentials",
        "_data",
        "_headers",
        "_host",
        "_keys",
        "_method",
        "_path",
        "_payload_hash",
        "_region",
        "_second",
        "_signer",
        "_unsigned",
    )

    def __init__(
        self,
        method: str,
        host: str,
        path: str,
        data: bytes,
        *,
        credentials: Credentials,
        region: str,
        keys: SigningKeys,
    ) -> None:
        self._method = method
        self._host = host
        self._path = path
        self._data = data
        self._payload_hash = hashlib.sha256(data).hexdigest() if data else EMPTY_HASH
        self._credentials = credentials
        self._region = region
        self._keys = keys
        self._unsigned = format_unsigned_headers(os.environ)
        self._second = -1

    def build(self, connection_id: str) -> bytes:
        """Return the bytes of the request for a connection."""
        second = int(time.time())
        if second != self._second:
            self._prepare(second)
        # Only unreserved characters and % are left, so nothing in an ID can end the
        # request line; what is signed has the % encoded once more.
        encoded = (
            connection_id.replace("=", "%3D")
            if _USUAL_ID.fullmatch(connection_id)
            else quote(connection_id, safe="")
        )
        canonical = (
            self._canonical_before + encoded.replace("%", "%25") + self._canonical_after
        )
        signed = self._signer.signature(canonical.encode())
        return b"".join(
            (
                self._before_id,
                encoded.encode(),
                self._after_id,
                signed.encode(),
                b"\r\n\r\n",
                self._data,
            )
        )

    def _prepare(self, second: int) -> None:
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        self._second = second
        scope = Scope(now, self._region, SERVICE)
        key = self._keys.key(
            self._credentials.secret_key, now[:8], self._region, SERVICE
        )
        self._signer = Signer(scope, key)
        headers = [("host", self._host), ("x-amz-date", now)]
        if self._credentials.token is not None:
            headers.append(("x-amz-security-token", self._credentials.token))
        headers.sort()
        lines = "".join(f"{name}:{value}\n" for name, value in headers)
        names = ";".join(name for name, _ in headers)
        self._canonical_before = f"{self._method}\n{canonical_path(self._path)}"
        self._canonical_after = f"\n\n{lines}\n{names}\n{self._payload_hash}"
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers)
        unsigned = authorization(self._credentials, scope, headers, "")
        self._before_id = f"{self._method} {self._path}".encode()
        self._after_id = (
            f" HTTP/1.1\r\n{sent}{self._unsigned}content-length: {len(self._data)}\r\n"
            f"authorization: {unsigned}"
        ).encode()


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
    return datetime.fromisoformat(text).timestamp()
