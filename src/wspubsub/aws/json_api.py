"""Calls to AWS services that speak JSON at one URL (the "AWS JSON 1.0" protocol)."""

import binascii
import json
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from wspubsub.aws.choice import CONNECT_SECONDS, MAX_ATTEMPTS, READ_SECONDS
from wspubsub.aws.endpoints import region_in, service_endpoint, unknown_region
from wspubsub.aws.requests import SignedRequests
from wspubsub.aws.signing import (
    CredentialsSource,
    SigningKeys,
    environment_credentials,
)
from wspubsub.engine.channel import Endpoint
from wspubsub.engine.exchange import Result, Verdict
from wspubsub.engine.multiplexer import Multiplexer
from wspubsub.engine.pool import ChannelPool
from wspubsub.engine.response import HttpResponse
from wspubsub.engine.tls import trust_of
from wspubsub.engine.urls import split_url

MAX_WAIT_SECONDS = 7.0
"""The sum of the longest delays after three answers that throttle."""

_OK = 200


# As in botocore's standard mode. Four attempts never reach its cap of 20 seconds.


def delay_after_throttling(failures: int) -> float:
    """Return the longest time to wait after an answer that throttles, in seconds."""
    return float(2 ** (failures - 1))


def delay_after_failure(failures: int) -> float:
    """Return the longest time to wait after any other failure, in seconds."""
    return float(0.05 * 2 ** (failures - 1))


class ClientError(Exception):
    """The service refused a request, or could not be reached.

    Attributes:
        response: As in botocore's error of this name: `Error` with `Code` and
            `Message`, `ResponseMetadata`, and what else the service said, such as
            `Item` or `CancellationReasons`.
        operation_name: The operation, such as `Query`.
    """

    def __init__(self, response: dict[str, Any], operation_name: str) -> None:
        error = response["Error"]
        super().__init__(
            f"An error occurred ({error['Code']}) when calling the {operation_name} "
            f"operation: {error['Message']}"
        )
        self.response = response
        self.operation_name = operation_name


