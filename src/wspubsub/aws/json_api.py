"""Calls of AWS services that speak JSON over one URL (the "AWS JSON 1.0" protocol)."""

import binascii
import json
import os
import time
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any

from wspubsub.aws.choice import CONNECT_SECONDS, MAX_ATTEMPTS, READ_SECONDS
from wspubsub.aws.endpoints import region_in, service_endpoint
from wspubsub.aws.http import Multiplexer
from wspubsub.aws.http_channel import Endpoint
from wspubsub.aws.http_exchange import Result, Verdict
from wspubsub.aws.http_pool import ChannelPool
from wspubsub.aws.http_response import Response
from wspubsub.aws.signing import (
    Scope,
    SigningKeys,
    authorization,
    canonical_request,
    credentials_in,
    signature,
)
from wspubsub.aws.tls import trust_of
from wspubsub.aws.urls import split_url
from wspubsub.errors import UsageError

_SERVER_ERROR = 500
_OK = 200


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

    Credentials are read from the environment for each request.

    Args:
        service: Signing name, such as `dynamodb`.
        target: Prefix of `X-Amz-Target`, such as `DynamoDB_20120810`.
        throttled: Codes of errors that ask to try again later.
        region: AWS Region; the environment's if None.
        endpoint_url: Where the service is; the environment's, or the Region's, if
            None.
        read_seconds: Longest time for an answer.

    Raises:
        UsageError: No Region is known.
    """

    def __init__(
        self,
        service: str,
        target: str,
        *,
        throttled: Collection[str],
        region: str | None = None,
        endpoint_url: str | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        region = region or region_in(os.environ)
        if not region:
            raise UsageError("the AWS region is unknown; set AWS_REGION")
        url = split_url(endpoint_url or service_endpoint(service, os.environ, region))
        self._service = service
        self._target = target
        self._region = region
        self._host = url.netloc
        self._path = f"{url.path}/"
        self._throttled = throttled
        self._keys = SigningKeys()
        self._timeout_seconds = MAX_ATTEMPTS * (CONNECT_SECONDS + read_seconds)
        pool = ChannelPool(
            Endpoint(url.host, url.port, trust_of(url, os.environ)), max_idle=32
        )
        self._engine = Multiplexer(
            pool, connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds
        )

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request, with `ResponseMetadata` as boto3 has it.

        Raises:
            ClientError: It was refused, or the service could not be reached.
        """
        [result] = self._engine.run(
            (operation,),
            build=self._builder(operation, _written(request)),
            judge=self._judged,
            deadline=time.monotonic() + self._timeout_seconds,
            max_attempts=MAX_ATTEMPTS,
        )
        response = result.response
        if response is None or response.status != _OK:
            raise _error(result, operation)
        answer: dict[str, Any] = _parsed(response.body)
        answer["ResponseMetadata"] = _metadata(response)
        return answer

    def _builder(self, operation: str, body: bytes) -> Callable[[str], bytes]:
        payload_hash = sha256(body).hexdigest()

        def build(_tag: str) -> bytes:
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            credentials = credentials_in(os.environ)
            headers = [
                ("content-type", "application/x-amz-json-1.0"),
                ("host", self._host),
                ("x-amz-date", now),
                ("x-amz-target", f"{self._target}.{operation}"),
            ]
            if credentials.token is not None:
                headers.insert(3, ("x-amz-security-token", credentials.token))
            scope = Scope(now, self._region, self._service)
            canonical = canonical_request("POST", self._path, "", headers, payload_hash)
            key = self._keys.key(
                credentials.secret_key, now[:8], self._region, self._service
            )
            signed = signature(canonical.encode(), scope, key)
            headers += [
                ("authorization", authorization(credentials, scope, headers, signed)),
                ("content-length", str(len(body))),
            ]
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            return f"POST {self._path} HTTP/1.1\r\n{lines}\r\n".encode() + body

        return build

    def _judged(self, response: Response) -> Verdict:
        checksum = response.headers.get("x-amz-crc32")
        if response.status >= _SERVER_ERROR:
            return Verdict.BROKEN
        if checksum is not None and checksum != str(binascii.crc32(response.body)):
            return Verdict.BROKEN
        if response.status != _OK:
            code = _refusal(response)["Error"]["Code"]
            return Verdict.THROTTLED if code in self._throttled else Verdict.FINAL
        return Verdict.FINAL


def _written(request: dict[str, Any]) -> bytes:
    return json.dumps(request, default=_base64).encode()


def _base64(value: object) -> str:
    # JSON has no bytes: DynamoDB takes and gives those of an attribute in base64.
    if not isinstance(value, bytes):
        raise TypeError(f"AWS takes no {type(value).__name__}")
    return binascii.b2a_base64(value, newline=False).decode()


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - parsed JSON
    # The hook is called for each object; a page of subscribers has thousands, and
    # never a binary attribute.
    return json.loads(body, object_hook=_with_bytes if b'"B"' in body else None)


def _with_bytes(found: dict[str, Any]) -> dict[str, Any]:
    # A map with an attribute of that name has an object there, never text.
    if len(found) == 1 and isinstance(found.get("B"), str):
        return {"B": binascii.a2b_base64(found["B"])}
    return found


def _refusal(response: Response) -> dict[str, Any]:
    try:
        found = _parsed(response.body)
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        found = {}
    # The type is a qualified name: com.amazonaws.dynamodb.v20120810#Name.
    code = str(found.pop("__type", "")).rpartition("#")[2] or str(response.status)
    # SQS had other names for its errors when it spoke XML, and SDKs keep to those.
    code = response.headers.get("x-amzn-query-error", code).partition(";")[0]
    message = found.pop("message", None) or found.pop("Message", None) or ""
    return {**found, "Error": {"Code": code, "Message": str(message)}}


def _error(result: Result, operation: str) -> ClientError:
    response = result.response
    if response is None:
        error = {"Code": "EndpointConnectionError", "Message": result.error}
        return ClientError({"Error": error, "ResponseMetadata": {}}, operation)
    return ClientError(
        {**_refusal(response), "ResponseMetadata": _metadata(response)}, operation
    )


def _metadata(response: Response) -> dict[str, Any]:
    return {
        "HTTPStatusCode": response.status,
        "RequestId": response.headers.get("x-amzn-requestid", ""),
    }