class JsonApi:
    """One service in one Region; safe to use from several threads.

    Args:
        service: Signing name, such as `dynamodb`.
        target: Prefix of `X-Amz-Target`, such as `DynamoDB_20120810`.
        headers: Headers that this service wants besides, to be signed.
        region: AWS Region; the environment's if None.
        endpoint_url: Where the service is; the environment's, or the Region's, if
            None.
        credentials: Where the credentials for each request come from.
        certificates: Names a file of certificates to trust, as the environment does
            with `AWS_CA_BUNDLE`; the environment if None.
        read_seconds: Longest time for an answer.

    Raises:
        UsageError: No Region is known.
    """

    def __init__(
        self,
        service: str,
        target: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        region: str | None = None,
        endpoint_url: str | None = None,
        credentials: CredentialsSource = environment_credentials,
        certificates: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        region = region or region_in(os.environ)
        if not region:
            raise unknown_region()
        url = split_url(endpoint_url or service_endpoint(service, os.environ, region))
        self._service = service
        self._target = target
        self._headers = tuple(headers)
        self._region = region
        self._credentials = credentials
        self._host = url.netloc
        self._path = f"{url.path}/"
        self._keys = SigningKeys()
        self._timeout_seconds = (
            MAX_ATTEMPTS * (CONNECT_SECONDS + read_seconds) + MAX_WAIT_SECONDS
        )
        trust = trust_of(url, os.environ if certificates is None else certificates)
        pool = ChannelPool(Endpoint(url.host, url.port, trust), max_idle=32)
        self._engine = Multiplexer(
            pool,
            connect_seconds=CONNECT_SECONDS,
            read_seconds=read_seconds,
            longest_delay=delay_after_failure,
            throttled_delay=delay_after_throttling,
        )

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request, with `ResponseMetadata` as boto3 returns it.

        Raises:
            ClientError: It was refused, or the service could not be reached.
            CredentialsError: There is nothing to sign it with.
        """
        reader = _Reader()
        requests = SignedRequests(
            "POST",
            self._host,
            self._path,
            _serialize(request),
            credentials=self._credentials(),
            environment=os.environ,
            service=self._service,
            region=self._region,
            keys=self._keys,
            headers=(
                ("content-type", "application/x-amz-json-1.0"),
                ("x-amz-target", f"{self._target}.{operation}"),
                *self._headers,
            ),
        )
        [result] = self._engine.run(
            (operation,),
            build=lambda _operation: requests.build(),
            judge=reader.judge,
            deadline=time.monotonic() + self._timeout_seconds,
            max_attempts=MAX_ATTEMPTS,
        )
        if reader.answer is None:
            raise _error(result, operation, reader)
        assert result.response is not None  # noqa: S101 - it was read
        return {**reader.answer, "ResponseMetadata": _metadata(result.response)}


class _Reader:
    """Reads the answers to one request and says what they mean.

    Attributes:
        answer: What the service said, None if nothing that could be used.
        problem: Why the last answer cannot be read; empty if it can.
    """

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.problem = ""

    def judge(self, response: HttpResponse) -> Verdict:
        self.problem = ""
        if response.status == _OK:
            return self._read(response)
        from wspubsub.aws.verdicts import verdict_on

        return verdict_on(response.status, _refusal(response)["Error"]["Code"])

    def _read(self, response: HttpResponse) -> Verdict:
        checksum = response.headers.get("x-amz-crc32")
        if checksum is not None and checksum != str(binascii.crc32(response.body)):
            self.problem = f"its CRC32 checksum is not {checksum}"
            return Verdict.BROKEN
        answer = _parse(response.body)
        if answer is None:
            self.problem = f"it is not a JSON object: {response.body[:40]!r}"
            return Verdict.BROKEN
        self.answer = answer
        return Verdict.FINAL


def _serialize(request: dict[str, Any]) -> bytes:
    return json.dumps(request, default=_base64).encode()


def _base64(value: object) -> str:
    # JSON has no bytes: DynamoDB takes and gives those of an attribute in base64.
    if not isinstance(value, bytes):
        raise TypeError(f"cannot send a {type(value).__name__} to AWS")
    return binascii.b2a_base64(value, newline=False).decode()


def _parse(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object, or None if it is not one."""
    # The hook is called for each object; a page of subscribers has thousands, and
    # never a binary attribute.
    try:
        found = json.loads(body, object_hook=_with_bytes if b'"B"' in body else None)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _with_bytes(found: dict[str, Any]) -> dict[str, Any]:
    # A map with an attribute of that name has an object there, never text.
    if len(found) == 1 and isinstance(found.get("B"), str):
        return {"B": binascii.a2b_base64(found["B"])}
    return found


def _refusal(response: HttpResponse) -> dict[str, Any]:
    found = _parse(response.body) or {}
    # The type is a qualified name: com.amazonaws.dynamodb.v20120810#Name.
    code = str(found.pop("__type", "")).rpartition("#")[2] or str(response.status)
    # SQS had other names for its errors when it spoke XML, and SDKs keep to those.
    code = response.headers.get("x-amzn-query-error", code).partition(";")[0]
    message = found.pop("message", None) or found.pop("Message", None) or ""
    return {**found, "Error": {"Code": code, "Message": str(message)}}


def _error(result: Result, operation: str, reader: _Reader) -> ClientError:
    from wspubsub.aws.meanings import UNREACHABLE, UNREADABLE

    response = result.response
    if response is None:
        error = {"Code": UNREACHABLE, "Message": result.error}
        return ClientError({"Error": error, "ResponseMetadata": {}}, operation)
    if reader.problem:
        error = {
            "Code": UNREADABLE,
            "Message": f"the answer cannot be used: {reader.problem}",
        }
        refusal = {"Error": error}
    else:
        refusal = _refusal(response)
    return ClientError({**refusal, "ResponseMetadata": _metadata(response)}, operation)


def _metadata(response: HttpResponse) -> dict[str, Any]:
    return {
        "HTTPStatusCode": response.status,
        "RequestId": response.headers.get("x-amzn-requestid", ""),
    }
